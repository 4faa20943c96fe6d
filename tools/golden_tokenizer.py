"""Write the expected token ids of tests/text/tokenizer_test.c, computed by the `tokenizers` library.

    python3 tools/golden_tokenizer.py [--root .]          needs: pip install tokenizers

Writes under tests/fixtures:

    tokenizer-tiny-gpt2.json   texts and ids under data/models/tiny-gpt2/tokenizer.json (whose SHA-256 it names)
    tokenizer-variants.json    small tokenizers made here, one for each setting of the file format that we honour, each
                               with its tokenizer.json (and vocab.json, merges.txt) as text, and texts with their ids

Everything is a pure function of the seeds below. `strings()` is also what tools/check_tokenizer.py draws from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

ADVERSARIAL = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n ", "a", " a", "a ", "  a", "a  b", "a   b   ", "\ta\t b",
    "Hello world", " Hello world", "Hello, world!", "The capital of France is Paris", "don't", "DON'T", "we're they've",
    "I'll I'm I'd it's 's 't 're 've 'm 'll 'd", "'S 'T 'LL", "can't've", "'", "''", "'s's", " 's", "’s", "rock'n'roll",
    "1", "12", "123", "1234567890", "3.14159", "1,000,000", "x1y2z3", "2nd 3rd 4th", "½ ⅓ ² ³ Ⅷ ①", "٣٤٥", "१२३",
    "!?.,;:", "... …", "#hashtag @user", "C++ C# F#", "a_b __init__", "foo(bar)[0]{1}", "$5 €6 ¥7", "~`^|\\/", "-->", "<|>",
    "<|endoftext|>", " <|endoftext|>", "<|endoftext|> ", "a<|endoftext|>b", "<|endoftext|><|endoftext|>",
    "<|endoftext", "|endoftext|>", "<|<|endoftext|>|>", "<|ENDOFTEXT|>", "x <|endoftext|> y <|endoftext|>\n",
    "naïve café résumé", "nai\u0308ve cafe\u0301", "Ünïcödé", "ß ẞ ſ", "ǅ ǆ Ǆ", "İstanbul ıI",
    "Привет, мир", "Καλημέρα κόσμε", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界", "こんにちは世界",
    "안녕하세요 세계", "ᄒ\u1161\u11ab", "ქართული", "Հայերեն", "አማርኛ", "ᏣᎳᎩ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𐍈𐌰", "mixed Привет 你好 hello مرحبا 123",
    "😀", "😀😀", " 😀 ", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷🇩🇪", "☃️", "❤️‍🔥 x", "a😀b", "👩🏾‍🚀👩🏾‍🚀",
    "\u00a0", "a\u00a0b", " \u00a0 ", "\u0085", "a\u0085b", "\u180e", "a\u180eb", " \u180e ", "\u180e\u180e x", "\u2028", "\u2029",
    "a\u2028b\u2029c", "\u200b", "a\u200bb", "\u200c\u200d", "\u2060", "\ufeff", "\ufeffBOM", "\u3000", "　全角　", "\u2003\u2009x",
    "\u202fx", "\u205fx", "\u1680x", "\u00ad", "soft\u00adhyphen", "\u202eabc\u202c", "\u001f", "\u001c\u001d\u001e", "\u0000", "a\u0000b",
    "\u0001\u0002\u0003", "\u0007bell", "\u001b[31mred\u001b[0m", "\u007f", "\u0080\u0081", "\u009f", "\u000b\u000c", "\ufffd",
    "\ufffe", "\uffff", "\U0010ffff", "\ue000", "\U000e0001", "e\u0301\u0302\u0303", "\u0301", " \u0301", "a \u0301", "\u20dd",
    "a" * 300, " " * 300, "\n" * 100, " \n" * 60, "ab" * 200, "1" * 200, "!" * 200, "é" * 100, "😀" * 40, "the" * 90,
    "supercalifragilisticexpialidocious", "Donaudampfschifffahrtsgesellschaftskapitän", "    indented code", "\tif x:\n\t\treturn y\n",
    "def f(x):\n    return x + 1\n", "{\"key\": [1, 2.5, null]}", "https://example.org/a?b=c&d=%20#e", "me@example.org",
    "line one\nline two\r\nline three\rline four", "trailing   ", "trailing\n", "trailing \n", "\n leading", " \t mixed \t ", "a\n\n\nb",
    "a \n\n b", "Ġ", "ĠParis", "Ċ", "Ġ Ġ", "ġĢ", "low lower lowest newer wider", "  two  spaces  ", "and , or . not !", "a'b'c", "5'10\"",
    "“quoted” ‘single’", "em—dash en–dash", "x²+y³=z⁴", "∀x∈ℝ", "♥♦♣♠", "→←↑↓", "αβγ δεζ", "\u0e33", "ﬁ ﬂ", "Ⅷ Ⅸ", "㍿", "ｆｕｌｌ",
]

POOLS = [
    "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " " * 8, "\n\t\r \u000b\u000c", "'\"’`", ".,;:!?-_()[]{}<>|/\\@#$%^&*+=~",
    "éèêëàâäôöûüçñß", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω", "的一是不了人我在有他这中大来上国", "あいうえおかきくけこ",
    "가나다라마바사", "אבגדהוז", "ابتثجح", "अआइईउऊ", "กขคงจ", "😀😁👍🏽❤\ufe0f\u200d👨👩👧🏳🌈🇫🇷", "\u00a0\u0085\u180e\u2028\u2029\u200b\u3000\u202f\u205f\u1680\u2003\ufeff",
    "\u0000\u0001\u001b\u001c\u001f\u007f\u0080\u009f", "\u0301\u0302\u0308\u20dd\u0e33", "½⅓²³Ⅷ①٣٤٥१२",
]
WORDS = ("the of and capital France is Paris not true because don't we're it's I'll they've you'd I'm king queen animal bird "
         "yellow orange Hello WORLD iPhone 2024 3.14 <|endoftext|> <|endoftext <| |> Ġthe 's 't 're 've 'm 'll 'd").split()


def any_character(rng: random.Random) -> str:
    """Any code point that UTF-8 can hold."""
    while True:
        c = rng.randrange(0x110000) if rng.random() < 0.5 else rng.randrange(0x3000)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def piece(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(WORDS)
    if kind < 0.45:
        return any_character(rng)
    if kind < 0.55:
        return rng.choice((" ", "\n", "'", "\u00a0", "\u180e")) * rng.choice((1, 1, 1, 2, 3, 9))
    pool = rng.choice(POOLS)
    return "".join(rng.choice(pool) for _ in range(rng.choice((1, 1, 2, 3, 5, 12))))


def strings(n: int, seed: int) -> Iterator[str]:
    """n texts: the adversarial ones, then random mixtures of words, scripts, spaces, controls and any code points."""
    yield from ADVERSARIAL[:n]
    rng = random.Random(seed)
    for _ in range(n - len(ADVERSARIAL)):
        joint = rng.choice(("", " ", " ", "  "))
        yield joint.join(piece(rng) for _ in range(rng.choice((1, 2, 4, 8, 16, 40))))


def cases(tokenizer: Tokenizer, texts: list[str]) -> list[dict]:
    return [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False).ids} for t in texts]


# ---------------------------------------------------------------------------------------------------------------------
# Small tokenizers, one for each setting


def byte_alphabet() -> list[str]:
    """The characters of bytes 0..255 in GPT-2's byte alphabet."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    shifted = iter(range(0x100, 0x200))
    return [chr(b) if b in plain else chr(next(shifted)) for b in range(256)]


