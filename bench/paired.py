#!/usr/bin/env python3
"""Two builds of abltui on the same sweep, taking turns: how much faster one is, and how far their numbers differ.

    build/venv-bench/bin/python bench/paired.py ./abltui-before ./abltui --shape gpt2-small --isa AVX2

Random weights at a true shape. Times are whole processes' CPU seconds (user and system), which on a shared machine say
more than the clock: the ratio is before / after, pair by pair, and its median is what counts. --isa keeps oneDNN to an
instruction set, as a machine without the wider ones would. With --threads and --mem lists, it says too whether the
second build writes one and the same per_example.csv at each of them.
"""
import argparse
import csv
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from vs_transformerlens import SHAPES, machine, write_model, write_rows


def sweep(program: str, scratch: Path, name: str, args, extra: list[str]) -> float:
    """CPU seconds of one run into scratch/name."""
    folder = scratch / name
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    env = dict(os.environ)
    if args.isa:
        env |= {"DNNL_MAX_CPU_ISA": args.isa, "ONEDNN_MAX_CPU_ISA": args.isa}
    p = subprocess.Popen([program, "--model", str(scratch / "model"), "--data", str(scratch / "rows.jsonl"), "--export",
                          str(folder), "--device", "cpu", "--quiet", "--heads", args.heads, "--boot", "10", *extra], env=env)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit(f"{program} ended with {p.returncode}")
    return usage.ru_utime + usage.ru_stime


def table(folder: Path) -> Path:
    return folder / "metrics/per_example.csv"


def worst(before: Path, after: Path) -> float:
    """Largest difference of ld."""
    both = [[float(r["ld"]) for r in csv.DictReader(table(f).open())] for f in (before, after)]
    if len(both[0]) != len(both[1]):
        sys.exit("the two builds wrote different rows")
    return max(abs(a - b) for a, b in zip(*both))


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("before")
    p.add_argument("after")
    p.add_argument("--shape", choices=SHAPES, default="gpt2-small")
    p.add_argument("--prompts", type=int, default=24)
    p.add_argument("--tokens", type=int, default=10)
    p.add_argument("--heads", default="0:*,6:*")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--isa")
    p.add_argument("--threads", nargs="*", default=[])
    p.add_argument("--mem", nargs="*", default=[])
    args = p.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_model(scratch / "model", SHAPES[args.shape])
        write_rows(scratch / "rows.jsonl", args.prompts, args.prompts, args.tokens)
        ratios = []
        for _ in range(args.runs):
            before = sweep(args.before, scratch, "before", args, [])
            after = sweep(args.after, scratch, "after", args, [])
            ratios.append(before / after)
            print(f"    {before:7.2f} s  {after:7.2f} s  ratio {ratios[-1]:.3f}", flush=True)
        if ratios:
            print(f"{args.shape}, {args.prompts} prompts, heads {args.heads}, {args.isa or 'all instructions'}: median ratio "
                  f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); ld differs by at most "
                  f"{worst(scratch / 'before', scratch / 'after'):.1e}")
        sums = set()
        for threads in args.threads:
            for mem in args.mem:
                sweep(args.after, scratch, "after", args, ["--threads", threads, "--mem", mem])
                sums.add(hashlib.sha256(table(scratch / "after").read_bytes()).hexdigest())
                print(f"    threads {threads}, mem {mem}: {sorted(sums)}", flush=True)
        if len(sums) > 1:
            print("per_example.csv depends on threads or memory")
    return len(sums) > 1


if __name__ == "__main__":
    sys.exit(main())
