"""Compare tokenizer folders with settings at random, and texts at random, with AutoTokenizer of one version of transformers.

    python3 tools/fuzz_settings.py build/tests/encode --like transformers-5 [--files 500] [--texts 40] [--seed 1]

needs: pip install transformers sentencepiece protobuf (5.24.0 for transformers-5, 4.57.1 for transformers-4). Each folder has the
vocabulary of one of tests/fixtures/tokenizers or tests/fixtures/sentencepiece as tokenizer.json, vocab.json with merges.txt, or
tokenizer.model, and settings: several keys of tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json,
with values of every form that they take. Counted are (folder, text) pairs; a folder's BOS and EOS are compared too. Folders that
the version cannot load, and those that ours refuses or reads otherwise with a note, are counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import transformers
from golden_tokenizer_settings import BASES, CLASSES, PLAIN, flagged, inert, ours, vocabulary, write

CONTENTS = ["<extra>", "<img>", "<pad>", "<mask>", "<a>", "<b>", "<word>", "new one", "[sep]", "the", "</s>", "<s>", "<unk>", "<|endoftext|>", "é", "▁x"]
PIECES = [
    "the", " the", "The", "city", " city", "a", "b", " ", "  ", "\n", "\t", "x", "1", "2024", ".", ",", "'s", "é", "e\u0301", "\u212b", "日本", "🙂", "▁", "▁the",
    "\u00a0", "\u3000", "_", "-", "word", "new", "one", "sep", "Paris", "\r\n", "ﬁ", "ß", "ǅ",
]  # fmt: skip
FLAGS = ["single_word", "lstrip", "rstrip", "normalized", "special"]
ROLES = ["bos_token", "eos_token", "unk_token", "pad_token", "mask_token", "sep_token", "cls_token"]
PROBE = "Paris 2024"
SWITCHES = ["add_prefix_space", "legacy", "split_special_tokens", "add_bos_token", "add_eos_token"]


def token(rng: random.Random, typed: bool = False) -> dict:
    return {**({"__type": "AddedToken"} if typed else {}), **flagged(rng.choice(CONTENTS), **{f: rng.random() < 0.3 for f in FLAGS[:4]})}


def special(rng: random.Random, typed: bool) -> object:
    return rng.choice(CONTENTS) if rng.random() < 0.7 else token(rng, typed)


def decoder(rng: random.Random, n: int) -> dict:
    out = {}
    for _ in range(rng.randrange(1, 6)):
        entry = {**token(rng), "special": rng.random() < 0.5}
        out[str(rng.choice([0, 1, 2, n, n + 1, n + 2, n + 5, n + 9]))] = entry
    return out


def settings(rng: random.Random, n: int) -> dict:
    """Of tokenizer_config.json."""
    out: dict = {}
    for name in SWITCHES:
        if rng.random() < (0.05 if name == "add_eos_token" else 0.3):
            out[name] = rng.choice([True, False, False]) if name == "add_eos_token" else rng.choice([True, False])
    for name in ROLES:
        if rng.random() < 0.15:
            out[name] = rng.choice([None, special(rng, True), special(rng, True), special(rng, True)])
    if rng.random() < 0.3:
        out["added_tokens_decoder"] = decoder(rng, n)
    if rng.random() < 0.25:
        out["additional_special_tokens"] = [special(rng, True) for _ in range(rng.randrange(4))]
    if rng.random() < 0.15:
        out["extra_special_tokens"] = rng.choice([["<extra>", "<b>"], {"image_token": "<img>", "x_token": "<word>"}, [], {}])
    if rng.random() < 0.1:
        out[rng.choice(["image_token", "eot_token", "audio_bos_token"])] = rng.choice(CONTENTS)
    for key, value in rng.sample(inert(), rng.randrange(3)):
        out[key] = value
    return out


def random_case(rng: random.Random) -> dict:
    base = rng.choice(list(BASES))
    n = vocabulary(base)
    model = rng.choice(BASES[base][2])
    config = settings(rng, n)
    named = rng.choice([None, None, *CLASSES[model], *PLAIN, "LlamaTokenizer", "LlamaTokenizerFast"])
    if base == "code-llama":
        named = rng.choice(["CodeLlamaTokenizer", "CodeLlamaTokenizerFast"])
    if named:
        config["tokenizer_class"] = named
    files: dict = {"config.json": {"model_type": model}, "tokenizer_config.json": config}
    if rng.random() < 0.15:
        files["special_tokens_map.json"] = {name: special(rng, False) for name in rng.sample(ROLES, rng.randrange(4))}
        if rng.random() < 0.3:
            files["special_tokens_map.json"]["additional_special_tokens"] = [special(rng, False) for _ in range(rng.randrange(3))]
    if rng.random() < 0.1:
        files["added_tokens.json"] = {rng.choice(CONTENTS): n + i for i in range(rng.randrange(1, 4))}
    case = {"base": base, "files": files}
    if rng.random() < 0.2 and BASES[base][1] == "json":
        case["patch"] = {"post_processor": None}
    return case


def random_text(rng: random.Random) -> str:
    return "".join(rng.choice(CONTENTS if rng.random() < 0.3 else PIECES) for _ in range(rng.randrange(1, 10)))


def theirs(folder: Path, texts: list[str]) -> dict:
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        plain = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in texts]
        probe = tokenizer(PROBE, add_special_tokens=False)["input_ids"]
        whole = tokenizer(PROBE)["input_ids"]
        at = next(i for i in range(len(whole)) if whole[i : i + len(probe)] == probe)
        return {"ids": plain, "before": whole[:at], "behind": whole[at + len(probe) :], "class": type(tokenizer).__name__}
    except BaseException as error:  # a panic is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return {"error": type(error).__name__}


def compare(case: dict, texts: list[str], expected: dict, found: dict) -> str | None:
    for text, good, mine in zip(texts, expected["ids"], found["ids"], strict=True):
        if good != mine:
            return f"{text!r}: expected {good}, found {mine}"
    family_bos = case["files"]["config.json"]["model_type"] in ("gpt2", "gpt_neox")
    before = " ".join(map(str, expected["before"])) or "none"
    if not family_bos and found["bos"] != before:
        return f"before every text: expected {before}, found {found['bos']}"
    return f"behind every text: expected {expected['behind']}" if expected["behind"] else None


def run(options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    counts = {"pairs": 0, "folders": 0, "not loaded": 0, "refused": 0, "noted": 0}
    reasons: dict[str, int] = {}
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        cases = [random_case(rng) for _ in range(options.files)]
        folders = [Path(place) / str(i) for i in range(options.files)]
        texts = [[random_text(rng) for _ in range(options.texts)] for _ in cases]
        for case, folder in zip(cases, folders, strict=True):
            write(case, folder)
        mines = ours(options.encode, folders, options.like, texts)
        for case, folder, asked, mine in zip(cases, folders, texts, mines, strict=True):
            expected = theirs(folder, asked)
            if "error" in expected:
                counts["not loaded"] += 1
            elif "refused" in mine:
                counts["refused"] += 1
                reason = re.sub("/[0-9]+/", "/", mine["refused"].replace(place, ""))[:110]
                reasons[reason] = reasons.get(reason, 0) + 1
            elif (different := compare(case, asked, expected, mine)) is None:
                counts["pairs"] += len(asked)
                counts["folders"] += 1
            elif "transformers 5 " in mine["notes"]:
                counts["noted"] += 1
            else:
                bad += 1
                if bad <= options.show:
                    print(f"{expected['class']} {case['base']} {case.get('patch', '')} {json.dumps(case['files'])}")
                    print(f"  {different}\n  {mine['notes']}")
    for reason, n in sorted(reasons.items(), key=lambda item: -item[1])[: options.show]:
        print(f"  refused {n}: {reason}")
    print(f"{counts}, {bad} folders differ")
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encode")
    parser.add_argument("--like", default="transformers-5")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=8)
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
