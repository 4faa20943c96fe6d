#!/bin/sh
# numpy 2.4.6: a draw of k + 1 without replacement does not hold the draw of k with the same seed, though a shuffle would have it so:
# of 100 rows of 10,001 only 46 are drawn again, and none at its place. From k above a fiftieth of the rows (with more than 10,000
# rows) on another algorithm is used, whose draws do hold each other, in another order. A subset of rows that is made larger,
# "the same seed, one row more", is another subset.
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

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$folder/venv/bin/python" - <<'P' | seen "5 and 6 of 100 rows: 2 in both, 0 at their place
100 and 101 of 10001 rows: 46 in both, 0 at their place
201 and 202 of 10001 rows: 201 in both, 0 at their place"
import numpy as np
for n, k in ((100, 5), (10001, 100), (10001, 201)):
    a, b = (np.random.default_rng(1).choice(n, k + i, replace=False) for i in (0, 1))
    print(f"{k} and {k + 1} of {n} rows: {len(set(a) & set(b))} in both, {(a == b[:k]).sum()} at their place")
P
