#!/bin/bash
# Runs whose disk fills up, or turns read-only: tests/cli/full_disk.sh PROGRAM. Twenty sizes of a small file system, from one that
# has room for nothing to one that has room for all; what is said, and that the run goes on to the bytes of an undisturbed one.
# Mounts need root: where they cannot be had all of it counts as skipped. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1")
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$(realpath "${ABLTUI_DATA:-data}")
disk=$scratch/disk
mkdir "$disk"
unmount() { while mountpoint -q "$disk" && umount "$disk" 2>/dev/null; do :; done; }
trap 'unmount; rm -rf "$scratch"' EXIT
every=0,1,2,3,4,5,6,7
sets="--boot 10 --device cpu --quiet --rows 20 --experiment sets --pairs 0:$every;1:$every --controls 0 --mem 2M"
same() { diff -r -x provenance.json -x manifest.json "$1" "$2"; }
if ! mount -t tmpfs -o size=4k none "$disk" 2>"$scratch/why"; then
    skip full_disk "no file system can be mounted: $(head -1 "$scratch/why")"
    finish
    exit
fi
unmount

# shellcheck disable=SC2086
succeeds an_undisturbed_run $sets --export "$scratch/whole"
# shellcheck disable=SC2086
goes_on() { "$program" $sets --quiet --export "$disk/run" "$@" 2>"$scratch/again" && same "$scratch/whole" "$disk/run"; }
one_line() { [ "$(wc -l <"$scratch/err")" = 1 ] && grep -qE -e "$1" "$scratch/err"; }
# How a run ended that could not write, for the reason: with all tables, pictures perhaps missing; with what can be gone on with; or
# with nothing.
ended() {
    case $status in
        0) [ -s "$disk/run/manifest.json" ] && diff -r "$scratch/whole/metrics" "$disk/run/metrics" && { [ ! -s "$scratch/err" ] || one_line "lacks.*($1).*its tables are whole\$"; } ;;
        1) one_line "$1" && ! one_line --resume ;;
        75) one_line "($1)[;,].* (is|are) kept: 'abltui --export .* --resume' (goes on|writes it)\$" ;;
        *) false ;;
    esac || { echo "status $status: $(cat "$scratch/err")"; return 1; }
}

# What it takes at its widest: everything it writes, and the journal beside that.
room=$(($(du -sk "$scratch/whole" | cut -f1) + 64))
stopped=0 fitted=0
for ((i = 0; i < 20; i++)); do
    size=$((8 + 4 * (i * room / 76)))
    mount -t tmpfs -o "size=${size}k" none "$disk"
    # shellcheck disable=SC2086
    "$program" $sets --export "$disk/run" >"$scratch/out" 2>"$scratch/err"
    status=$?
    holds "a_disk_of_${size}k_says_that_it_is_full" ended 'No space left on device'
    [ $status != 75 ] || stopped=$((stopped + 1))
    [ $status != 0 ] || fitted=$((fitted + 1))
    mount -o remount,size=64m "$disk"
    if [ $status = 75 ]; then
        holds "what_a_disk_of_${size}k_kept_goes_on" goes_on --resume
    elif [ $status = 1 ]; then
        holds "what_had_no_room_in_${size}k_runs_anew" goes_on
    fi
    unmount
done
holds some_sizes_stop_amid_a_run test $stopped -gt 3
holds and_one_has_room_for_all test $fitted -gt 0

# A file system that finds itself damaged turns read-only under whoever writes there.
truncate -s 16M "$scratch/image"
if ! mkfs.ext4 -q -F -b 1024 "$scratch/image" 2>"$scratch/why" || ! mount -o loop "$scratch/image" "$disk" 2>"$scratch/why"; then
    skip read_only "no file system of its own can be made: $(head -1 "$scratch/why")"
    finish
    exit
fi
# shellcheck disable=SC2086
"$program" $sets --threads 1 --export "$disk/run" >"$scratch/out" 2>"$scratch/err" &
pid=$!
for ((i = 0; i < 3000; i++)); do
    [ "$(stat -c %s "$disk/run/journal.bin" 2>/dev/null || echo 0)" -gt 4000 ] && break
    sleep 0.005
done
mount -o remount,abort "$disk" 2>"$scratch/why"
wait $pid
status=$?
holds a_disk_that_turns_read_only_is_said ended 'Read-only file system|Input/output error'
unmount
e2fsck -fy "$scratch/image" >/dev/null 2>&1
mount -o loop "$scratch/image" "$disk"
if [ $status = 75 ]; then holds and_what_it_kept_goes_on goes_on --resume; else holds and_it_runs_anew goes_on; fi
finish
