#!/bin/sh
# Within a folder no two units use each other, directly or around. A unit is the .c and the .h of one name; X_parts.h,
# which the files of X share, is X's own.
# tools/check_circles.sh [ROOT]: the tree to look at, this one where none is named.
set -eu
cd "${1:-$(dirname "$0")/..}"
status=0

# "unit used" a line, for each include of a folder's files that lies in the same folder.
uses() {
    grep -H '^#include "' "$1"/*.[ch] 2>/dev/null |
        sed -n "s|^$1/\([A-Za-z0-9_]*\)\.[ch]:#include \"${1#src/}/\([A-Za-z0-9_]*\)\.h\".*|\1 \2|p" |
        sed 's/_parts\( \|$\)/\1/g' | awk '$1 != $2'
}

for folder in $(find src ui -type d | sort); do
    if ! circles=$(uses "$folder" | tsort 2>&1 >/dev/null); then
        echo "$circles" | sed "s|^tsort: -: input.*|$folder: units that use each other in a circle:|; s|^tsort: |    |"
        status=1
    fi
done
exit $status
