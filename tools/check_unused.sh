#!/bin/sh
# Every function with external linkage is used by another object of the program or its tests: tools/check_unused.sh BUILD
set -eu
cd "$(dirname "$0")/.."
build=$1
# By their sources: an object whose source is gone may still lie in the build folder.
objects=$(find src ui tests -name '*.c' | sed "s,\(.*\)\.c\$,$build/\1.o,")
nm -A $objects | awk '
    $(NF - 1) == "T" && $1 !~ /\/tests\// { defined[$NF] = $1 }
    $(NF - 1) == "U" { used[$NF] = 1 }
    END {
        for (name in defined)
            if (!(name in used) && name != "main") {
                sub(/:.*/, "", defined[name])
                print defined[name] ": " name " is public but used by no other file: make it static or remove it"
                bad = 1
            }
        exit bad
    }'
