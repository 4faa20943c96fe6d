"""Compare how random patterns cut random texts, here and in the `tokenizers` library.

    python3 tools/fuzz_patterns.py CUT [--pairs 100000] [--seed 1]          needs: pip install tokenizers

CUT is build/tests/cut (`make tests`). Half the patterns are drawn from a grammar of Oniguruma's expressions, half are made of
parts of public tokenizers' (tests/fixtures/patterns.json). Prints each difference that is not refused, what was refused and
why, and counts; exit status 0 only if there is no difference and at most a tenth of the patterns that the library takes are
refused.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers

PATTERNS_A_CALL, TEXTS_A_PATTERN, SHOWN, MOST_REFUSED = 100, 10, 20, 0.1
PUBLIC = Path("tests/fixtures/patterns.json")
BEHAVIORS = {"Isolated": "isolated", "Removed": "removed", "MergedWithPrevious": "merged_with_previous",
             "MergedWithNext": "merged_with_next", "Contiguous": "contiguous"}

# ------------------------------------------------------------------------------------------------------------- patterns

PROPERTIES = ("L Lu Ll Lt Lm Lo M Mn Mc N Nd Nl No P Pd Pc Po S Sm Sc Z Zs C Cc Cf Cn Han Hiragana Katakana Latin Greek Cyrillic "
              "Arabic Thai Garay Kawi Alpha Alnum Upper Lower Word Space Digit Punct Graph Print Cntrl XDigit ASCII Any Alphabetic "
              "Emoji White_Space Uppercase InCB PosixPunct Letter Mark Number Common Unknown Blank").split()
BRACKETS = "alpha alnum upper lower word space digit punct graph print cntrl xdigit ascii blank".split()
LETTERS = list("aabbccABCsSkKiI12 _-.,'") + ["é", "ß", "ſ", "K", "İ", "ı", "ﬁ", "ﬀ", "ς", "σ", "Σ", "ǆ", "Ǆ", "中", "の", "٣", "😀",
           "\u0301", "\u00a0", "\u3000", "\ua7cd", "\ua7dc", "ƛ", "\U00010d50", "\U00010d70", "\u1c89", "\u1c8a", "ŉ", "ΐ"]
SHORT = ["\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\h", "\\H"]
ESCAPED = ["\\t", "\\n", "\\r", "\\x41", "\\x{e9}", "\\x{10d50}", "\\u00e9", "\\.", "\\-", "\\'", "\\/", "\\\\", "\\[", "\\]", "\\{",
           "\\_", "\\e", "\\012", "\\cA", "\\Q", "\\ "]
ANCHORS = ["^", "$", "\\A", "\\z", "\\Z", "\\b", "\\B", "\\G", "\\K"]
OPTIONS = ["i", "m", "x", "im", "-i", "i-m", "mx", "W", "D", "S", "P", "iW", "-W"]


class Grammar:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.groups = 0
        self.names: list[str] = []

    def property(self) -> str:
        r = self.rng
        name = r.choice(PROPERTIES)
        if r.random() < 0.1:
            name = r.choice((name.lower(), name.upper(), name[:1] + "_" + name[1:], name[:1] + " " + name[1:]))
        return r.choice(("\\p{%s}", "\\p{%s}", "\\p{%s}", "\\P{%s}", "\\p{^%s}")) % name

    def member(self, depth: int) -> str:
        r, kind = self.rng, self.rng.random()
        if kind < 0.35:
            return self.in_class(r.choice(LETTERS))
        if kind < 0.5:
            a, b = sorted((r.choice("aAbz09"), r.choice("bBcz19Z")))
            return f"{a}-{b}"
        if kind < 0.65:
            return self.property()
        if kind < 0.77:
            return r.choice(SHORT)
        if kind < 0.85:
            return r.choice(("[:%s:]", "[:%s:]", "[:^%s:]")) % r.choice(BRACKETS)
        if kind < 0.93:
            return r.choice(("\\t", "\\n", "\\r", "\\-", "\\]", "\\[", "\\^", "\\x{3000}", "\\x20", "\\b", "\\&"))
        return self.set(depth + 1) if depth < 3 else "z"

    @staticmethod
    def in_class(c: str) -> str:
        return "\\" + c if c in "-[]^\\&" else c

    def set(self, depth: int = 0) -> str:
        r = self.rng
        out = "[" + "^" * (r.random() < 0.3)
        parts = ["".join(self.member(depth) for _ in range(r.choice((1, 1, 2, 3, 4)))) for _ in range(r.choice((1, 1, 1, 1, 2, 3)))]
        return out + "&&".join(parts) + "]"

    def group(self, depth: int) -> str:
        r, kind = self.rng, self.rng.random()
        if kind < 0.2:
            self.groups += 1
            return f"({self.alternatives(depth + 1)})"
        if kind < 0.42:
            return f"(?:{self.alternatives(depth + 1)})"
        if kind < 0.5:
            self.names.append(name := r.choice("nmk"))
            return f"(?<{name}>{self.alternatives(depth + 1)})"
        if kind < 0.57:
            return f"(?>{self.alternatives(depth + 1)})"
        if kind < 0.82:
            return f"(?{r.choice(('=', '!', '<=', '<!'))}{self.alternatives(depth + 1)})"
        if kind < 0.93:
            return f"(?{r.choice(OPTIONS)}:{self.alternatives(depth + 1)})"
        if kind < 0.95:
            return f"(?#{r.choice(('x', ' y '))})"
        if kind < 0.97:
            return f"(?~{self.alternatives(depth + 1)})"
        if kind < 0.985 and self.groups:
            return f"(?({r.randint(1, self.groups)}){self.sequence(depth + 1)}|{self.sequence(depth + 1)})"
        return r.choice(("(*FAIL)", "(*MISMATCH)", "(?y{g})", "(?y{w})", "(?I)", "(?L)", "(?C)"))

    def atom(self, depth: int) -> str:
        r, kind = self.rng, self.rng.random()
        if kind < 0.3:
            return "".join(r.choice(LETTERS).replace(".", "\\.") for _ in range(r.choice((1, 1, 1, 2, 3))))
        if kind < 0.42:
            return self.property()
        if kind < 0.52:
            return r.choice(SHORT)
        if kind < 0.7:
            return self.set()
        if kind < 0.74:
            return r.choice(ESCAPED)
        if kind < 0.78:
            return r.choice((".", "\\R", "\\N", "\\O", ".", "\\X"))
        if kind < 0.84:
            return r.choice(ANCHORS)
        if kind < 0.86 and self.names:
            return r.choice(("\\k<%s>", "\\k'%s'", "\\g<%s>")) % r.choice(self.names)
        if kind < 0.88 and self.groups:
            return r.choice(("\\%d", "\\k<%d>", "\\g<%d>", "\\k<-%d>")) % r.randint(1, self.groups)
        return self.group(depth) if depth < 4 else "a"

    def quantified(self, depth: int) -> str:
        r = self.rng
        atom = self.atom(depth)
        if r.random() < 0.55:
            return atom
        m, n = sorted((r.randint(0, 3), r.randint(0, 4)))
        count = r.choice(("?", "*", "+", "+", "*", f"{{{n}}}", f"{{{m},{n}}}", f"{{{m},}}", f"{{,{n}}}", f"{{{n},{m}}}"))
        return atom + count + r.choice(("", "", "", "", "?", "+"))

    def sequence(self, depth: int) -> str:
        return "".join(self.quantified(depth) for _ in range(self.rng.choice((0, 1, 1, 1, 2, 2, 3, 4))))

    def alternatives(self, depth: int) -> str:
        return "|".join(self.sequence(depth) for _ in range(self.rng.choice((1, 1, 1, 2, 2, 3))))

    def pattern(self) -> str:
        r = self.rng
        start = f"(?{r.choice(OPTIONS)})" if r.random() < 0.1 else ""
        return start + "|".join(self.sequence(0) for _ in range(r.choice((1, 1, 2, 3, 4))))


def parts_of(pattern: str) -> list[str]:
    """The alternatives at the top of a pattern."""
    parts, depth, at, last = [], 0, 0, 0
    while at < len(pattern):
        c = pattern[at]
        depth += (c in "([") - (c in ")]")
        if c == "|" and depth == 0:
            parts.append(pattern[last:at])
            last = at + 1
        at += 2 if c == "\\" else 1
    return [*parts, pattern[last:]]


def mixed(rng: random.Random, pool: list[str]) -> str:
    """Alternatives of public patterns, with some written otherwise and some of the grammar between them."""
    swaps = [("\\p{L}", "\\p{Alpha}"), ("\\p{N}", "\\d"), ("\\s", "[[:space:]]"), ("+", "++"), ("+", "*"), ("{1,3}", "{1,3}+"), ("?", "??"),
             ("\\p{L}", "[\\p{L}&&[^\\p{Han}]]"), ("\\s", "\\h"), ("\\S", "\\w"), ("(?!", "(?="), ("+", "{2,}"), ("?", ""), ("(?i:", "(?:")]
    parts = [rng.choice(pool) for _ in range(rng.randint(1, 6))]
    for i, part in enumerate(parts):
        if rng.random() < 0.4:
            parts[i] = part.replace(*rng.choice(swaps), 1)
        elif rng.random() < 0.1:
            parts[i] = Grammar(rng).sequence(1)
    return ("(?i)" if rng.random() < 0.1 else "") + "|".join(parts)


# ---------------------------------------------------------------------------------------------------------------- texts

POOLS = ["abcABC", "sSkKiI", "0123456789", " \n\t\r\u000b\u000c", "'\"_-.,;:!?()[]{}<>|/\\@#$%^&*+=~`", "éèßẞſKİıﬁﬀŉΐςσΣǅǆǄ", "привет", "αβγΔ",
         "中文字漢々〇", "のあア", "가나\u1161\u11ab", "بسم٣٤", "ก้า", "\u00a0\u0085\u1680\u2003\u2028\u2029\u202f\u3000\u200b\ufeff\u180e", "\u0301\u0308\u20dd\ufe0f\u200d",
         "😀👍🏽👨👩🇫🇷❤", "\u1c89\u1c8a\ua7cb\u0264\ua7cd\ua7dcƛ\U00010d50\U00010d70\U00010d40\U00011f50\U0001e4d0\U00031350\U0002ebf0\u0897"]
WORDS = "the of don't we're I'LL 'S it's 1234567 3.14 iPhone HTTPServer foo_bar C++ \r\n x=y; naïve ＡＢ ½Ⅷ".split(" ")


def text(rng: random.Random) -> str:
    out = []
    for _ in range(rng.choice((1, 2, 3, 5, 8, 12))):
        kind = rng.random()
        if kind < 0.2:
            out.append(rng.choice(WORDS))
        elif kind < 0.27:
            while 0xD800 <= (c := rng.randrange(1, 0x110000) if rng.random() < 0.5 else rng.randrange(1, 0x3000)) <= 0xDFFF:
                pass
            out.append(chr(c))
        elif kind < 0.35:
            out.append(rng.choice((" ", "\n", "a", "'", "1")) * rng.randint(1, 9))
        else:
            pool = rng.choice(POOLS[:5] if rng.random() < 0.5 else POOLS)
            out.append("".join(rng.choice(pool) for _ in range(rng.choice((1, 1, 2, 3, 5)))))
    return rng.choice(("", "", " ")).join(out)


# ------------------------------------------------------------------------------------------------------------- compared


def case(rng: random.Random, pool: list[str]) -> dict:
    pattern = Grammar(rng).pattern() if rng.random() < 0.5 or not pool else mixed(rng, pool)
    of = {"String": pattern[: rng.randint(0, 6)]} if rng.random() < 0.03 else {"Regex": pattern}
    texts = [text(rng) for _ in range(TEXTS_A_PATTERN)]
    if rng.random() < 0.1:
        return {"normalizer": {"type": "Replace", "pattern": of, "content": rng.choice(("", "X", "aa", " "))}, "texts": texts}
    behavior = rng.choice((*BEHAVIORS, "Isolated", "Isolated", "Isolated"))
    return {"pre_tokenizer": {"type": "Split", "pattern": of, "behavior": behavior, "invert": rng.random() < 0.3}, "texts": texts}


def reference(case: dict):
    """A function from text to its pieces."""
    step = case.get("pre_tokenizer") or case["normalizer"]
    kind, pattern = next(iter(step["pattern"].items()))
    pattern = Regex(pattern) if kind == "Regex" else pattern
    if "normalizer" in case:
        replace = normalizers.Replace(pattern, step["content"])
        return lambda t: [s] if (s := replace.normalize_str(t)) else []
    split = pre_tokenizers.Split(pattern, BEHAVIORS[step["behavior"]], step["invert"])
    return lambda t: [piece for piece, _ in split.pre_tokenize_str(t)]


class Report:
    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.reasons: collections.Counter[str] = collections.Counter()

    def difference(self, case: dict, what: str) -> None:
        self.counts["differences"] += 1
        if self.counts["differences"] <= SHOWN:
            print(json.dumps(case.get("pre_tokenizer") or case["normalizer"], ensure_ascii=True), what, flush=True)

    def refused(self, why: str) -> None:
        self.reasons[why.split("' is not supported: ")[-1].split("' ")[-1].split(";")[0].split(" behind ")[0].split(" at byte ")[0]] += 1

    def compare(self, case: dict, found: list | dict) -> None:
        self.counts["patterns"] += 1
        try:
            cut = reference(case)
        except Exception as error:
            self.counts["patterns that the library refuses"] += 1
            if isinstance(found, list):
                self.difference(case, f"accepted here, refused there: {error}")
            return
        self.counts["patterns that the library takes"] += 1
        if isinstance(found, dict):
            self.counts["patterns refused here alone"] += 1
            self.refused(found["refused"])
            return
        for t, mine in zip(case["texts"], found, strict=True):
            self.counts["pairs"] += 1
            if isinstance(mine, dict):
                self.counts["texts refused here"] += 1
                self.refused(mine["refused"])
                continue
            try:
                theirs = cut(t)
            except BaseException as error:  # a panic is none of Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                theirs = f"{type(error).__name__}: {error}"
            if mine != theirs:
                self.difference(case, f"{t!a}\n  found    {mine!a}\n  expected {theirs!a}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cut", type=Path)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pool = []
    if PUBLIC.exists():
        pool = sorted({part for entry in json.loads(PUBLIC.read_text())["tokenizers"] for pattern in entry["patterns"]
                       for part in parts_of(pattern)})
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the library tells of its panics there
    rng, report, begun = random.Random(options.seed), Report(), time.monotonic()
    while report.counts["pairs"] < options.pairs:
        cases = [case(rng, pool) for _ in range(PATTERNS_A_CALL)]
        run = subprocess.run([options.cut.resolve()], input="".join(json.dumps(c) + "\n" for c in cases), capture_output=True, text=True)
        answers = run.stdout.split("\n")[:-1]
        if run.returncode or len(answers) != len(cases):
            print(f"{options.cut} ended with {run.returncode} at {cases[len(answers)]}\n{run.stderr}")
            return 1
        for c, answer in zip(cases, answers, strict=True):
            report.compare(c, json.loads(answer))
    for why, n in report.reasons.most_common():
        print(f"  refused {n:8}  {why}")
    for what, n in report.counts.items():
        print(f"{n:9} {what}")
    taken, refused = report.counts["patterns that the library takes"], report.counts["patterns refused here alone"]
    print(f"seed {options.seed}, {time.monotonic() - begun:.0f} s, {refused / max(taken, 1):.1%} of the patterns refused")
    return 1 if report.counts["differences"] or refused > MOST_REFUSED * taken else 0


if __name__ == "__main__":
    sys.exit(main())
