#!/bin/sh
# safetensors 0.8.0: the same tensors with the same metadata are other bytes in each process: entries of __metadata__ are written
# in an order that chance decides. A file with two entries or more cannot be known again by its SHA-256 after it was saved anew,
# and two machines that save the same checkpoint do not publish the same file. One entry, or none, is always the same.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat >"$folder/save.py" <<'P'
import hashlib, sys
import numpy as np
from safetensors.numpy import save
metadata = {f"key{i}": "value" for i in range(int(sys.argv[1]))}
print(hashlib.sha256(save({"w": np.zeros(4, np.float32)}, metadata=metadata)).hexdigest())
P
for entries in 0 1 8; do
    n=$(for i in 1 2 3 4 5 6; do "$folder/venv/bin/python" "$folder/save.py" $entries; done | sort -u | wc -l)
    [ "$n" -gt 1 ] && n=several
    echo "$entries entries, 6 processes: $n SHA-256"
done | seen "0 entries, 6 processes: 1 SHA-256
1 entries, 6 processes: 1 SHA-256
8 entries, 6 processes: several SHA-256"
