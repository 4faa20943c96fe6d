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

finish
