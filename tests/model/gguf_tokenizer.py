#!/usr/bin/env python3
"""Tokenizers of GGUF files against llama.cpp: tests/model/gguf_tokenizer.py ENCODE

Cases and answers are those of tests/fixtures/gguf-tokenizer.json (tools/golden_gguf_tokenizer.py). Prints a line a check; exit
status 0 only if all pass."""

import sys, tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent / "tools"))
import golden_gguf_tokenizer as golden

# What a refusal or a note may name.
NAMED = ["'tokenizer.ggml.", "tokenizer.ggml.add_eos_token", "expected 1 to 6", "is not in the vocabulary", "has two ids"]


def problem_of(case, texts, mine):
    theirs = case["expected"]
    if "refused" in mine:
        return None if any(name in mine["refused"] for name in NAMED) else f"refused, but not by name: {mine['refused']}"
    return golden.compare(case, texts, theirs, mine) if theirs else None


def main():
    stored = golden.stored()
    cases = stored["cases"]
    for case in cases:
        if case["expected"]:
            pools = stored["pools"][case["base"]]
            case["expected"]["ids"] = [pool[place] for pool, place in zip(pools, case["expected"]["ids"])]
    texts = [golden.texts_of(case, stored["texts"]) for case in cases]
    with tempfile.TemporaryDirectory() as place:
        mine = golden.ours(sys.argv[1], golden.written(cases, place), texts)
    problems = []
    for case, asked, answer in zip(cases, texts, mine):
        problem = problem_of(case, asked, answer)
        if problem:
            problems.append(f"{case['base']} {case['keys']}: {problem}")
    refused = sum("refused" in answer for answer in mine)
    few = [] if refused * 5 < len(mine) and len(mine) > 500 else [f"{refused} of {len(mine)} files are refused"]
    failed = 0
    for name, lines in (("gguf_tokenizers_read_as_llama_cpp_reads_them", problems), ("few_are_refused", few)):
        failed += bool(lines)
        print(f"[  {'FAILED' if lines else 'PASSED'}  ] {name}" + "".join(f"\n    {line}" for line in lines[:10]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
