"""Write tests/fixtures/patterns.json: how the `tokenizers` library cuts, for tests/text/pattern_test.c.

    python3 tools/golden_patterns.py [--root .]          needs: pip install tokenizers

    tokenizers   the patterns of public tokenizers, with texts and the bytes at which each text is cut
    cases        what one would easily read otherwise: classes, quantifiers, cases of letters, behaviours, Replace
    properties   the SHA-256 of all characters that have a property, in order, as UTF-8
    words        characters, and whether a word may have them
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from fuzz_patterns import BEHAVIORS, reference
from golden_tokenizer import base_file, strings, with_added
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
ENGLISH = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
BEFORE = r"[^\r\n\p{L}\p{N}]?"


def cl100k(letters: str = r"\p{L}+", digits: str = r"\p{N}{1,3}", rest: str = REST) -> str:
    return rf"{ENGLISH}|{BEFORE}{letters}|{digits}{rest}"


def cased(tail: str, digits: str, upper: str = UPPER, lower: str = LOWER, slash: str = "/") -> str:
    return (rf"{BEFORE}{upper}*{lower}+{tail}|{BEFORE}{upper}+{lower}*{tail}|{digits}"
            rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n{slash}]*|\s*[\r\n]+|\s+(?!\S)|\s+")


HAN_OUT = "[%s&&[^\\p{Han}]]"
O200K = cased(ENGLISH + "?", r"\p{N}{1,3}")
CODE = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"""
MARKED = CODE + "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
CJK_DEEPSEEK, CJK_DEEPSEEK3 = "[一-龥ࠀ-一가-퟿]+", "[一-龥぀-ゟ゠-ヿ]+"
BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"
CASED_LETTERS = ("\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴ"
                 "ᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+")
DIGIT = r"\p{N}"

