#!/usr/bin/env python3
"""What a said token costs: both texts beside one row's single-token pass with kept keys, taking turns.

    build/venv-bench/bin/python bench/say.py ./abltui --shape gpt2-small

Random weights at a true shape. A token's cost is the CPU seconds (user and system) of a process that says MANY tokens less
those of one that says FEW, over their difference in tokens: loading and the prompt go out of it. One text alone is one row's
pass a token; with heads ablated each token carries the intact text and the ablated one together. The ratio is theirs, pair by
pair; its median is what counts.
"""
import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from vs_transformerlens import SHAPES, machine, write_model

FEW, MANY = 8, 48


def cpu_seconds(program: str, model: Path, n: int, extra: list[str]) -> float:
    words = [program, "say", "--model", str(model), "--device", "cpu", "--threads", "1", "--prompt", "france",
             "--past-end", "--quiet", "--json", "--tokens", str(n), *extra]
    pid = os.posix_spawn(program, words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{program} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime


def a_token(program: str, model: Path, extra: list[str]) -> float:
    return (cpu_seconds(program, model, MANY, extra) - cpu_seconds(program, model, FEW, extra)) / (MANY - FEW)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--shape", choices=SHAPES, default="gpt2-small")
    parser.add_argument("--heads", default="0:1,3:4,5:6")
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model"
        write_model(model, SHAPES[args.shape])
        ratios, ones = [], []
        for _ in range(args.pairs):
            one = a_token(args.program, model, [])
            both = a_token(args.program, model, ["--heads", args.heads])
            ones.append(one)
            ratios.append(both / one)
            print(f"{args.shape}: one row {1e3 * one:.1f} ms a token, both texts {1e3 * both:.1f} ms: {both / one:.3f}", flush=True)
    print(f"{machine()}\n{args.shape}: a token of both texts costs {statistics.median(ratios):.3f} of one row's pass "
          f"({1e3 * statistics.median(ones):.1f} ms of CPU), median of {args.pairs} pairs")


if __name__ == "__main__":
    main()
