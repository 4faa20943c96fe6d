"""Write tests/fixtures/sentencepiece/: small tokenizer.model files with texts and their ids.

    python3 tools/golden_sentencepiece.py                             needs: pip install sentencepiece gguf
    python3 tools/golden_sentencepiece.py --check ENCODE [--n 100000] compare that many more texts (build/tests/encode)

The models are trained here by SentencePiece itself on the text of data/corpora, and it is the oracle:

    plain    byte fallback, a prefix space, as LLaMA's
    user     the same with user-defined symbols and without the prefix space
    nobytes  without byte fallback: unknown characters are <unk>, joined where they follow one another

For each also NAME.gguf, the same vocabulary in the metadata of a GGUF file without tensors (but for nobytes: such files have
bytes). texts.json holds the texts, and the ids per model.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path

import sentencepiece
from gguf import GGUFWriter, TokenType
from golden_tokenizer import strings

FOLDER = Path("tests/fixtures/sentencepiece")
N_TEXTS = 300
MODELS = {
    "plain": {"byte_fallback": True},
    "user": {"byte_fallback": True, "add_dummy_prefix": False, "user_defined_symbols": ["<sep>", "not", "▁▁"]},
    "nobytes": {"byte_fallback": False},
}


def train(name: str, options: dict) -> None:
    rows = [json.loads(line) for path in sorted(Path("data/corpora").glob("*.jsonl")) for line in path.open()]
    sentences = sorted({r["clean"] + r["target"] for r in rows})
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, model_type="bpe", vocab_size=600, character_coverage=1.0,
        normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1, minloglevel=2, **options,
    )
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.model").write_bytes(model.getvalue())


def write_gguf(name: str, processor: sentencepiece.SentencePieceProcessor, prefix: bool) -> None:
    writer = GGUFWriter(str(FOLDER / f"{name}.gguf"), "llama")
    tokens, scores, types = [], [], []
    for i in range(processor.get_piece_size()):
        tokens.append(processor.id_to_piece(i))
        scores.append(processor.get_score(i))
        types.append(
            TokenType.UNKNOWN if processor.is_unknown(i)
            else TokenType.CONTROL if processor.is_control(i)
            else TokenType.BYTE if processor.is_byte(i)
            else TokenType.USER_DEFINED if tokens[-1] in MODELS[name].get("user_defined_symbols", [])
            else TokenType.NORMAL
        )
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_bool("tokenizer.ggml.add_space_prefix", prefix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def texts(n: int, seed: int) -> list[str]:
    """Texts that mean the same to both: SentencePiece reads no control token out of a text, and ends at a NUL."""
    special = ("<s>", "</s>", "<unk>", "\0")
    return [t for t in strings(n, seed) if not any(s in t for s in special)]


def load(name: str) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(FOLDER / name / "tokenizer.model"))


def check(encode: Path, n: int) -> int:
    bad = 0
    asked = texts(n, 11)
    sent = "".join(json.dumps(t) + "\n" for t in asked)
    for name in MODELS:
        expected = [" ".join(map(str, ids)) for ids in load(name).encode(asked)]
        for place in [FOLDER / name] + ([FOLDER / f"{name}.gguf"] if MODELS[name]["byte_fallback"] else []):
            run = subprocess.run([encode, place], input=sent, capture_output=True, text=True, check=True)
            found = run.stdout.split("\n")[:-1]
            different = [i for i in range(len(asked)) if found[i] != expected[i]]
            for i in different[:5]:
                print(f"{asked[i]!r}\n  found    {found[i]}\n  expected {expected[i]}")
            print(f"{place}: {len(asked)} texts, {len(different)} differ")
            bad += len(different)
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=Path)
    parser.add_argument("--n", type=int, default=100000)
    options = parser.parse_args()
    if options.check:
        return check(options.check, options.n)
    asked = texts(N_TEXTS, 3)
    out = {"texts": asked, "ids": {}}
    for name, settings in MODELS.items():
        train(name, settings)
        processor = load(name)
        out["ids"][name] = processor.encode(asked)
        if settings["byte_fallback"]:
            write_gguf(name, processor, settings.get("add_dummy_prefix", True))
    (FOLDER / "texts.json").write_text(json.dumps(out, ensure_ascii=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