MERGES = ["l o", "lo w", "Ġ low", "e r", "w er", "n e", "ne wer", "Ġ newer", "Ġ t", "h e", "Ġt he", "a n", "an d", "Ġ and",
          "i n", "Ġ Ġ", "ĠĠ ĠĠ", "Ċ Ċ", "o u", "Ġt o", "t h", "th e", "1 2", "' s", "Ã ©", "c a", "f Ã©", "ca fÃ©", "! !", "!! !!",
          "a a", "aa aa", "e w", "s t", "e st"]
ADDED = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}


# Kinds of characters that are easily taken for another: spaces that are none and the reverse, letters and numbers that
# came late to Unicode, marks, controls.
BORDERLINE = ("\u180e\u0085\u00a0\u1680\u2000\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff\u001c\u001f\u000b\u0301\u20dd\u0e33"
              "\u00b2\u2167\u2460\u0663\u1c89\ua7da\U00031350\U0002ebf0\U0001e4f1\U00011f50\U000105c0\u02b0\u00aa\u2071\u24b6")


def border_merges() -> list[str]:
    """Merges across the border of a character and " ", "a", "1" or "!": ids tell where a text was cut."""
    alphabet = byte_alphabet()
    merges = []
    for c in BORDERLINE:
        encoded = c.encode()
        merges += [f"{alphabet[ord(n)]} {alphabet[encoded[0]]}" for n in " a1!"]
        merges += [f"{alphabet[encoded[-1]]} {alphabet[ord(n)]}" for n in " a1!"]
    return list(dict.fromkeys(merges))


