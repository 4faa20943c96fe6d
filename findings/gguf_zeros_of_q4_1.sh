#!/bin/sh
# gguf 0.19.0: exact zeros do not survive Q4_1 and Q5_1, whose blocks of 32 run from their least to their greatest value in 15 or 31
# steps: a zero between -1 and 1 becomes -0.0669 or 0.0322. A head or neuron that was pruned to zero and shares blocks with
# others is at work again in the quantised file. Q4_0, Q5_0 and Q8_0 keep zeros, but -1 becomes -0.875 in Q4_0 where +1 is exact:
# the value that is greatest by size decides which sign is exact.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gguf==0.19.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'P' | seen "Q4_0: 1 is 1, -1 is -0.875, 0 is 0
Q4_1: 1 is 0.9995117, -1 is -1, 0 is -0.06689453
Q5_0: 1 is 1, -1 is -0.9375, 0 is 0
Q5_1: 1 is 0.999939, -1 is -1, 0 is 0.03222656
Q8_0: 1 is 0.999939, -1 is -0.999939, 0 is 0"
import numpy as np
from gguf import GGMLQuantizationType as kinds, quants
x = np.zeros(32, np.float32)
x[:2] = 1, -1
for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"):
    y = quants.dequantize(quants.quantize(x, kinds[name]), kinds[name])
    print(f"{name}: 1 is {y[0]:.7g}, -1 is {y[1]:.7g}, 0 is {y[2] + 0.0:.7g}")
P
