"""Write tests/fixtures/tokenizers/: a small tokenizer.json for each family of pipelines, with texts and their ids.

    python3 tools/golden_families.py                              needs: pip install tokenizers
    python3 tools/golden_families.py --check ENCODE [--n 100000]  compare that many more texts (build/tests/encode)

Trained here by the `tokenizers` library on the text of data/corpora; the library is the oracle.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from golden_tokenizer import strings
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

FOLDER = Path("tests/fixtures/tokenizers")
N_TEXTS = 160
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{0}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(*steps: object, normalizer: object = None, ignore_merges: bool = False, prefix: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    regex = not any(isinstance(s, pre_tokenizers.Split) for s in steps)
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*steps, last]) if steps else last
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def split(pattern: str) -> pre_tokenizers.Split:
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def marked(pre: object = None, normalizer: object = None, fuse_unk: bool = True, fallback: bool = True) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse_unk, byte_fallback=fallback))
    if pre:
        tokenizer.pre_tokenizer = pre
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer


def families() -> dict[str, Tokenizer]:
    prepend = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    metaspace = pre_tokenizers.Metaspace
    return {
        "neox": byte_level(normalizer=normalizers.NFC()),
        "llama3": byte_level(split(CL100K.format(r"\p{N}{1,3}")), ignore_merges=True),
        "qwen2": byte_level(split(CL100K.format(r"\p{N}")), normalizer=normalizers.NFC()),
        "nemo": byte_level(split(O200K)),
        "smollm": byte_level(pre_tokenizers.Digits(individual_digits=True)),
        "digits": byte_level(pre_tokenizers.Digits(individual_digits=False), prefix=True),
        "llama2": marked(normalizer=prepend),
        "always": marked(metaspace(prepend_scheme="always", split=True)),
        "first": marked(metaspace(prepend_scheme="first", split=False)),
        "never": marked(metaspace(prepend_scheme="never", split=True), fuse_unk=False, fallback=False),
    }


def make() -> dict[str, Tokenizer]:
    rows = [json.loads(line) for path in sorted(Path("data/corpora").glob("*.jsonl")) for line in path.open()]
    text = sorted({r["clean"] + r["target"] for r in rows})
    made = families()
    for name, tokenizer in made.items():
        is_bytes = isinstance(tokenizer.decoder, decoders.ByteLevel)
        special = ["<s>", "</s>"] if is_bytes else ["<unk>", "<s>", "</s>"]
        if not is_bytes and name != "never":
            special += [f"<0x{i:02X}>" for i in range(256)]
        alphabet = pre_tokenizers.ByteLevel.alphabet() if is_bytes else []
        size = 256 + 180 if is_bytes or name != "never" else 200
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=special[:3], initial_alphabet=alphabet, show_progress=False
        )
        tokenizer.train_from_iterator(text, trainer)
        if not is_bytes and name != "never":
            state = json.loads(tokenizer.to_str())
            vocab = state["model"]["vocab"]
            for token in special[3:]:
                vocab.setdefault(token, len(vocab))
            made[name] = tokenizer = Tokenizer.from_str(json.dumps(state))
        if name == "neox":
            tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
        if name in ("llama2", "first", "qwen2"):
            tokenizer.add_tokens([AddedToken("new one", normalized=True), AddedToken("[sep]", normalized=False, rstrip=True)])
        if name in ("llama2", "llama3"):
            tokenizer.post_processor = TemplateProcessing(
                single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
            )
    return made


def texts(n: int, seed: int) -> list[str]:
    extra = ["<s>a b", "a<s> b</s>", "a new one b", "anew onenew one", "[sep]  x[sep]", "", "▁", "a▁ b", "3.14 2024 ¼", "Å e\u0301"]
    return extra + list(strings(n, seed))


def ids(tokenizer: Tokenizer, asked: list[str]) -> list[list[int]]:
    return [e.ids for e in tokenizer.encode_batch(asked, add_special_tokens=False)]


def check(encode: Path, n: int) -> int:
    bad = 0
    asked = texts(n, 12)
    sent = "".join(json.dumps(t) + "\n" for t in asked)
    for name in families():
        tokenizer = Tokenizer.from_file(str(FOLDER / name / "tokenizer.json"))
        expected = [" ".join(map(str, i)) for i in ids(tokenizer, asked)]
        run = subprocess.run([encode, FOLDER / name], input=sent, capture_output=True, text=True, check=True)
        found = run.stdout.split("\n")[:-1]
        different = [i for i in range(len(asked)) if found[i] != expected[i]]
        for i in different[:5]:
            print(f"{asked[i]!r}\n  found    {found[i]}\n  expected {expected[i]}")
        print(f"{name}: {len(asked)} texts, {len(different)} differ")
        bad += len(different)
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=Path)
    parser.add_argument("--n", type=int, default=100000)
    options = parser.parse_args()
    if options.check:
        return check(options.check, options.n)
    asked = [t for t in texts(N_TEXTS, 5) if "\0" not in t]  # C strings in the test
    out: dict = {"texts": asked, "ids": {}}
    for name, tokenizer in make().items():
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
        state = json.loads(tokenizer.to_str())
        (FOLDER / name / "tokenizer.json").write_text(json.dumps(state, ensure_ascii=True, separators=(",", ":")) + "\n")
        out["ids"][name] = ids(tokenizer, asked)
    (FOLDER / "texts.json").write_text(json.dumps(out, ensure_ascii=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
