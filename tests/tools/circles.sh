#!/bin/bash
# tools/check_circles.sh finds units of a folder that use each other, and no others: tests/tools/circles.sh
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# tree LINE…: a small tree anew; a line is "FILE INCLUDE…".
tree() {
    local line file include
    rm -rf "$scratch"/*
    mkdir -p "$scratch/src/low" "$scratch/ui"
    for line; do
        set -- $line
        file=$scratch/$1
        shift
        : >"$file"
        for include; do echo "#include \"$include\"" >>"$file"; done
    done
}
# expect NAME STATUS [PATTERN…]: what the check says of the tree.
expect() {
    local name=$1 status=$2 output found pattern
    shift 2
    output=$(tools/check_circles.sh "$scratch" 2>&1)
    found=$?
    for pattern; do
        grep -qE "$pattern" <<<"$output" || found="$found without '$pattern'"
    done
    if [ "$found" = "$status" ]; then
        echo "[  PASSED  ] $name"
        passed=$((passed + 1))
    else
        echo "[  FAILED  ] $name: status $found, expected $status: $output"
        failed=$((failed + 1))
    fi
}

tree "src/low/a.h" "src/low/a.c low/a.h low/b.h" "src/low/b.h low/a.h" "ui/a.c low/a.h ui/b.h" "ui/b.h low/b.h"
expect b_reads_a_header_that_a_reads_back 1 '^src/low: units' '^ +a$' '^ +b$'
tree "src/low/a.h" "src/low/a.c low/a.h low/b.h" "src/low/b.h" "src/low/b.c low/b.h low/a.h"
expect two_sources_that_read_each_others_headers 1 '^src/low: units'
tree "ui/a.c ui/b.h" "ui/b.h" "ui/b.c ui/c.h" "ui/c.h ui/d.h" "ui/d.h" "ui/d.c ui/a.h" "ui/a.h"
expect a_circle_of_four 1 '^ui: units' '^ +a$' '^ +b$' '^ +c$' '^ +d$'
tree "ui/a.h" "ui/a.c ui/a.h ui/a_parts.h ui/b.h" "ui/a_parts.h ui/a.h ui/b.h" "ui/a_more.c ui/a.h ui/a_parts.h" "ui/b.h"
expect files_that_share_a_parts_header 0
tree "src/low/a.h" "src/low/a.c low/a.h" "src/low/b.h low/a.h" "src/low/b.c low/b.h low/a.h" "ui/a.h low/a.h" "ui/a.c ui/a.h"
expect one_name_in_two_folders 0
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
