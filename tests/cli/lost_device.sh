#!/bin/bash
# A device that is lost on the way: tests/cli/lost_device.sh PROGRAM LIBRARY. A driver that stands before llvmpipe's takes so many
# submissions and no more; what is said, and that the run goes on to the bytes of an undisturbed one. Prints a line a check; exit
# status 0 only if all pass.
set -u
program=$(realpath "$1")
library=$(realpath "$2")
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$(realpath "${ABLTUI_DATA:-data}")
llvmpipe=$(find /usr/lib /usr/lib64 -name 'libvulkan_lvp.so' 2>/dev/null | head -1)
if [ -z "$llvmpipe" ]; then
    skip lost_device "llvmpipe's driver is not here"
    finish
    exit
fi
export LOST_DEVICE_DRIVER=$llvmpipe VK_DRIVER_FILES=$scratch/lost.json VK_ICD_FILENAMES=$scratch/lost.json
printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.1.0"}}\n' "$library" >"$scratch/lost.json"
sets='--boot 10 --device vulkan --quiet --rows 20 --experiment sets --pairs 0:0,1,2,3,4;1:0,1,2,3 --controls 0 --mem 2M'

# shellcheck disable=SC2086
goes_on() { "$program" $sets --export "$1" --resume && diff -r -x provenance.json -x manifest.json "$scratch/whole" "$1"; }
# shellcheck disable=SC2086
succeeds an_undisturbed_run $sets --export "$scratch/whole"
lost='VK_ERROR_DEVICE_LOST; its driver gave it up: run again, or choose --device cpu'
kept=0
for at in 1 4 8 10 12 14 16 18 20; do
    export LOST_DEVICE_AT=$at
    # shellcheck disable=SC2086
    "$program" $sets --export "$scratch/at-$at" >"$scratch/out" 2>"$scratch/err"
    status=$?
    export LOST_DEVICE_AT=1000000
    if [ "$(wc -l <"$scratch/err")" != 1 ] || ! grep -q "$lost" "$scratch/err"; then
        fail "a_device_lost_at_${at}_is_said" "status $status" "$(cat "$scratch/err")"
    elif [ $status = 75 ]; then
        kept=$((kept + 1))
        holds "a_device_lost_at_${at}_leaves_what_is_kept" grep -qE "cells are kept: 'abltui --export .* --resume' goes on\$" "$scratch/err"
        holds "which_goes_on_from_$at" goes_on "$scratch/at-$at"
    else
        holds "a_device_lost_at_${at}_before_the_first_result" test $status = 1
        holds "leaves_nothing_from_$at" nothing_at "$scratch/at-$at"
    fi
done
holds some_are_lost_amid_a_run test $kept -gt 2
finish
