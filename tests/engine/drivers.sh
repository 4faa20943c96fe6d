#!/bin/bash
# Whole runs on a Vulkan driver, against the CPU and the reference: tests/engine/drivers.sh own|least|swiftshader BUILD PROGRAM
# The ways are those of validation.sh.
set -u
way=$1 build=$2 program=$(realpath "$3")
case $way in
least) export ABLTUI_VULKAN_WITHOUT=push_descriptors,shuffles,workgroups_of_256 ;;
swiftshader) . tests/support/swiftshader.sh ;;
esac
. tests/support/checks.sh

# field NAME: of the first Vulkan device.
field() { python3 -c 'import json, sys; print(next(d for d in json.load(sys.stdin)["devices"] if d["kind"] != "cpu")[sys.argv[1]])' "$1" <"$scratch/devices"; }

"$program" devices --json >"$scratch/devices"
if ! grep -q '"vulkan' "$scratch/devices"; then
    [ "$way" = swiftshader ] && fail swiftshader_is_a_device "$("$program" devices 2>&1)" || skip "drivers_$way" "no Vulkan device"
    finish
    exit
fi
[ "$way" != swiftshader ] || holds swiftshader_is_a_device [ "$(field name | grep -c SwiftShader)" = 1 ]

ran_on() { grep -qF "$(field name)" "$1/provenance.json"; }
name=$(field name) uuid=$(field uuid)
for device in vulkan:0 "vulkan:${name%% *}" "vulkan:$uuid"; do
    succeeds "${way}_is_chosen_by_${device%% *}" --device "$device" --rows 1 --heads 3:0 --boot 10 --quiet --export "$scratch/chosen"
    holds "${way}_runs_for_${device%% *}" ran_on "$scratch/chosen"
done

succeeds "verify_passes_on_$way" verify --device vulkan --rows 2

# All heads of the default model over rows of facts: every number that the CPU gives, within 1e-4.
for device in cpu vulkan; do
    succeeds "sweep_on_${device}_$way" --device $device --data facts --rows 3 --boot 10 --quiet --export "$scratch/$device"
done
cat >"$scratch/compare.py" <<'PY'
import csv, sys

left, right = (list(csv.DictReader(open(d + "/metrics/per_example.csv"))) for d in sys.argv[1:])
assert len(left) == len(right) == 3 * 32, (len(left), len(right))
worst = 0.0
for a, b in zip(left, right):
    for column in a:
        if column in ("ld", "delta_ld", "logprob", "kl"):
            off = abs(float(a[column]) - float(b[column]))
            assert off <= 1e-4, f"{a['variant']}, row {a['row']}: {column} is {a[column]} on the cpu, {b[column]} here"
            worst = max(worst, off)
        else:
            assert a[column] == b[column], f"{a['variant']}, row {a['row']}: {column} {a[column]}, {b[column]}"
print(f"at most {worst:.1e} apart")
PY
holds "sweep_equals_the_cpus_on_$way" python3 "$scratch/compare.py" "$scratch/cpu" "$scratch/vulkan"
finish
