#!/bin/sh
# Draw the screenshots that the README shows: tools/screenshots.sh ./abltui
set -eu
program=$1
export ABLTUI_DATA=data LC_ALL=C.UTF-8
mkdir -p screenshots
for size in 200x60 80x24; do
    for type in svg png; do
        "$program" --data negation --experiment sets --sets 0:1+0:6 --device cpu --size $size --screenshot screenshots/explorer-$size.$type
    done
done