# Who cuts by which patterns, one behind the other.
PUBLIC: list[tuple[str, list[str]]] = [
    ("GPT-2, GPT-NeoX, Pythia, OPT, MPT, OLMo, Phi-2, Jais, RoBERTa, Whisper, CodeGen, Trillion", [GPT2]),
    ("StarCoder, StarCoder 2, SmolLM, Refact, Command-R, CodeShell, Granite Code, EXAONE 3, Minerva, Mellum", [DIGIT, GPT2]),
    ("LLaMA 3, DBRX, GLM-4, Phi-4, SmolLM 3, LFM2", [cl100k()]),
    ("Qwen2, Qwen2.5, Qwen3, StableLM 2, Hunyuan, Solar Open, Grok 2", [cl100k(digits=DIGIT)]),
    ("Qwen3.5", [rf"{ENGLISH}|{BEFORE}[\p{{L}}\p{{M}}]+|{DIGIT}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    ("GPT-4 (cl100k_base)", [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
                             r"|\s+(?!\S)|\s"]),
    ("GPT-4o, gpt-oss, LLaMA 4, MiniMax M2", [O200K]),
    ("Mistral Nemo, Pixtral, Mistral Small 3.1, Apertus", [cased("", DIGIT)]),
    ("Kimi K2", ["[\\p{Han}]+|" + cased(ENGLISH + "?", r"\p{N}{1,3}", HAN_OUT % UPPER[1:-1], HAN_OUT % LOWER[1:-1], "")]),
    ("Tiny Aya", [r"\d{1,3}(?=(?:\d{3})*\b)", O200K]),
    ("DeepSeek LLM", ["[\r\n]", CASED_LETTERS, "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$", CJK_DEEPSEEK, DIGIT]),
    ("DeepSeek Coder", ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK_DEEPSEEK, DIGIT]),
    ("DeepSeek V3, DeepSeek R1, Hunyuan dense", [r"\p{N}{1,3}", CJK_DEEPSEEK3, MARKED]),
    ("Spark 2.5", [r"\p{N}{1,3}", CJK_DEEPSEEK3, MARKED.replace("]+[\r\n]*|\\s*[\r\n]+", "]+|[\r\n]"), DIGIT]),
    ("Trinity", ["[一-鿿㐀-䶿\uf900-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+", MARKED]),
    ("Youtu", ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+", cased(ENGLISH + "?", DIGIT)]),
    ("Falcon", [GPT2, r"\p{N}+", "[0-9][0-9][0-9]"]),
    ("BLOOM, Poro, GPT-3 Finnish", [BLOOM]),
    ("Viking", [BLOOM, DIGIT]),
    ("Chameleon", ["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", DIGIT, r"[\p{P}!-/:-@\[-`{-~]", GPT2]),
    ("Jais 2", [cl100k(rest=r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+" + "".join(rf"|\s{{{n}}}(?!\S)" for n in (512, 256, 128, 64, 32, 16, 8, 4))
                       + r"|\s{1,2}(?!\S)|\s{1}")]),
    ("SuperBPE", [r"\p{N}+", r"(?=(\d{3})+(?!\d))"]),
    ("Ling", [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"]),
    ("nanochat", [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"]),
    ("Seed-Coder", [ENGLISH + "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"]),
    ("Laguna", [r"[^\n]+|[\n]+", cl100k(digits=DIGIT)]),
    ("EXAONE MoE", [rf"{ENGLISH}|{BEFORE}(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|{DIGIT}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"]),
    ("multilingual GPT-4 type, joiners in words", [cl100k(letters=r"(?:\p{L}|\p{M}|\x{200C}|\x{200D})+")]),
    ("Nougat", [r"""[\(\)\[\]\{\}]|([!\"#\$%\&'\*\+,\-\./:;<=>\?\\\^_`\|\~])\1*"""]),
    ("Gemma 4", [r"[^\n]+|[\n]+"]),
    ("Whitespace of BERT's kind", [r"\w+|[^\w\s]+"]),
]

STEPS = {
    "CLIP": {"type": "Split", "pattern": {"Regex": r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"},
             "behavior": "Removed", "invert": True},
    "Gemma": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
}

TEXTS = ["aBc中文deadBEEF12345 xyz", "it's IT'S I'LL we'Ve 's", "1234567 12 1,234.5", "a  b   \n\n c \r\n\r\n  d\t", "héllo wörld e\u0301\u0301 naïve", "\u4e2d\u6587abc漢字かなカナ",
         "x = foo_bar(1)[2]; // done!!!\n", "  leading and trailing   ", "\u0cb2\u0cbe \u0928\u092e\u0938\u094d\u0924\u0947 \u0e01\u0e49\u0e32 안녕", "$+<=>!?.«»£∑", "Ünïcode ＡＢＣ ½ Ⅷ ²³ ٣٤", "\u00a0\u3000\u2003x\u200by\u180e",
         "👨\u200d👩\u200d👧 😀😀 ok", "\U00010d50\U00010d70 \ua7cc\ua7cd \U00011f50\U00011f51 \U00031350\U0002ebf0 \U0001e4d0\U0001e4f1"]


def case(pattern: str, behavior: str = "Isolated", invert: bool = False, kind: str = "Regex") -> dict:
    return {"pre_tokenizer": {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}}


def cases() -> list[dict]:
    patterns = [r"[\p{L}&&[^\p{Han}]]+", r"[a-z[A-Z]]+", r"\h", r"\H+", r"\p{N}{1,3}+", r"\p{N}{2}+?", r"[[:punct:]]+", r"\p{punct}+", r"\p{PosixPunct}",
                r"\p{Word}+", r"\P{^wo rd}", r"\w+", r"[\p{Word}]+", r"\R+", r"(?:\R| )+", r"[\R]", r"(?x) a # \R [ ( \n | \R{2} ", r"\b", r"\B", r"(?<!\w)\w", r"\G.",
                r"a*", r"", r"|x", r"\K", r"[a-z]\K.", r"(?i)ǆ|ss|ﬁ", r"(?i)[ꟍɤ\x{10d70}]", r"(?i)\x{10d50}|ƛ|\x{1c89}", r"(?i:Ꟍꟍ)", r"(?<n>.)\k<n>", r"(.)(?=\1)",
                r"(?>a|ab)c|b", r"(?~b)", r"\O", r"\N+", r"(?m:.+)", r"[^\S\n]+", r"\p{Garay}|\p{Kawi}", r"[[:alpha:]&&[^a-z]]+", r"\X", r"(?W)\w+", r"\p{InCB}"]
    out = [case(p) for p in patterns]
    for behavior in BEHAVIORS:
        out += [case(p, behavior, invert) for p in (r"\s+", r"[a-z]+|", "n") for invert in (False, True)]
    out += [case(p, kind="String") for p in ("a", "]; ", "[2]", "\\s", "", "&& || ~~ #")]
    out += [{"normalizer": {"type": "Replace", "pattern": {kind: p}, "content": c}}
            for kind, p, c in (("Regex", " {2,}", " "), ("Regex", r"\A +| +\z", ""), ("Regex", r"\s", "\u2581"), ("Regex", "", "-"), ("String", " ", "\u2581"), ("String", "", "+"))]
    return out


def unsure(pattern: dict, text: str) -> bool:
    """Where the program refuses to tell: see src/text/pattern.c."""
    return pattern.get("Regex") == r"\X" and any(ord(c) in range(0x10D50, 0x32000) and ord(c) not in range(0x1F000, 0x20000) or c in "\ua7cc\ua7cd" for c in text)


PROPERTIES = ("[^\\s] [^\\w] [^\\d] [^\\h] [^\\p{L}] [^\\p{N}] [^\\p{M}] [^\\p{P}] [^\\p{S}] [^\\p{Z}] [^\\p{C}] [^\\p{Lu}] [^\\p{Ll}] [^\\p{Lo}] [^\\p{Nd}] [^\\p{Mn}] "
              "[^\\p{Han}] [^\\p{Latin}] [^\\p{Alphabetic}] [^[:punct:]] [^[:graph:]] [^\\p{InCB}] [^\\p{In_No_Block}] \\W").split()
EVERY = "".join(chr(c) for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF)


def kept(expression: str) -> dict:
    """The characters that `expression` leaves, each run of the others gone."""
    text = normalizers.Replace(Regex(f"(?:{expression})+"), "").normalize_str(EVERY)
    return {"removed": f"(?:{expression})+", "bytes": len(text.encode()), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def ends(pieces: list[str]) -> list[int]:
    out = [0]
    for piece in pieces:
        out.append(out[-1] + len(piece.encode()))
    return out[1:]


def public_entry(used_by: str, patterns: list[str], texts: list[str]) -> dict:
    cut = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in patterns])
    return {"used_by": used_by, "patterns": patterns, "ends": [ends([p for p, _ in cut.pre_tokenize_str(t)]) for t in texts]}


def words() -> list[list[int]]:
    """[character, whether it is one of a word]: asked through an added token that only stands alone."""
    file = with_added(base_file(), a=("lox", {"single_word": True}))
    tokenizer = Tokenizer.from_str(json.dumps(file))
    fixed = [0x41, 0x5F, 0x2D, 0xAA, 0xBD, 0x24B6, 0x301, 0x200D, 0x2028, 0x4E2D, 0x1F600, 0xE000, 0x10FFFF]
    asked = sorted({*fixed, *range(0x897, 0x1F000, 61), *range(0x105C0, 0x105F4), *range(0x10D40, 0x10D90), *range(0x11380, 0x113E3), *range(0x2EBF0, 0x2EE5F, 40)})
    asked = [c for c in asked if not 0xD800 <= c <= 0xDFFF]
    whole = tokenizer.encode("lox").ids
    return [[c, int(tokenizer.encode("lox" + chr(c)).ids[:1] != whole)] for c in asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("."))
    path = parser.parse_args().root / "tests/fixtures/patterns.json"
    texts = TEXTS + [t for t in strings(400, seed=5) if 20 < len(t) < 90 and "\0" not in t][-24:]
    checked = [*cases(), *({"pre_tokenizer": step} for step in STEPS.values())]
    for c in checked:
        cut, pattern = reference(c), next(iter(c.values()))["pattern"]
        c["pieces"] = [None if unsure(pattern, t) else cut(t) for t in TEXTS]
    parts = {
        "schema": "abltui.pattern-golden/1",
        "texts": texts,
        "n_case_texts": len(TEXTS),
        "tokenizers": [public_entry(*p, texts) for p in PUBLIC],
        "cases": checked,
        "properties": [kept(p) for p in PROPERTIES],
        "words": words(),
    }
    lines = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    for start in ('{"used_by"', '{"pre_tokenizer"', '{"normalizer"', '{"removed"'):
        lines = lines.replace(start, "\n" + start)
    path.write_text(lines + "\n", encoding="ascii")
    names = sum(p.count(",") + 1 for p, _ in PUBLIC) + len(STEPS)
    print(path, path.stat().st_size, "bytes,", names, "tokenizers,", len(checked), "cases,", len(PROPERTIES), "properties")


if __name__ == "__main__":
    main()
