#!/bin/sh
# Compile every shader variant to a module and run spirv-val over it.
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory -s spirv
for module in build/spirv/*.spv; do
    case $module in
    */linear_coop.spv) target=vulkan1.2 ;;
    *) target=vulkan1.1 ;;
    esac
    spirv-val --target-env $target "$module" || { echo "$module is not valid"; exit 1; }
done
