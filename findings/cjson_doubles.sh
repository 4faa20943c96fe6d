#!/bin/sh
# cJSON 1.7.15 does not print doubles so that they come back: it tries 15 digits and is content if what they read as is within one
# DBL_EPSILON of the number. 0.1 + 0.2 becomes 0.3, the number behind 1 becomes 1, one in eight of evenly spread numbers is off in
# its last bits, and the greatest double is printed as a number that reads back as infinity.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# seen EXPECTED: standard input is what it was
seen() {
    cat >"$folder/found"
    cat "$folder/found"
    printf '%s\n' "$1" | diff - "$folder/found" || { echo "CHANGED (< then, > now)"; exit 1; }
    echo "as seen"
}

version=$(apt-cache madison libcjson1 | awk '$3 ~ /^1\.7\.15-/ { print $3; exit }')
[ -n "$version" ] || { echo "no libcjson1 1.7.15 here"; exit 1; }
(cd "$folder" && apt-get -qq download "libcjson1=$version" && dpkg -x libcjson1_*.deb debian)
"$(command -v python3)" - "$folder"/debian/usr/lib/*/libcjson.so.1 <<'P' | seen "0.30000000000000004 is printed as 0.3
1.0000000000000002 is printed as 1
1.7976931348623157e+308 is printed as 1.79769313486232e+308, which reads as inf
124 of 1000 numbers k / 1001 + k / 1e9 come back as others"
import ctypes, sys
c = ctypes.CDLL(sys.argv[1])
c.cJSON_CreateNumber.restype, c.cJSON_CreateNumber.argtypes = ctypes.c_void_p, [ctypes.c_double]
c.cJSON_PrintUnformatted.restype, c.cJSON_PrintUnformatted.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
printed = lambda v: c.cJSON_PrintUnformatted(c.cJSON_CreateNumber(v)).decode()
for v in (0.1 + 0.2, 1 + 2**-52, sys.float_info.max):
    back = float(printed(v))
    print(f"{v!r} is printed as {printed(v)}" + (f", which reads as {back}" if back == float("inf") else ""))
values = [k / 1001 + k / 1e9 for k in range(1000)]
print(f"{sum(float(printed(v)) != v for v in values)} of 1000 numbers k / 1001 + k / 1e9 come back as others")
P