def base_file(merges: list[str] = MERGES) -> dict:
    """A byte-level BPE of 256 bytes and a few merges."""
    vocab = {c: i for i, c in enumerate(byte_alphabet())}
    for merge in merges:
        vocab.setdefault(merge.replace(" ", ""), len(vocab))
    vocab["Ġlowest"] = len(vocab)  # no merge leads there: only ignore_merges finds it
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": merges},
    }


def with_added(file: dict, **tokens: tuple[str, dict]) -> dict:
    vocab = file["model"]["vocab"]
    new = len(vocab)
    for text, flags in tokens.values():
        file["added_tokens"].append({"id": vocab.get(text, new), "content": text, **ADDED, **flags})
        new += text not in vocab
    return file


def variants() -> Iterator[tuple[str, dict]]:
    yield "plain", base_file()
    file = base_file()
    file["model"]["merges"] = [m.split(" ") for m in MERGES]
    yield "merges_as_pairs", file
    file = base_file()
    file["pre_tokenizer"]["add_prefix_space"] = True
    yield "add_prefix_space", with_added(file, a=("<s>", {"special": True}))
    file = base_file()
    file["pre_tokenizer"]["use_regex"] = False
    yield "no_regex", file
    file = base_file()
    file["model"]["ignore_merges"] = True
    yield "ignore_merges", file
    file = base_file()
    file["model"].update(unk_token="lo", continuing_subword_prefix="", end_of_word_suffix="", dropout=0.0, fuse_unk=True)
    yield "settings_without_effect", file
    yield "added_lstrip", with_added(base_file(), a=("<a>", {"lstrip": True}), b=("<b>", {"lstrip": True, "special": True}))
    yield "added_rstrip", with_added(base_file(), a=("<a>", {"rstrip": True}), b=("  ", {}))
    yield "added_both_strips", with_added(base_file(), a=("<a>", {"lstrip": True, "rstrip": True}), b=("<b>", {"lstrip": True}))
    yield "added_single_word", with_added(base_file(), a=("low", {"single_word": True}), b=("é", {"single_word": True}))
    yield "added_longest_first", with_added(base_file(), a=("<a", {}), b=("<a>", {}), c=("<a>>", {}), d=("new", {}), e=("newer", {}))
    yield "added_normalized_last", with_added(base_file(), a=("lo", {"normalized": True}), b=("ow", {}), c=("<a>", {"normalized": True}))
    yield "borders", base_file(border_merges())
    for behavior in (None, "Removed", "Contiguous", "MergedWithNext"):
        file = base_file()
        step = {"type": "Punctuation", **({"behavior": behavior} if behavior else {})}
        file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [step, {**file["pre_tokenizer"], "use_regex": False}]}
        yield f"punctuation_{behavior}", file
    yield "added_runs_of_spaces", with_added(base_file(), a=("    ", {"normalized": True}), b=("  ", {"normalized": True}))


