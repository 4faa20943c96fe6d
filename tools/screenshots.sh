#!/bin/sh
# Draw the screenshots that the README shows: tools/screenshots.sh ./abltui
set -eu
program=$1
export ABLTUI_DATA=data LC_ALL=C.UTF-8
mkdir -p screenshots
# draw NAME SIZE ARGUMENT…
draw() {
    name=$1 size=$2
    shift 2
    for type in svg png; do
        "$program" --device cpu --size "$size" --screenshot "screenshots/$name-$size.$type" "$@"
    done
}
draw explorer 200x60 --data negation --experiment lens
draw explorer 80x24 --data negation --experiment lens
draw partial 120x40 --data facts --experiment partial --sets 0:1+0:2+0:6
