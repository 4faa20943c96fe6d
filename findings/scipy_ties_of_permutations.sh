#!/bin/sh
# scipy 1.17.1: permutation_test counts every statistic within 100 machine epsilons of the observed one as at least as extreme, in the
# type of the data. For float16, as saved activations often are, that is a tenth of the statistic: the exact sign-flip test of six
# differences gives p = 4/64 where the same numbers as float64 give 2/64, without a word.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'P' | seen "float64: p = 2/64
float32: p = 2/64
float16: p = 4/64"
import numpy as np
from scipy.stats import permutation_test
for kind in (np.float64, np.float32, np.float16):
    a, b = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], kind), np.zeros(6, kind)
    p = permutation_test((a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=9999).pvalue
    print(f"{kind.__name__}: p = {p * 64:.0f}/64")
P