VARIANT_TEXTS = [
    "", " ", "low lower lowest newer", " low", "lowest Ġlowest", "the newer and the lower", "thethe then", "café café", "12 1212", "it's",
    "a    b     c", "aaaaaaa", "!!!!! !!!", "\n\n\n", "  <a>  ", "x <a> y", "x<a>y", "<a><a>", " <a> <b> ", "<a> <b> <a>", "<b>  <a>   low",
    "<a>\u00a0\u3000x", "x\u00a0\u180e<a>", "low,low", "lowlow low", "low_low", "low\u0301", "low\u200dx", "élan é é.", "Ⓐlow low", "<a>>> <a> <a",
    "newest newer new", "slow low", "low ow lo <a>", "<s>low<s> low", "<s> <s>", "low<s>", "      x", "   y    z", "x     ", "\u2003<a>\u2003",
]


# Whatever counts as punctuation or a symbol in Python's version of Unicode or in a later one.
PUNCTUATION = [c for c in map(chr, range(0x20000)) if unicodedata.category(c)[0] in "PS" or c in "\u166d\U000111c9"]
LATER = "\u1b4e\u1b4f\u1b7f\U00010d6e\U000113d4\U000113d5\U000113d7\U000113d8\U00011b00\U00011b09\U00011be1\U00011f43\U00011f4f\U00016d6d\U0001e5ff"


def variant_entry(name: str, file: dict) -> dict:
    text = json.dumps(file, ensure_ascii=False, separators=(",", ":"))
    tokenizer = Tokenizer.from_str(text)
    rng = random.Random(len(name))
    parts = [*VARIANT_TEXTS, "<a>", "<b>", "<s>", "low", "  ", "é", "\u00a0"]
    borders = [f" {c}a{c}1{c}!{c} {c}" for c in BORDERLINE] if name == "borders" else []
    if name.startswith("punctuation_"):
        asked = PUNCTUATION + list(LATER) if name == "punctuation_Removed" else PUNCTUATION[::40]
        borders = ["".join(f"a{c}" for c in asked[i : i + 30]) for i in range(0, len(asked), 30)]
    mixed = ["".join(rng.choice(parts) for _ in range(3)) for _ in range(40)]
    return {"name": name, "tokenizer_json": text, "cases": cases(tokenizer, VARIANT_TEXTS + mixed + borders)}


def write(path: Path, document: dict) -> None:
    lines = json.dumps(document, ensure_ascii=True, separators=(", ", ": "))
    path.write_text(lines.replace('{"text"', '\n{"text"').replace('{"name"', '\n{"name"') + "\n", encoding="ascii")
    print(path, sum(len(d["cases"]) for d in document.get("variants", [document])), "cases")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("."))
    root = parser.parse_args().root
    fixtures = root / "tests/fixtures"
    source = root / "data/models/tiny-gpt2/tokenizer.json"
    tiny = Tokenizer.from_str(source.read_text(encoding="utf-8"))
    write(fixtures / "tokenizer-tiny-gpt2.json", {
        "schema": "abltui.tokenizer-golden/1",
        "tokenizer_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "cases": cases(tiny, list(strings(480, seed=1))),
    })
    base = base_file()["model"]
    write(fixtures / "tokenizer-variants.json", {
        "schema": "abltui.tokenizer-golden/1",
        "vocab_json": json.dumps(base["vocab"], ensure_ascii=False),
        "merges_txt": "#version: 0.2\n" + "\n".join(MERGES) + "\n",
        "variants": [variant_entry(name, file) for name, file in variants()],
    })


if __name__ == "__main__":
    main()
