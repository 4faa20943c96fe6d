#!/bin/bash
# Where the bundled data come from, and what does not go before them: tests/cli/places.sh PROGRAM
set -u
program=$(realpath "$1") here=$PWD
. tests/support/checks.sh
unset ABLTUI_DATA
export LC_ALL=C.UTF-8 XDG_CACHE_HOME=$scratch/cache
mkdir "$XDG_CACHE_HOME"

# An installed program, and one that stands alone; a working directory that others have filled.
installed=$scratch/usr/bin/abltui alone=$scratch/alone/bin/abltui
mkdir -p "$scratch/usr/bin" "$scratch/usr/share/abltui" "$scratch/alone/bin" "$scratch/here/data"
cp "$program" "$installed"
cp "$program" "$alone"
cp -R data/corpora data/splits data/models configs "$scratch/usr/share/abltui/"
cp -R data/corpora data/splits data/models "$scratch/here/data/"
sed -i 's/"clean": "/&marker /' "$scratch"/here/data/corpora/*.jsonl
cp -R "$scratch/here/data" "$scratch/planted"

# used PROGRAM FOLDER ARGUMENT…: a run in the working directory reads the data of that folder, and says so.
used() {
    local by=$1 folder=$2
    shift 2
    (cd "$scratch/here" && rm -rf out && env "$@" "$by" --device cpu --data facts --split all --rows 6 --boot 10 --export out 2>err >/dev/null </dev/null) \
        || { cat "$scratch/here/err"; return 1; }
    grep -q "data from .*$folder/corpora/facts.jsonl" "$scratch/here/err" || { cat "$scratch/here/err"; return 1; }
    python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
assert p["data_dir"].endswith(sys.argv[2]) and p["data"]["path"].startswith(p["data_dir"]), (p["data_dir"], p["data"])
' "$scratch/here/out/provenance.json" "$folder"
}
holds an_installed_program_uses_what_is_installed used "$installed" share/abltui
holds a_name_that_is_given_goes_first used "$installed" "$scratch/planted" ABLTUI_DATA="$scratch/planted"
holds a_program_beside_its_data_uses_them used "$program" "$(basename "$here")/data"
cp -R data "$scratch/usr/bin/data"
holds a_folder_beside_the_program_goes_before_what_is_installed used "$installed" bin/data
chmod o+w "$scratch/usr/bin/data"
holds unless_everybody_may_write_to_it used "$installed" share/abltui
if [ "$(id -u)" = 0 ]; then
    chmod o-w "$scratch/usr/bin/data"
    chown 65534 "$scratch/usr/bin/data"
    holds or_it_belongs_to_somebody_else used "$installed" share/abltui
fi
alone_in_work() { (cd "$scratch/here" && ! "$alone" check --model "$here/data/models/tiny-gpt2" --data facts >out.txt 2>err </dev/null && grep -q 'ABLTUI_DATA' err && ! grep -q marker out.txt err); }
holds the_working_directory_is_no_place_of_ours alone_in_work

finish
