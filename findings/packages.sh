# . packages.sh, then: with_packages NAME==VERSION… (Python's, in a temporary folder that goes when the script ends),
# with_debian NAME VERSION… (unpacked below $folder/debian; VERSION may end behind the upstream part). $python and $folder are set.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$folder/venv/bin/python

with_packages() {
    python3 -m venv "$folder/venv"
    "$python" -m pip install --quiet --disable-pip-version-check "$@" 2>"$folder/pip.log" || { cat "$folder/pip.log"; exit 1; }
}

with_debian() {
    while [ $# -gt 0 ]; do
        found=$(apt-cache madison "$1" | awk -v v="$2" 'index($3, v) == 1 { print $3; exit }')
        [ -n "$found" ] || { echo "no $1 $2 here"; exit 1; }
        (cd "$folder" && apt-get -qq download "$1=$found" && dpkg -x "$1"_*.deb debian)
        echo "$1 $found"
        shift 2
    done
}

# seen EXPECTED: standard input is what it was
seen() {
    cat >"$folder/found"
    cat "$folder/found"
    printf '%s\n' "$1" | diff - "$folder/found" >"$folder/difference" || { echo "CHANGED (< then, > now):"; cat "$folder/difference"; exit 1; }
    echo "as seen"
}
