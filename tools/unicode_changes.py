"""Write src/text/unicode_changes.c: what the reference tokenizers' Unicode has that Oniguruma 6.9.8 (Unicode 14) lacks.

    python3 tools/unicode_changes.py NAMES [--library libonig.so.5]          needs: pip install tokenizers, clang-format

NAMES is doc/UNICODE_PROPERTIES of Oniguruma's source, 6.9.10 (Unicode 16): one property a line. Every code point is asked
for under every property, of the library and of the `tokenizers` library. Takes some minutes.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
from pathlib import Path

from tokenizers import Regex, normalizers

OUT = Path("src/text/unicode_changes.c")
ASCII_CLASSES = "Alpha Blank Cntrl Digit Graph Lower Print Punct Space Upper XDigit Word Alnum ASCII".split()
# What decides where characters and words end, and those that Unicode 15 to 16 gave another class for the ends of words.
BREAKS = {"assigned", "alphabetic", "graphemeextend", "mn", "mc", "nd", "cf"}
WORD_BREAKS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x19DA, 0xFE10, 0xFE14, 0x110BD, 0x110CD}
EVERY = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF)


def ranges(points: set[int]) -> list[list[int]]:
    out: list[list[int]] = []
    for c in sorted(points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


class Library:
    """Oniguruma's own tables; the number of a property is what all its names share."""

    def __init__(self, name: str) -> None:
        self.lib = ctypes.CDLL(name)
        self.lib.onig_version.restype = ctypes.c_char_p
        if (version := self.lib.onig_version().decode()) != "6.9.8":
            raise SystemExit(f"{name} is Oniguruma {version}: expected 6.9.8")
        self.encoding = ctypes.addressof(ctypes.c_char.in_dll(self.lib, "OnigEncodingUTF8"))
        self.lib.onigenc_unicode_property_name_to_ctype.argtypes = [ctypes.c_void_p] * 3

    def number(self, name: str) -> int:
        text = ctypes.create_string_buffer(name.encode())
        at = ctypes.addressof(text)
        return self.lib.onigenc_unicode_property_name_to_ctype(self.encoding, at, at + len(name))

    def points(self, number: int) -> set[int]:
        found = ctypes.POINTER(ctypes.c_uint)()
        if self.lib.onigenc_unicode_ctype_code_range(number, ctypes.byref(found)) != 0:
            return set()
        pairs = ((found[1 + 2 * i], found[2 + 2 * i]) for i in range(found[0]))
        return {c for a, b in pairs for c in range(a, min(b, 0x10FFFF) + 1) if not 0xD800 <= c <= 0xDFFF}


def reference(expression: str) -> set[int]:
    kept = normalizers.Replace(Regex(f"[^{expression}]+"), "").normalize_str(EVERY)
    return set(map(ord, kept))


def case_pairs() -> list[list[int]]:
    """[first, last, lower case of the first]: letters that Unicode 15 to 16 gave another case, as the reference sees them."""
    upper = [0x1C89, 0xA7CB, 0xA7CC, 0xA7DA, 0xA7DC, *range(0x10D50, 0x10D66)]
    out: list[list[int]] = []
    for c in upper:
        same = set(map(ord, normalizers.Replace(Regex(f"(?i)[^\\x{{{c:x}}}]+"), "").normalize_str(EVERY))) - {c}
        (lower,) = same
        if out and out[-1][1] == c - 1 and out[-1][2] == lower - (c - out[-1][0]):
            out[-1][1] = c
        else:
            out.append([c, c, lower])
    return out


def plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def find_changes(library: Library, names: list[str]) -> dict[int, tuple[list[str], set[int], set[int]]]:
    """Number (negative: the library has none) -> its names, the points added, the points removed."""
    found: dict[int, tuple[list[str], set[int], set[int]]] = {}
    new: dict[frozenset[int], int] = {}
    for name in names:
        number = library.number(name)
        mine = library.points(number) if number >= 0 else set()
        theirs = reference(f"\\p{{{name}}}")
        if name == "PosixPunct":
            number, mine = library.number("Punct"), library.points(library.number("Punct"))
        elif plain(name) == "punct":
            number, mine = library.number("P"), library.points(library.number("P"))
        if number < 0:
            number = new.setdefault(frozenset(theirs), -1 - len(new))
        if mine == theirs:
            continue
        entry = found.setdefault(number, ([], theirs - mine, mine - theirs))
        if (entry[1], entry[2]) != (theirs - mine, mine - theirs):
            raise SystemExit(f"{name}: names of one property disagree")
        if plain(name) not in entry[0]:
            entry[0].append(plain(name))
    return found


def write(changes: dict[int, tuple[list[str], set[int], set[int]]], pairs: list[list[int]]) -> None:
    lists: dict[str, str] = {}
    text = [f"// Written by tools/{Path(__file__).name}.", '#include "text/unicode_changes.h"', ""]

    def array(points: set[int]) -> tuple[str, int]:
        found = ranges(points)
        body = ", ".join(f"{{ 0x{a:x}, 0x{b:x} }}" for a, b in found)
        if not found:
            return "NULL", 0
        if body not in lists:
            lists[body] = f"r{len(lists)}"
            text.append(f"static const struct unicode_range {lists[body]}[] = {{ {body} }};")
        return lists[body], len(found)

    rows = []
    for names, added, removed in changes.values():
        (a, n_a), (r, n_r) = array(added), array(removed)
        spelt = "\\0".join(sorted(names, key=lambda n: (n == "punct", n))) + "\\0"
        rows.append(f'{{ "{spelt}", {a}, {r}, {n_a}, {n_r} }},')
    old = [added | removed for names, added, removed in changes.values() if BREAKS & {*names}]
    breaks, n_breaks = array(WORD_BREAKS.union(*old))
    text += ["", "const struct unicode_change unicode_changes[] = {", *rows, "};",
             "const size_t n_unicode_changes = sizeof unicode_changes / sizeof *unicode_changes;", "",
             "const struct unicode_case_pairs unicode_case_pairs[] = {",
             *(f"{{ 0x{a:x}, 0x{b:x}, 0x{lower:x} }}," for a, b, lower in pairs), "};",
             "const size_t n_unicode_case_pairs = sizeof unicode_case_pairs / sizeof *unicode_case_pairs;"]
    text = [line.replace(f"unicode_range {breaks}[]", "unicode_range unicode_break_changes[]").replace("static ", "")
            if f"unicode_range {breaks}[]" in line else line for line in text]
    text += ["", f"const size_t n_unicode_break_changes = {n_breaks};", ""]
    OUT.write_text("\n".join(text))
    subprocess.run(["clang-format", "-i", OUT], check=True)
    print(OUT, len(rows), "properties,", sum(b.count("{") for b in lists), "ranges")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", type=Path)
    parser.add_argument("--library", default="libonig.so.5")
    options = parser.parse_args()
    listed = [line.strip() for line in options.names.read_text().splitlines()[1:] if line.strip()]
    names = [*ASCII_CLASSES, "PosixPunct", *listed]
    write(find_changes(Library(options.library), names), case_pairs())


if __name__ == "__main__":
    main()
