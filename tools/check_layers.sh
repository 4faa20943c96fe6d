#!/bin/sh
# Includes only look down: each folder may include itself and those named behind it.
# tools/check_layers.sh [ROOT]: the tree to look at, this one where none is named.
set -eu
cd "${1:-$(dirname "$0")/..}"
status=0
rows=
allow() {
    from=$1; shift
    rows="$rows $from "
    for file in $(find "$from" -name '*.[ch]' | sort); do
        for include in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file"); do
            ok=
            for to; do
                case $include in "$to" | "$to"/*) ok=1 ;; esac
            done
            case $include in *.c) ok= ;; esac
            if [ -z "$ok" ]; then
                echo "$file: includes \"$include\"; $from may include: $*"
                status=1
            fi
        done
    done
}
below="base"
allow src/base $below
allow src/text $below text
allow src/format $below format
allow src/engine $below engine shaders
allow src/model $below text format model
# Plans and statistics are numbers: of engines they know the values and what work costs alone.
allow src/stats $below engine/values.h engine/precision.h stats
allow src/plan $below text model engine/values.h engine/work.h engine/precision.h stats plan
below="$below text format model stats plan"
allow src/reference $below reference engine/values.h
below="$below engine"
allow src/forward $below forward
below="$below forward"
allow src/session $below session
below="$below session"
allow src/experiments $below experiments
below="$below experiments"
allow src/analysis $below analysis
below="$below reference analysis"
allow src/verify $below verify
below="$below verify"
allow src/report $below report
below="$below report"
allow ui $below ui
allow src/cli $below cli ui/ui.h
for folder in src/*/; do
    case $rows in
    *" ${folder%/} "*) ;;
    *)
        echo "${folder%/}: no row says what it may include"
        status=1
        ;;
    esac
done
exit $status
