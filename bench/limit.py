#!/usr/bin/env python3
"""How near a whole head sweep comes to the machine's limit: its useful FLOP a second against oneDNN's alone.

    make build/bench/products
    build/venv-bench/bin/python bench/limit.py ./abltui --shape gpt2-small

Random weights at a true shape. In turns, `--runs` times:

- a sweep on the cpu engine, the whole process from start to exit, with loading, packing, statistics and all files. Useful
  FLOP are those of the products and the unembedding that it ran (`--profile` counts them), over the process's wall time.
- build/bench/products onednn: the library's matmul alone with packed weights, over the shapes (m, k, n) that the sweep's trace
  holds. Their rate is that of the same products in the same proportions, each at the library's median speed.

What is promised: sweep >= 0.75 of the library.
"""
import argparse
import collections
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vs_transformerlens import SHAPES, machine, write_model, write_rows

COVERED = 0.99  # share of the FLOP whose shapes are measured


def sweep(program: str, scratch: Path) -> tuple[float, float, collections.Counter]:
    """Wall seconds, FLOP in all, and FLOP by shape (m, k, n) as far as the trace goes."""
    folder = scratch / "run"
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    start = time.perf_counter()
    subprocess.run([program, "--model", str(scratch / "model"), "--data", str(scratch / "rows.jsonl"), "--export",
                    str(folder), "--device", "cpu", "--profile", "--quiet"], check=True)
    seconds = time.perf_counter() - start
    profile = json.loads((folder / "metrics/profile.json").read_text())
    flop = sum(o["gflops"] * 1e9 * o["seconds"] for o in profile["operations"] if o["gflops"])
    for o in profile["operations"]:
        print(f"    {o['name']:10} {o['seconds']:8.3f} s {100 * o['share']:5.1f} %")
    print(f"    {'outside':10} {profile['outside_seconds']:8.3f} s")
    shapes: collections.Counter = collections.Counter()
    for event in json.loads((folder / "artifacts/trace.json").read_text())["traceEvents"]:
        a = event["args"]
        if a["flop"]:
            other = round(a["flop"] / 2 / a["rows"] / a["cols"])
            linear = event["name"] in ("linear", "head_out")  # their cols are n, the unembedding's are k
            shapes[(a["rows"], other, a["cols"]) if linear else (a["rows"], a["cols"], other)] += a["flop"]
    return seconds, flop, shapes


def library(products: str, shapes: collections.Counter) -> float:
    """FLOP a second of the same products in the same proportions."""
    kept, flop = [], 0.0
    for shape, share in shapes.most_common():
        if flop >= COVERED * shapes.total():
            break
        kept.append(shape)
        flop += share
    out = subprocess.run([products, "onednn", *(",".join(map(str, s)) for s in kept)], check=True,
                         capture_output=True, text=True).stdout
    seconds = 0.0
    for line in out.splitlines():
        m, k, n, _, median = line.split()
        seconds += shapes[(int(m), int(k), int(n))] / (float(median) * 1e9)
    return flop / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--shape", choices=SHAPES, default="gpt2-small")
    parser.add_argument("--prompts", type=int, default=160)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--products", default="build/bench/products")
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "model").mkdir()
        write_model(scratch / "model", SHAPES[args.shape])
        write_rows(scratch / "rows.jsonl", args.prompts, args.prompts, 10)
        ratios = []
        for run in range(args.runs):
            seconds, flop, shapes = sweep(args.program, scratch)
            alone = library(args.products, shapes)
            ratios.append(flop / seconds / alone)
            print(f"run {run + 1}: {flop / 1e12:.2f} TFLOP in {seconds:.1f} s, {flop / seconds / 1e9:.0f} GFLOP/s; "
                  f"oneDNN alone {alone / 1e9:.0f} GFLOP/s; ratio {ratios[-1]:.3f}", flush=True)
    print(f"sweep / library, median of {args.runs}: {statistics.median(ratios):.3f}")
    if statistics.median(ratios) < 0.75:
        sys.exit("below the promised 0.75")


if __name__ == "__main__":
    main()
