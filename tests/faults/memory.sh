#!/bin/bash
# Allocations that fail: tests/faults/memory.sh PROGRAM FAIL_ALLOC.so. Each ends the run with status 1 and one line, never with
# the status of a bad model, a crash, or a folder that looks whole. A run may do
# without what it can: a helper process, pictures, which a line tells, or its place, where it lies beside.
program=$1 shim=$2
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=1000

# fail_at NUMBER ARGUMENT…
fail_at() {
    rm -rf "$scratch"/run*
    FAIL_ALLOC=$1 LD_PRELOAD=$shim "$program" --rows 2 --boot 10 --device cpu --quiet --threads 1 "${@:2}" \
        --export "$scratch/run" >"$scratch/out" 2>"$scratch/err" </dev/null
}

# well_told STATUS: what stands on stderr and in the folder goes with it
well_told() {
    local lines
    lines=$(wc -l <"$scratch/err")
    case $1 in
    0) [ -e "$scratch/run/manifest.json" ] &&
        { [ "$lines" = 0 ] || { [ "$lines" = 1 ] && grep -q '^warning: .* lacks .*; its tables are whole$' "$scratch/err"; }; } ;;
    1) { [ ! -e "$scratch/run/manifest.json" ] || { [ "$lines" = 1 ] && grep -q "saved in '.*/run' and marked as partial$" "$scratch/err"; }; } &&
        grep -q '^abltui: ' "$scratch/err" &&
        { [ "$lines" = 1 ] || { [ "$lines" = 2 ] && grep -q "^warning: .* the run is whole in '.*/run-[0-9]*'$" "$scratch/err"; }; } ;;
    *) false ;;
    esac
}

# every STEP ARGUMENT…: all of the first 60, which look for files, and every STEP'th later one
every() {
    local step=$1 n i status faults=0
    shift
    FAIL_ALLOC_COUNT=$scratch/count fail_at 0 "$@" || { cat "$scratch/err"; return 1; }
    n=$(cat "$scratch/count")
    [ "$n" -gt 1000 ] || { echo "only $n allocations are seen"; return 1; }
    for ((i = 1; i <= n; i += i < 60 ? 1 : step)); do
        fail_at "$i" "$@"
        status=$?
        if ! well_told $status; then
            echo "allocation $i of $n: status $status, expected 1 and one line: $(head -c 300 "$scratch/err")"
            faults=$((faults + 1))
        fi
    done
    [ $faults = 0 ]
}

# partway STEP ARGUMENT…: a failure amid the sweep leaves what had finished, marked as partial, and says so in its line.
partway() {
    local n percent status saved=0
    FAIL_ALLOC_COUNT=$scratch/count fail_at 0 "$@" || { cat "$scratch/err"; return 1; }
    n=$(cat "$scratch/count")
    for percent in 35 40 45 50 55 60 65; do
        fail_at $((n * percent / 100)) "$@"
        status=$?
        grep -qE "^abltui: out of memory.*; [0-9]+ of 32 variants had finished: they are saved in '.*/run' and marked as partial$" "$scratch/err" ||
            { well_told $status || { echo "at $percent %: status $status: $(cat "$scratch/err")"; return 1; }; continue; }
        if [ $status != 1 ] || [ "$(wc -l <"$scratch/err")" != 1 ] || ! is_partial; then
            echo "at $percent %: status $status: $(cat "$scratch/err")"
            return 1
        fi
        saved=$((saved + 1))
    done
    [ $saved -ge 3 ] || { echo "only $saved of 7 failures were amid the sweep"; return 1; }
}
# As many rows in the table as the line says, and everything that the manifest lists.
is_partial() {
    python3 - "$scratch/run" "$scratch/err" <<'PY'
import csv, hashlib, json, re, sys
from pathlib import Path
run, said = Path(sys.argv[1]), Path(sys.argv[2]).read_text()
manifest = json.loads((run / "manifest.json").read_text())
assert manifest["partial"]
for f in manifest["files"]:
    assert f["sha256"] in (None, hashlib.sha256((run / f["path"]).read_bytes()).hexdigest()), f["path"]
heads = {(r["layer"], r["head"]) for r in csv.DictReader((run / "metrics/head_impact.csv").open())}
assert len(heads) == int(re.search(r"; (\d+) of 32", said).group(1)) > 0, len(heads)
PY
}

holds a_failure_amid_the_sweep_saves_what_had_finished partway --heads all --mem 300K
holds a_sweep_without_memory every 97 --heads 0:0
holds a_patch_of_llama_without_memory every 151 --heads 0:0 --model tiny-llama --experiment patch

finish
