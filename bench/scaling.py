#!/usr/bin/env python3
"""How the cost of a head sweep grows: one thing doubled at a time, the rest held.

Random weights at a true shape. Each line is the median of `--runs` whole processes, from start to exit with all files, and the
peak memory of the process; curves are run point by point in turn, so that a slow minute of the machine touches all of them.
What is promised: twice the heads, prompts or tokens at most 2.1 times the time; every prompt ten times at most 1.1 times; peak
memory flat in heads and prompts.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vs_transformerlens import SHAPES, machine, write_model, write_rows


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds from start to exit, and the peak resident memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, used.ru_maxrss / 1000


class Point:
    def __init__(self, heads=6, prompts=40, tokens=10, distinct=None):
        self.heads, self.prompts, self.tokens = heads, prompts, tokens
        self.distinct = distinct or prompts
        self.seconds: list[float] = []
        self.peaks: list[float] = []

    def command(self, program: str, scratch: Path, mem: str) -> list[str]:
        rows = scratch / f"rows-{self.prompts}-{self.distinct}-{self.tokens}.jsonl"
        if not rows.exists():  # copies are the same rows again
            write_rows(rows, self.distinct, self.distinct, self.tokens)
            lines = rows.read_text().splitlines(keepends=True)
            rows.write_text("".join(lines[i % self.distinct] for i in range(self.prompts)))
        heads = ",".join(f"*:{h}" for h in range(self.heads))
        folder = scratch / "run"
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        return [program, "--model", str(scratch / "model"), "--data", str(rows), "--heads", heads, "--export",
                str(folder), "--device", "cpu", "--mem", mem, "--quiet"]


def curves(n_heads: int) -> dict[str, list[tuple[str, Point]]]:
    half = n_heads // 2
    return {
        "heads of each layer": [(str(h), Point(heads=h)) for h in (n_heads // 4, half, n_heads)],
        "prompts": [(str(p), Point(heads=half, prompts=p)) for p in (20, 40, 80)],
        "tokens": [(str(t), Point(heads=half, tokens=t)) for t in (10, 20, 40)],
        "distinct of 160 prompts": [(str(d), Point(heads=half, prompts=160, distinct=d)) for d in (160, 80, 40, 20)],
        "copies of 16 prompts": [(str(c), Point(heads=half, prompts=16 * c, distinct=16)) for c in (1, 10)],
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("program")
    p.add_argument("--shape", choices=SHAPES, default="gpt2-small")
    p.add_argument("--runs", type=int, default=1)
    p.add_argument("--mem", default="512M")
    args = p.parse_args()
    shape = SHAPES[args.shape]
    print(f"{machine()}; {args.shape}, --mem {args.mem}, median of {args.runs}; "
          + subprocess.run([args.program, "--version"], capture_output=True, text=True).stdout.replace("\n", "; "))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "model").mkdir()
        write_model(scratch / "model", shape)
        all_curves = curves(shape[1])
        for _ in range(args.runs):
            for points in all_curves.values():
                for _, point in points:
                    seconds, peak = measure(point.command(args.program, scratch, args.mem))
                    point.seconds.append(seconds)
                    point.peaks.append(peak)
    for name, points in all_curves.items():
        print(f"\n{name}: seconds, times the one before, peak memory")
        before = None
        for label, point in points:
            seconds = statistics.median(point.seconds)
            ratio = f"{seconds / before:5.2f}x" if before else "      "
            print(f"  {label:>5s} {seconds:8.2f} s {ratio} {max(point.peaks):7.0f} MB")
            before = seconds


if __name__ == "__main__":
    main()
