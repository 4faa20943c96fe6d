#!/usr/bin/env python3
"""Screens of the explorer at four sizes with models of three shapes: python3 tests/ui/screens.py PROGRAM
No word is cut, no half of the panes' place is empty, every pane has its name or the key that lists them.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = ((80, 24), (120, 40), (160, 45), (200, 60))
PANES = "impact head rank log recover ov attn rows compare say".split()
HEADER, FOOTER = 3, 2
LEAST_FILLED = 0.15  # of the cells of a half


def cut_words(lines: list) -> list:
    """Places of "…" that stand between no two numbers; a prompt of a row, a token and the log's lines may be long."""
    found = []
    for line in lines[:2] + lines[HEADER:-FOOTER]:
        for m in re.finditer("…", line):
            between = re.match(r"…[-+ 0-9.≈·]", line[m.start():]) and line[m.start() - 1].isdigit()
            is_data = re.search(r"(^|│) ?(row )?\d+ [^│]*$", line[:m.start()]) or re.match(r"…\s+[-+·\d]", line[m.start():])
            whole = lines.index(line) < HEADER and not re.search(r"\w…", line)
            if not between and not is_data and not whole:
                found.append(line.strip())
    return found


def empty_halves(lines: list) -> list:
    body = lines[HEADER:-FOOTER]
    width, height = len(body[0]), len(body)
    halves = {"left": [l[:width // 2] for l in body], "right": [l[width // 2:] for l in body],
              "upper": body[:height // 2], "lower": body[height // 2:]}
    filled = {k: sum(c not in " ─│" for l in v for c in l) / sum(map(len, v)) for k, v in halves.items()}
    return [f"{k} half: {v:.2f} of its cells" for k, v in filled.items() if v < LEAST_FILLED]


def main() -> None:
    program, failed, passed = sys.argv[1], 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for layers, heads in ((4, 8), (24, 16), (32, 32)):
            model = f"{scratch}/random" if layers > 4 else "tiny-gpt2"
            if layers > 4:
                subprocess.run([sys.executable, "tools/wide_model.py", str(layers), str(heads), model], check=True)
            for width, height in SIZES:
                file = Path(scratch, "screen.txt")
                run = subprocess.run([program, "--device", "cpu", "--model", model, "--data", "facts", "--rows", "3", "--size",
                                      f"{width}x{height}", "--screenshot", str(file)], capture_output=True, text=True)
                lines = file.read_text().split("\n")[:height] if run.returncode == 0 else []
                names = [p for p in PANES if not any(re.search(rf"\b{p}\b", l) for l in lines[HEADER:-FOOTER])]
                wrong = [run.stderr] if run.returncode else cut_words(lines) + empty_halves(lines)
                if names and not any(" w more" in l for l in lines):
                    wrong.append("panes without a name: " + " ".join(names))
                if lines and not re.fullmatch(r"( \S+ [a-z ]+ ?)+", lines[-1]):
                    wrong.append(f"footer: {lines[-1]}")
                name = f"a_screen_of_{width}x{height}_is_used_by_{layers}x{heads}_heads"
                print(f"[  {'FAILED' if wrong else 'PASSED'}  ] {name}" + "".join(f"\n    {w}" for w in wrong))
                failed += bool(wrong)
                passed += not wrong
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
