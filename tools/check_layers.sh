#!/bin/sh
# Includes only look down: each layer may include itself and the layers named behind it.
set -eu
cd "$(dirname "$0")/.."
status=0
allow() {
    from=$1; shift
    for file in $(git ls-files --cached --others --exclude-standard "$from/*.[ch]"); do
        [ -f "$file" ] || continue
        for include in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
            ok=
            for to; do
                case $include in "$to"/*) ok=1 ;; esac
            done
            case $include in *.c) ok= ;; esac
            if [ -z "$ok" ]; then
                echo "$file: includes \"$include\"; $from may include: $*"
                status=1
            fi
        done
    done
}
allow src/base base
allow src/format base format
allow src/text base text
allow src/engine base engine shaders
allow src/model base format text model
allow src/lab base format text model engine lab
allow src/report base format text model engine lab report
allow ui base text model engine lab report ui
allow src/cli base format text model engine lab report cli ui/ui.h ui
for file in $(grep -lE '#include "ui/' -r src | grep -v '^src/cli/' || true); do
    echo "$file: only src/cli includes ui/"
    status=1
done
if grep -nE '#include "ui/' -r src/cli | grep -v '"ui/ui.h"'; then
    echo "src/cli includes ui/ through ui/ui.h only"
    status=1
fi
exit $status
