"""Compare added tokens and texts at random with the `tokenizers` library.

    python3 tools/fuzz_added_tokens.py build/tests/encode --like transformers-5 [--files 500] [--texts 200] [--seed 1]

needs: pip install tokenizers (0.23 for transformers-5, 0.22 for transformers-4, whose library that is). Each file is one of
tests/fixtures/tokenizers with random added tokens: overlapping, with every flag, listed twice, with gaps in their ids, or what
the vocabulary has already. Texts are put together of these tokens, pieces of them, spaces and words. Of two tokens that
normalisation makes equal the library of transformers 5 takes either, by chance: with ours such files have a note, and any answer
of the library's is right.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

FOLDER = Path("tests/fixtures/tokenizers")
FAMILIES = ["neox", "llama3", "qwen2", "nemo", "smollm", "llama2", "always", "first", "never"]
CONTENTS = [
    "<a>", "<a>b", "<ab", "ab", "a", "<", "<s>", "</s>", " x", "x ", "  ", " ", "new one", "one", "é", "e\u0301", "\u00e9t", "▁", "▁a", "日本",
    "the", "The", "\n", "\t<", "[x]", "[x][x]", "\u00a0", "K", "\u212a", "ﬁ", "_", "a1", "1", "🙂", "<|im_start|>", "<|im_start|", "|>",
]  # fmt: skip
WORDS = ["the", "city", "a", "b", "x", "_", "1", "é", "e\u0301", "日本", "🙂", "one", "new", " ", "  ", "\n", "\u00a0", "\u3000", ".", "\u0301", "\u200d", "▁"]
FLAGS = ["single_word", "lstrip", "rstrip", "normalized", "special"]


def random_file(rng: random.Random) -> dict:
    file = json.loads((FOLDER / rng.choice(FAMILIES) / "tokenizer.json").read_text())
    n = len(file["model"]["vocab"])
    if rng.random() < 0.5:
        file["added_tokens"] = []
    for _ in range(rng.randrange(1, 8)):
        token = {"id": n + rng.randrange(12), "content": rng.choice(CONTENTS)}
        if rng.random() < 0.2:
            token["content"] = rng.choice(list(file["model"]["vocab"]))
        token["id"] = file["model"]["vocab"].get(token["content"], token["id"])
        file["added_tokens"].append({**token, **{flag: rng.random() < 0.35 for flag in FLAGS}})
    return file


def random_text(rng: random.Random, contents: list[str]) -> str:
    parts = []
    for _ in range(rng.randrange(1, 9)):
        kind = rng.random()
        content = rng.choice(contents)
        if kind < 0.45:
            parts.append(content)
        elif kind < 0.6:
            parts.append(content[rng.randrange(len(content)) :])
        else:
            parts.append(rng.choice(WORDS))
    return "".join(parts)


def ids_of(tokenizer: Tokenizer, text: str) -> list[int] | None:
    """None where the library itself fails: a token that begins with spaces behind one that takes them along."""
    try:
        return tokenizer.encode(text, add_special_tokens=False).ids
    except BaseException as error:  # a panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return None


def may_give(file: dict, text: str, line: str) -> bool:
    """Whether one of many tokenizers of the same file gives these ids."""
    return any(" ".join(map(str, ids_of(Tokenizer.from_str(json.dumps(file)), text) or [])) == line for _ in range(40))


def run(options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    pairs = bad = refused = without = chance = 0
    with tempfile.TemporaryDirectory() as place:
        sent, expected = [], []
        for i in range(options.files):
            file = random_file(rng)
            folder = Path(place) / str(i)
            folder.mkdir()
            (folder / "tokenizer.json").write_text(json.dumps(file))
            tokenizer = Tokenizer.from_str(json.dumps(file))
            contents = [t["content"] for t in file["added_tokens"]]
            texts = [random_text(rng, contents) for _ in range(options.texts)]
            sent.append(f"@{folder}\n" + "".join(json.dumps(t) + "\n" for t in texts))
            answers = [ids_of(tokenizer, text) for text in texts]
            expected.append((file, texts, answers))
        out = subprocess.run([options.encode, "-", options.like], input="".join(sent), capture_output=True, text=True, check=True)
    answers_of: list[list[str]] = []
    for line in out.stdout.split("\n")[:-1]:
        if line.startswith("@"):
            answers_of.append([line])
        else:
            answers_of[-1].append(line)
    for (file, texts, theirs), mine in zip(expected, answers_of, strict=True):
        if mine[0].startswith("@refused"):
            refused += 1
            if options.verbose:
                print(mine[0][:200])
            continue
        for text, ids, line in zip(texts, theirs, mine[1:], strict=True):
            if ids is None:
                without += 1
                continue
            pairs += 1
            if line != " ".join(map(str, ids)):
                if "by chance" in mine[0] and may_give(file, text, line):
                    chance += 1
                    continue
                bad += 1
                if bad <= 5:
                    print(f"{json.dumps(file['added_tokens'])}\n  {text!r}\n  expected {ids}\n  found    {line}")
    print(f"{pairs} pairs, {refused} of {options.files} files refused, {without} texts that the library fails at, "
          f"{chance} by chance, as noted, {bad} differ")
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encode")
    parser.add_argument("--like", default="transformers-5")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
