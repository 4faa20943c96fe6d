#!/bin/bash
# What the Vulkan engine learns about its tiles, by the shaders for GPUs on whatever device there is: tests/cli/tune.sh PROGRAM.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

if ! "$program" devices 2>/dev/null | grep -q vulkan; then
    skip tune "no Vulkan device"
    finish
    exit
fi
export ABLTUI_VULKAN_GEMM=tile XDG_CACHE_HOME=$scratch/cache
mkdir "$XDG_CACHE_HOME"

# run NAME: a sweep whose rows are compared with the first one's.
run() {
    succeeds "run_$1" --device vulkan --rows 40 --layers 2-3 --boot 10 --export "$scratch/$1" --quiet
    [ "$1" = first ] || holds "rows_of_${1}_are_the_same_bits" cmp "$scratch/first/metrics/per_example.csv" "$scratch/$1/metrics/per_example.csv"
}
tuned() { head -1 "$1" | grep -q '^abltui-tune 1 ' && sed 1d "$1" | grep -qE '^[0-9]+ [0-9]+ [0-9]+ [0-9.e+]+ [0-9.e+]+$'; }

run first
file=$(echo "$XDG_CACHE_HOME"/abltui/tune-*.txt)
holds both_tiles_are_measured_and_kept tuned "$file"
cp "$file" "$scratch/kept"
run second
holds what_is_known_is_not_measured_again cmp "$scratch/kept" "$file"
for tile in 64 128; do
    ABLTUI_VULKAN_TILE=$tile run "tile_$tile"
done
{ head -1 "$scratch/kept"; echo '12 512 x'; } >"$file"
run damaged
holds a_damaged_file_is_made_anew tuned "$file"
sed '1s/$/ of another driver/' "$scratch/kept" >"$file"
run other_driver
holds another_driver_starts_over sh -c "! grep -q 'of another driver' '$file'"
holds no_temporary_file_stays test "$(find "$XDG_CACHE_HOME/abltui" -type f | wc -l)" = 1
XDG_CACHE_HOME=/proc/none run without_a_cache_folder

# said NAME PATTERN: the run says once that its file is not used, and provenance too; its rows are the same bits.
said() {
    "$program" --device vulkan --rows 40 --layers 2-3 --boot 10 --export "$scratch/$1" 2>"$scratch/err" >/dev/null </dev/null
    [ "$(grep -c "is not used: it $2" "$scratch/err")" = 1 ] && grep -qE "\"not_tuned\":.*is not used: it $2" "$scratch/$1/provenance.json" \
        && grep -qE '"tuned":[[:space:]]*null' "$scratch/$1/provenance.json" && cmp "$scratch/first/metrics/per_example.csv" "$scratch/$1/metrics/per_example.csv"
}
cp "$scratch/kept" "$file"
grep -qE '"tuned":[[:space:]]*".*/abltui/tune-' "$scratch/second/provenance.json" && pass the_file_is_named || fail the_file_is_named
chmod g+w "$file"
holds a_file_that_others_may_write_is_not_used said open_file 'can be written to by others'
holds and_is_made_anew test "$(stat -c %a "$file")" = 600
chmod g+w "$XDG_CACHE_HOME/abltui"
cp "$file" "$scratch/before"
holds nor_one_in_a_folder_that_others_may_write said open_folder 'can be written to by others'
holds which_stays_as_it_is cmp "$scratch/before" "$file"
chmod g-w "$XDG_CACHE_HOME/abltui"
mv "$file" "$scratch/target"
ln -s "$scratch/target" "$file"
holds nor_a_link said link 'is no regular file'
holds what_it_leads_to_stays_as_it_is cmp "$scratch/before" "$scratch/target"

finish
