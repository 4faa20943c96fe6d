#!/usr/bin/env python3
"""Write tests/fixtures/faults/: small corpora with one fault each, and what a pre-flight check must say of them.

    python3 tools/make_faults.py

A corpus is a sound one of twelve rows, spoilt in one place. expected.json holds for each file the options it is checked
with, the exit status, and the findings: kind, number of rows, first lines. The rows' words are single tokens of the bundled
tiny-gpt2, which is all that this script takes on trust; the check's own messages tell where that does not hold.
"""

import hashlib
import json
import pathlib

FOLDER = pathlib.Path("tests/fixtures/faults")

# Antonyms either way round: nothing can be said of the answers without the prompt.
PAIRS = [("high", "low"), ("full", "empty"), ("long", "short"), ("cheap", "expensive")]
STARTS = ["The first thing is", "My second thing is", "So the third one is"]


def sound():
    rows = []
    for start in STARTS:
        for a, b in PAIRS:
            target, foil = (a, b) if len(rows) % 2 else (b, a)
            clean = f"{start} not {foil}. Then it"
            rows.append({"clean": clean, "corrupt": clean.replace(" not ", " now "), "target": f" {target}", "foil": f" {foil}"})
    # Every pair both ways round.
    for i in range(4, 8):
        row = rows[i]
        row["target"], row["foil"] = row["foil"], row["target"]
        for key in "clean", "corrupt":
            row[key] = row[key].replace(row["target"].strip() + ".", row["foil"].strip() + ".")
    return rows


CASES = {}


def case(name, rows, findings, status=0, options=(), text=None, split=None, message=None):
    """findings: {kind: [lines]} with every line; rows is a list of objects, or text the file's bytes."""
    if text is None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")
    (FOLDER / f"{name}.jsonl").write_bytes(text)
    if split:
        split = {"seed": 0, "data_hash": hashlib.sha256(text).hexdigest(), **split}
        (FOLDER / f"{name}.split.json").write_text(json.dumps(split) + "\n")
    CASES[name] = {"options": list(options), "status": status, "findings": findings}
    if message:
        CASES[name]["message"] = message


def spoilt(change, *lines):
    """The sound rows with change(row) made at these lines; all of them without lines."""
    rows = sound()
    for i in [line - 1 for line in lines] or range(len(rows)):
        change(rows[i])
    return rows


def put(**fields):
    return lambda row: row.update(fields)


def answers():
    """Ways to score without reading, as the lab's corpora had them."""

    def say_target(row):
        row["clean"] += f" seems{row['target']} and"

    case("target-in-prompt", spoilt(say_target, 2, 5), {"target-in-prompt": [2, 5], "unequal-lengths": [2, 5]})

    def end_with_target(row):
        row["clean"] += f" is{row['target']}."
        row["corrupt"] += f" is{row['target']}."

    everywhere = list(range(1, 13))
    case("answer-at-end", spoilt(end_with_target), {"target-in-prompt": everywhere, "answer-at-end": everywhere})
    case("constant-label", spoilt(put(target=" true", foil=" false")), {"constant-label": everywhere})

    def same_foil(row):
        row["foil"] = " true"

    case("constant-foil", spoilt(same_foil), {"constant-foil": everywhere})
    rows = spoilt(put(target=" true", foil=" false"), *range(1, 10))
    case("lopsided-label", rows, {"lopsided-label": list(range(1, 10))})
    rows = sound()
    for i, row in enumerate(rows):
        a, b = PAIRS[i % 2]
        row["target"], row["foil"] = f" {a}", f" {b}"
        row["clean"] = f"{STARTS[i // 4]} not {'abcd'[i % 4]}. Then it"
        row["corrupt"] = row["clean"].replace(" not ", " now ")
    case("one-sided", rows, {"one-sided": everywhere})
    rows = sound()
    rows.append(dict(rows[2], target=rows[2]["foil"], foil=rows[2]["target"], corrupt=rows[2]["corrupt"]))
    case("contradiction", rows, {"contradiction": [13], "duplicate-prompt": [13], "target-in-prompt": [13]})


