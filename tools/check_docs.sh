#!/bin/sh
# What docs/ says of tables and names is what the program's tables say now: tools/check_docs.sh BUILD
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mkdir "$fresh/schema"
"$1/tests/describe" "$fresh"
status=0
for file in $(cd "$fresh" && find . -type f | sort); do
    diff -u "docs/$file" "$fresh/$file" || status=1
done
[ $status = 0 ] || echo "these are out of date: make docs"
exit $status
