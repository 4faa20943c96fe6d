#!/bin/sh
# Make sure that the packages abltui needs are there: tools/deps.sh [--force] GROUP…  (groups: build, test, cluster, fuzz)
# As root on Debian or Ubuntu it installs what is missing and says so; otherwise it prints the one command to run.
# --force asks about every package of the system's package manager even where nothing seems missing.
set -eu

force=
[ "${1:-}" = --force ] && { force=1; shift; }

# One line a package: group, then its name in apt, dnf, pacman, brew ("-": not needed or not there).
packages='
build gcc               gcc                     gcc           -
build make              make                    make          make
build pkg-config        pkgconf-pkg-config      pkgconf       pkg-config
build glslang-tools     glslang                 glslang       glslang
build libvulkan-dev     vulkan-loader-devel     vulkan-icd-loader vulkan-loader
build mesa-vulkan-drivers mesa-vulkan-drivers   vulkan-swrast molten-vk
build libdnnl-dev       onednn-devel            onednn        onednn
build libcjson-dev      cjson-devel             cjson         cjson
build libcsv-dev        libcsv-devel            libcsv        libcsv
build libonig-dev       oniguruma-devel         oniguruma     oniguruma
build libutf8proc-dev   utf8proc-devel          libutf8proc   utf8proc
build libcairo2-dev     cairo-devel             cairo         cairo
build libpng-dev        libpng-devel            libpng        libpng
build libssl-dev        openssl-devel           openssl       openssl@3
build liblapacke-dev       lapack-devel            lapacke       lapack
build libcurl4-openssl-dev libcurl-devel        curl          curl
build libncurses-dev    ncurses-devel           ncurses       ncurses
build fonts-dejavu-core dejavu-sans-mono-fonts  ttf-dejavu    -
test  libcmocka-dev     libcmocka-devel         cmocka        cmocka
test  tmux              tmux                    tmux          tmux
test  python3           python3                 python        python3
test  openssl           openssl                 openssl       openssl@3
test  python3-jsonschema python3-jsonschema     python-jsonschema -
test  python3-pandas    python3-pandas          python-pandas -
test  r-base-core       R-core                  r             r
test  spirv-tools       spirv-tools             spirv-tools   spirv-tools
test  vulkan-validationlayers vulkan-validation-layers vulkan-validation-layers vulkan-validationlayers
test  clang             clang                   clang         llvm
test  clang-format      clang-tools-extra       clang         clang-format
test  libomp-dev        libomp-devel            openmp        libomp
cluster slurm-wlm       -                       -             -
cluster munge           -                       -             -
cluster parallel        parallel                parallel      parallel
fuzz  libclang-rt-dev   compiler-rt             compiler-rt   -
'

# names COLUMN GROUP…
names() {
    column=$1; shift
    for group; do
        printf '%s\n' "$packages" | awk -v g="$group" -v c="$column" '$1 == g && $c != "-" { print $c }'
    done
}

if command -v apt-get >/dev/null 2>&1; then
    missing=
    for name in $(names 2 "$@"); do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
    done
    [ -n "$missing" ] || exit 0
    if [ "$(id -u)" = 0 ]; then
        echo "abltui: installing$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 && exit 0
        apt-get update -qq
        apt-get install -y --no-install-recommends $missing
        exit 0
    fi
    echo "abltui: packages are missing; install them with:" >&2
    echo "  sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi

# Elsewhere: nothing is installed for you. What the build itself needs tells whether anything is missing.
if [ -z "$force" ] && command -v pkg-config >/dev/null 2>&1 && command -v glslangValidator >/dev/null 2>&1 \
    && pkg-config --exists vulkan libcurl libcjson oniguruma libutf8proc cairo libpng libcrypto ncursesw; then
    exit 0
fi
if command -v dnf >/dev/null 2>&1; then
    set -- "sudo dnf install" $(names 3 "$@")
elif command -v pacman >/dev/null 2>&1; then
    set -- "sudo pacman -S --needed" $(names 4 "$@")
elif command -v brew >/dev/null 2>&1; then
    set -- "brew install" $(names 5 "$@")
else
    set -- "install with your package manager (Debian's names):" $(names 2 "$@")
fi
echo "abltui: packages are missing; install them with:" >&2
echo "  $*" >&2
exit 1
