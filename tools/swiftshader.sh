#!/bin/sh
# SwiftShader, a second Vulkan driver that computes on the CPU: tools/swiftshader.sh [BUILD]
# Prints where its description lies, for VK_DRIVER_FILES. On Debian it is taken out of a package of chromium, which is neither
# installed nor kept; the driver (Apache-2.0) stays in BUILD/swiftshader. Where it cannot be had: status 1, and a line on
# stderr that says why.
set -u
build=${1:-build}
folder=$build/swiftshader
package=chromium-common # about 27 MB
files='libvk_swiftshader.so vk_swiftshader_icd.json'

fail() {
    echo "no SwiftShader: $1" >&2
    exit 1
}

# Print the description in that folder, if the driver lies there too.
found_in() {
    for file in $files; do
        [ -s "$1/$file" ] || return 1
    done
    realpath "$1/vk_swiftshader_icd.json"
}

found_in "$folder" && exit
found_in /usr/lib/chromium && exit
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || fail 'neither chromium nor apt-get is here'

mkdir -p "$build" || fail "cannot make $build"
scratch=$(mktemp -d "$(realpath "$build")/swiftshader.XXXXXX") || fail "cannot write to $build"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
(cd "$scratch" && apt-get download -q -o Acquire::http::Timeout=20 -o Acquire::Retries=1 "$package") >"$scratch/said" 2>&1 \
    || fail "apt-get download $package: $(grep '^E:' "$scratch/said" | tail -n 1)"
mkdir "$scratch/out"
for file in $files; do
    dpkg-deb --fsys-tarfile "$scratch/$package"_*.deb 2>/dev/null | tar -xO "./usr/lib/chromium/$file" >"$scratch/out/$file" 2>/dev/null
done
found_in "$scratch/out" >/dev/null || fail "the package $package holds none"
mv -T "$scratch/out" "$folder" 2>/dev/null # where another has just done so, that one stays
found_in "$folder" || fail "cannot write to $folder"
