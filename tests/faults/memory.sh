#!/bin/bash
# Allocations that fail: tests/faults/memory.sh PROGRAM FAIL_ALLOC.so. Each ends the run with status 1, or 75 where it can go on, and one line, never with
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
    75) [ "$lines" = 1 ] && is_kept ;;
    1) [ ! -e "$scratch/run" ] && grep -q '^abltui: ' "$scratch/err" &&
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

# is_kept: no tables, and the journal that the line names.
is_kept() {
    [ ! -e "$scratch/run/manifest.json" ] && [ -s "$scratch/run/journal.bin" ] &&
        grep -qE "^abltui: .*: 'abltui --export .*/run --resume' (goes on|writes it)$" "$scratch/err"
}

# partway ARGUMENT…: a failure amid the sweep leaves what had finished, says so in its line, and is gone on with.
partway() {
    local n percent status kept=0
    FAIL_ALLOC_COUNT=$scratch/count fail_at 0 "$@" || { cat "$scratch/err"; return 1; }
    n=$(cat "$scratch/count")
    cp -r "$scratch/run" "$scratch/undisturbed"
    for percent in 35 40 45 50 55 60 65; do
        fail_at $((n * percent / 100)) "$@"
        status=$?
        well_told $status || { echo "at $percent %: status $status: $(cat "$scratch/err")"; return 1; }
        grep -qE "^abltui: out of memory.*; [0-9]+ of [0-9]+ cells are kept: " "$scratch/err" || continue
        "$program" --rows 2 --boot 10 --device cpu --quiet --threads 1 "$@" --export "$scratch/run" --resume >"$scratch/out" 2>"$scratch/err" </dev/null ||
            { cat "$scratch/err"; return 1; }
        diff -r -x provenance.json -x manifest.json "$scratch/undisturbed" "$scratch/run" || return 1
        kept=$((kept + 1))
    done
    [ $kept -ge 3 ] || { echo "only $kept of 7 failures were amid the sweep"; return 1; }
}

holds a_failure_amid_the_sweep_keeps_what_had_finished partway --heads all --mem 300K
holds a_sweep_without_memory every 97 --heads 0:0
holds a_patch_of_llama_without_memory every 151 --heads 0:0 --model tiny-llama --experiment patch

finish
