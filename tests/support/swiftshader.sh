# Sourced with $build set: from here on Vulkan is SwiftShader alone. Where it cannot be had the script ends, and says why.
reason=$(tools/swiftshader.sh "$build" 2>&1 >/dev/null) || {
    echo "[  SKIPPED ] $(basename "$0" .sh)_on_swiftshader: $reason"
    exit 0
}
VK_DRIVER_FILES=$(tools/swiftshader.sh "$build") || exit
VK_ICD_FILENAMES=$VK_DRIVER_FILES # its name in older loaders
export VK_DRIVER_FILES VK_ICD_FILENAMES
