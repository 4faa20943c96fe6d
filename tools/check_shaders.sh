#!/bin/sh
# Compile every shader variant to a module and run spirv-val over it.
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory -s spirv
for module in build/spirv/*.spv; do
    spirv-val --target-env "${SPIRV_ENV:-vulkan1.2}" "$module" || { echo "$module is not valid"; exit 1; }
done
