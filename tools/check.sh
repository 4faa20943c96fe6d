#!/bin/sh
# What `make check` checks: layers, formatting, strict builds with both compilers, shaders, unused public functions.
set -u
cd "$(dirname "$0")/.."
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
sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' | grep -E '^(src|ui|tests|bench)/' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
step include_order_of_the_layers tools/check_layers.sh
step no_circle_among_the_files_of_a_folder tools/check_circles.sh
step lines_within_100_columns tools/check_columns.py
step formatting clang-format --dry-run -Werror $sources
for cc in gcc clang; do
    step "strict_build_with_$cc" make --no-print-directory -s CC=$cc BUILD=build/$cc PROGRAM=build/$cc/abltui \
        CFLAGS=-O1 WERROR=-Werror -j"$(nproc)" all tests "build/$cc/bench/products"
done
step shaders_are_valid tools/check_shaders.sh
step generated_documents_are_up_to_date tools/check_docs.sh build/gcc
step no_unused_public_function tools/check_unused.sh build/gcc
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
