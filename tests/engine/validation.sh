#!/bin/bash
# Run the Vulkan tests of test programs under the validation layer with synchronization validation, one way in which the
# engine runs on drivers: tests/engine/validation.sh WAY BUILD HAZARD BINARY…
#     texel        on the driver that is here, with the shaders for CPU-type devices
#     tile         with those for GPUs
#     sets         as texel, without push descriptors
#     least        as tile, for a driver that has nothing but what every one has
#     swiftshader  on SwiftShader, as it is; kept in BUILD
# Fails on any message of the layer. HAZARD must bring one.
set -u
way=$1 build=$2 hazard=$3
shift 3
folder=$(dirname "$0")/..
export VK_LAYER_SETTINGS_PATH=$PWD/$folder/support/vk_layer_settings.txt
[ "${folder#/}" = "$folder" ] || VK_LAYER_SETTINGS_PATH=$folder/support/vk_layer_settings.txt
export ABLTUI_TEST_DEVICES=vulkan
case $way in
texel | tile) export ABLTUI_VULKAN_GEMM=$way ;;
sets) export ABLTUI_VULKAN_GEMM=texel ABLTUI_VULKAN_WITHOUT=push_descriptors ;;
least) export ABLTUI_VULKAN_GEMM=tile ABLTUI_VULKAN_WITHOUT=push_descriptors,shuffles,workgroups_of_256 ;;
swiftshader) . "$folder/support/swiftshader.sh" ;;
esac
export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation
messages='VUID-|SYNC-|UNASSIGNED-|Validation (Error|Warning|Performance Warning)'
output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed=0

report() { # NAME STATUS
    if [ "$2" = 0 ]; then
        echo "[  PASSED  ] $1"
    else
        echo "[  FAILED  ] $1"
        failed=1
    fi
}

"$hazard" >"$output" 2>&1
status=$?
if [ "$status" = 77 ]; then
    echo "[  SKIPPED ] validation: no Vulkan device"
    exit 0
fi
grep -q 'SYNC-HAZARD-READ-AFTER-WRITE' "$output"
watching=$?
[ "$watching" = 0 ] || { echo "no message about a missing barrier (exit status $status):"; tail -n 5 "$output"; }
report the_validation_layer_sees_a_missing_barrier "$watching"

for binary; do
    "$binary" >"$output" 2>&1
    status=$?
    if grep -qE "$messages" "$output"; then
        grep -E "$messages" "$output" | cut -c1-1000 | sort | uniq -c | sort -rn | head -n 20
        status=1
    elif [ "$status" != 0 ]; then
        tail -n 20 "$output"
    fi
    report "no_validation_message_from_$(basename "$binary")_by_$way" "$status"
done
exit "$failed"
