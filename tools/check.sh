#!/bin/sh
# What `make check` checks of what it has built in BUILD: layers, formatting, that neither compiler has a warning, shaders,
# unused public functions, ways to the terminal: tools/check.sh BUILD
set -u
cd "$(dirname "$0")/.."
build=$1
failed=0
passed=0
step() {
    name=$1; shift
    if out=$("$@" 2>&1); then
        echo "[  PASSED  ] $name"
        passed=$((passed + 1))
    else
        printf '%s\n' "$out"
        echo "[  FAILED  ] $name"
        failed=$((failed + 1))
    fi
}

# Builds what is not built yet, and asks that nothing was said of any source.
compiled() {
    said=$(printf '%s\n' $sources | sed -n "s,\(.*\)\.c\$,$build/\1.o.said,p")
    for file in $said; do
        [ -e "$file" ] || rm -f "${file%.said}"
    done
    make --no-print-directory -s -j"$cores" all tests "$build/bench/products" && ! cat $said | grep .
}
cores=$(getconf _NPROCESSORS_ONLN)
sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' | grep -E '^(src|ui|tests|bench)/' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
step include_order_of_the_layers tools/check_layers.sh
step no_circle_among_the_files_of_a_folder tools/check_circles.sh
step lines_within_100_columns tools/check_columns.py
step formatting clang-format --dry-run -Werror $sources
step no_warning_from_the_compiler compiled
step no_warning_from_the_other_compiler make --no-print-directory -s -j"$cores" -k twice
step shaders_are_valid tools/check_shaders.sh
step generated_documents_are_up_to_date tools/check_docs.sh "$build"
step no_unused_public_function tools/check_unused.sh "$build"
step no_way_to_the_terminal_but_say tools/check_printing.sh "$build"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
