#!/bin/bash
# That tools/check_layers.sh sees an include against the order of the folders: tests/tools/layers.sh. Prints a line a check;
# exit status 0 only if all pass.
set -u
. tests/support/checks.sh

holds this_tree_keeps_the_order tools/check_layers.sh

# A tree of its folders with a file in each, which includes its own folder alone.
folders=$(sed -n 's/^allow \([^ ]*\).*/\1/p' tools/check_layers.sh)
for folder in $folders; do
    mkdir -p "$scratch/tree/$folder"
    echo "#include \"${folder#src/}/own.h\"" >"$scratch/tree/$folder/own.c"
done
holds a_tree_that_keeps_the_order_passes tools/check_layers.sh "$scratch/tree"

# seen FILE LINE: with this include in that file the check fails, with one line that names both.
seen() {
    local file=$1 line=$2 name included
    included=$(echo "$line" | sed 's/.*"\(.*\)".*/\1/')
    name=$(echo "${file}_does_not_include_$included" | sed 's/[^a-z_]\{1,\}/_/g')
    mkdir -p "$scratch/tree/${file%/*}"
    echo "$line" >"$scratch/tree/$file"
    if tools/check_layers.sh "$scratch/tree" >"$scratch/out" 2>&1; then
        fail "$name" "it passed"
    elif [ "$(wc -l <"$scratch/out")" != 1 ] || ! grep -qF "$file: includes \"$included\";" "$scratch/out"; then
        fail "$name" "$(cat "$scratch/out")"
    else
        pass "$name"
    fi
    rm "$scratch/tree/$file"
}

# Each folder, what the next one holds; the highest, more of the explorer than its door.
lower=
for folder in $folders; do
    [ -z "$lower" ] || seen "$lower/wrong.c" "#include \"${folder#src/}/own.h\""
    lower=$folder
done
seen src/cli/wrong.c '#include "ui/state.h"'
# Plans and statistics know numbers of engines, and not how to run one.
for folder in src/plan src/stats; do
    seen $folder/wrong.h '#include "engine/engine.h"'
done
seen src/reference/wrong.c '#include "engine/engine.h"'
seen src/engine/vulkan/wrong.c '#include "model/model.h"'
seen src/session/wrong.c '#include "session/own.c"'
seen src/session/wrong.c '#include "../experiments/own.h"'
seen src/session/wrong.c '  #  include  "experiments/own.h"'
mkdir "$scratch/tree/src/attic"
refuses_a_folder_without_a_row() { ! tools/check_layers.sh "$scratch/tree" >"$scratch/out" && grep -q '^src/attic: ' "$scratch/out"; }
holds a_folder_has_a_row refuses_a_folder_without_a_row

finish
