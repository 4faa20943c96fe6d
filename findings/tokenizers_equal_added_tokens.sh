#!/bin/sh
# tokenizers 0.23.3: two added tokens that the normalizer makes equal ("Hi" and "hi" under Lowercase) have their id by chance: of
# 60 tokenizers read from the same tokenizer.json some give the one, some the other. A text's ids differ from run to run.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.3
"$folder/venv/bin/python" - <<'P' | seen "ids of 'hi' over 60 tokenizers of one file: [[2], [3]]"
from tokenizers import AddedToken, Tokenizer, models, normalizers
t = Tokenizer(models.BPE({"h": 0, "i": 1}, []))
t.normalizer = normalizers.Lowercase()
t.add_tokens([AddedToken("Hi", normalized=True), AddedToken("hi", normalized=True)])
file = t.to_str()
found = sorted({tuple(Tokenizer.from_str(file).encode("hi").ids) for _ in range(60)})
print("ids of 'hi' over 60 tokenizers of one file:", [list(ids) for ids in found])
P
