#!/usr/bin/env python3
"""How long a user waits for a finished run of GPT-2 medium's shape: 24 x 16 heads, 160 rows, five conditions open at once.

    python3 bench/opening.py ./abltui [RUNS]

The runs are sweeps of the bundled model whose tables are widened to 384 heads: every head's rows stand there as often as it takes.
The explorer runs on a pseudo-terminal of 160x50 cells; the clock starts before the process is made and stops when the whole heatmap
has been written to the terminal: its last line says that 384 heads are done.
"""
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from first_screen import report, seconds_until

LAYERS, HEADS, ROWS, CONDITIONS = 24, 16, 160, 5


def widen(path: str, place, name) -> None:
    """Write each head's rows for the heads that take after it; place: layer and head of a row, name: a row's new cells."""
    with open(path, newline="") as f:
        header, *rows = csv.reader(f)
    by_head: dict[tuple[int, int], list[list[str]]] = {}
    for row in rows:
        by_head.setdefault(place(header, row), []).append(row)
    layers, heads = (1 + max(h[i] for h in by_head) for i in (0, 1))
    quoted = [not re.fullmatch(r"[-+.0-9eE]*", cell) for cell in rows[0]]
    with open(path, "w", newline="") as f:
        f.write(",".join(f'"{name}"' for name in header) + "\r\n")
        for layer in range(LAYERS):
            for head in range(HEADS):
                for row in by_head[layer % layers, head % heads]:
                    cells = name(header, list(row), layer, head)
                    f.write(",".join(f'"{c}"' if q else c for c, q in zip(cells, quoted)) + "\r\n")


def name_cells(header, row, layer, head):
    row[header.index("layer")], row[header.index("head")] = str(layer), str(head)
    return row


def name_variant(header, row, layer, head):
    row[header.index("variant")] = f"{layer}:{head}"
    return row


def make_run(program: str, folder: str) -> None:
    subprocess.run([program, "--export", folder, "--data", "facts", "--split", "all", "--rows", str(ROWS), "--boot", "20",
                    "--device", "cpu", "--quiet"], check=True)
    metrics = os.path.join(folder, "metrics")
    widen(os.path.join(metrics, "head_impact.csv"), lambda h, r: (int(r[h.index("layer")]), int(r[h.index("head")])), name_cells)
    widen(os.path.join(metrics, "per_example.csv"), lambda h, r: tuple(map(int, r[h.index("variant")].split(":"))), name_variant)
    for file, keys in (("metrics/summary.json", {"n_variants": LAYERS * HEADS, "n_done": LAYERS * HEADS}), ("provenance.json", {})):
        path = os.path.join(folder, file)
        with open(path) as f:
            doc = json.load(f)
        doc.update(keys)
        if "model" in doc and isinstance(doc["model"], dict):
            doc["model"].update(n_layers=LAYERS, n_heads=HEADS)
        with open(path, "w") as f:
            json.dump(doc, f)


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    folder = tempfile.mkdtemp()
    try:
        first = os.path.join(folder, "condition-0")
        make_run(program, first)
        folders = [first] + [shutil.copytree(first, os.path.join(folder, f"condition-{i}")) for i in range(1, CONDITIONS)]
        report("explorer, heatmap of 384 heads, opened", [seconds_until(f"done {LAYERS * HEADS} heads".encode(), program, folders) for _ in range(runs)])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