def repeats():
    rows = sound()
    case("duplicate-row", rows + [rows[0], rows[3]], {"duplicate-row": [13, 14]})
    case("duplicate-prompt", rows + [dict(rows[0], foil=" cheap")], {"duplicate-prompt": [13]})

    def shout(row):
        row["clean"] = "  ".join(row["clean"].upper().split(" "))

    rows = sound()
    near = dict(rows[1])
    shout(near)
    case("near-duplicate", rows + [dict(near, corrupt=None)], {"near-duplicate": [13], "no-corrupt": [13]})
    splits = {"train": [0, 1, 2, 3, 4, 5], "val": [6, 7, 8], "test": [9, 10, 11, 12, 13]}
    rows = sound()
    leaking = rows + [dict(rows[2], foil=" cheap"), dict(rows[5])]
    case("split-leak", leaking, {"split-leak": [3, 6]}, split=splits)
    case("split-leak-test", leaking, {"split-leak": [13, 14]}, split=splits, options=["--split", "test"])
    rows = sound()
    for i, row in enumerate(rows):
        row["cluster"] = f"c{i // 2}"
    rows[8]["cluster"] = "c1"
    splits = {"train": [0, 1, 2, 3, 4, 5], "val": [6, 7], "test": [8, 9, 10, 11]}
    case("cluster-leak", rows, {"cluster-leak": [3, 4]}, split=splits)
    rows = sound()
    for i, row in enumerate(rows):
        row["template"] = STARTS[i // 4]
    case("template-leak", rows, {"cluster-leak": [5, 6]}, split=splits, options=["--cluster", "template"])
    case("templates-by-prompt", rows, {}, split=splits)


def pairs():
    def longer(row):
        row["corrupt"] = "Well. " + row["corrupt"]

    case("unequal-lengths", spoilt(longer, 1, 4, 8, 12), {"unequal-lengths": [1, 4, 8, 12]})
    case("no-corrupt", spoilt(put(corrupt=None), 3), {"no-corrupt": [3]})

    def same(row):
        row["corrupt"] = row["clean"]

    case("corrupt-is-clean", spoilt(same, 6, 7), {"corrupt-is-clean": [6, 7]})
    case("corrupt-too-long", spoilt(put(corrupt="a b " * 200), 2), {"no-corrupt": [2]})


def errors():
    case("multi-token-target", spoilt(put(target=" unquestionably full"), 4), {"multi-token-target": [4]}, status=3)
    case("multi-token-foil", spoilt(put(foil=" unquestionably full"), 4, 5), {"multi-token-foil": [4, 5]}, status=3)
    case("target-is-foil", spoilt(put(target=" low", foil=" low"), 2), {"target-is-foil": [2]}, status=3)
    case("empty-prompt", spoilt(put(clean=""), 5), {"empty-prompt": [5], "unequal-lengths": [5]}, status=3)
    case("prompt-too-long", spoilt(put(clean="a b " * 200 + "a"), 5), {"prompt-too-long": [5], "unequal-lengths": [5]}, status=3)
    case("skip-bad", spoilt(put(clean=""), 5), {"empty-prompt": [5]}, options=["--skip-bad"])


def texts():
    special = spoilt(lambda row: row.update(clean="<|endoftext|>" + row["clean"], corrupt="<|endoftext|>" + row["corrupt"]), 1)
    case("special-token-in-text", special, {"special-token-in-text": [1]})

    def trail(row):
        row["clean"] += " "
        row["corrupt"] += " "

    case("trailing-space", spoilt(trail, 9), {"trailing-space": [9]})

    def glue(row):  # a tokenizer of the GPT-2 kind cuts between digit and letter whatever follows
        row.update(clean=row["clean"] + " is 7", corrupt=row["corrupt"] + " is 7", target="s", foil="n")

    case("no-space", spoilt(glue, 9, 10), {"no-space": [9, 10]})

    def mojibake(row):
        for key in "clean", "corrupt":
            row[key] = "Café. ".encode("utf-8").decode("latin-1") + row[key]

    def replaced(row):
        for key in "clean", "corrupt":
            row[key] = b"Caf\xe9. ".decode("utf-8", "replace") + row[key]

    case("garbled-text", spoilt(mojibake, 7), {"garbled-text": [7]})
    case("replacement-character", spoilt(replaced, 7), {"garbled-text": [7]})
    text = "".join(json.dumps(row) + "\n" for row in sound()).encode()
    case("sound", sound(), {})
    case("crlf", None, {}, text=text.replace(b"\n", b"\r\n"))
    case("byte-order-mark", None, {}, text=b"\xef\xbb\xbf" + text)
    lines = text.split(b"\n")
    case("latin-1", None, {}, status=3, text=b"\n".join([lines[0], lines[1].replace(b"The", b"Caf\xe9"), *lines[2:]]), message="line 2")
    spoilt_line = lines[4].replace(b"The", b"T\\u0000e").replace(b"My", b"M\\u0000")
    case("nul", None, {}, status=3, text=b"\n".join([*lines[:4], spoilt_line, *lines[5:]]), message="line 5.*NUL")
    case("utf-16", None, {}, status=3, text=text.decode().encode("utf-16"), message="is UTF-16: save the file as UTF-8")
    case("two-marks", None, {}, status=3, text=2 * (b"\xef\xbb\xbf" + text), message="line 13")
    case("cut-off", None, {}, status=3, text=text[:-20], message="line 12")
    rows = sound()
    del rows[6]["foil"]
    case("missing-field", rows, {}, status=3, message='line 7.*"foil" is missing')


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in answers, repeats, pairs, errors, texts:
        make()
    (FOLDER / "expected.json").write_text(json.dumps(CASES, indent=1) + "\n")


if __name__ == "__main__":
    main()
