#!/usr/bin/env python3
"""What conclusions that hold cost: several kinds of ablation, several donors, groups, rows of a table.

    build/venv-bench/bin/python bench/conclusions.py ./abltui [--heads '6:*'] [--pairs 3] [--only kinds,donors,outside,csv]

GPT-2 small's true shape with random weights, 160 distinct prompts of 20 templates. Whole processes taking turns; their CPU
seconds (user and system), as the machine may have other work.

- kinds:   zero, mean and resample in one plan, against the sum of a run each; for all heads by the multiplications that
           --dry-run counts, for --heads by time.
- donors:  resampling from five donors, against five times one, likewise.
- outside: what a run with templates, groups and a least effect does beside the forward pass. The same run, all 144 heads, of a
           model as deep and so narrow that it costs nothing is all of it, and more; against the run at the true width, whose
           time is that of --heads, scaled by multiplications.
- csv:     `check` of 100,000 rows of CSV: a whole process, model and all, with its peak memory.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from vs_transformerlens import SHAPES, machine, write_model, write_rows

KINDS = ("zero", "mean", "resample")
NARROW = (12, 12, 24, 512)  # n_layers, n_heads, d_model, n_vocab


def cost(*command: str) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of a process, by GNU time: a child of this large one would begin with its size."""
    said = subprocess.run(["/usr/bin/time", "-f", "%U %S %M", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if said.returncode:
        sys.exit(f"{' '.join(command)} ended with {said.returncode}: {said.stderr}")
    user, system, memory = map(float, said.stderr.splitlines()[-1].split())
    return user + system, memory / 1e3


class Bench:
    def __init__(self, args, scratch: Path) -> None:
        self.program, self.args, self.scratch = args.program, args, scratch
        for name, shape in (("model", SHAPES["gpt2-small"]), ("narrow", NARROW)):
            (scratch / name).mkdir()
            write_model(scratch / name, shape)
        rows = write_rows(scratch / "rows.jsonl", 160, 160, 10)
        for i, row in enumerate(rows):
            row["template"] = f"t{i % 20}"
        (scratch / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))

    def options(self, model: str, *options: str) -> list[str]:
        return ["--model", str(self.scratch / model), "--data", str(self.scratch / "rows.jsonl"), "--device", "cpu", *options]

    def run(self, *options: str, model: str = "model") -> float:
        folder = self.scratch / "out"
        subprocess.run(["rm", "-rf", folder], check=True)
        return cost(self.program, *self.options(model, "--export", str(folder), "--quiet", *options))[0]

    def flop(self, *options: str) -> int:
        said = subprocess.run([self.program, *self.options("model", "--dry-run", "--json", *options)], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return json.loads(said.stdout)["flop"]

    def kinds(self) -> None:
        one = ("--donors", "1")
        joint = self.flop("--ablate", ",".join(KINDS), *one)
        alone = sum(self.flop("--ablate", k, *one) for k in KINDS)
        print(f"kinds, all heads: {joint / 1e12:.2f} TFLOP in one plan, {alone / 1e12:.2f} in three: {joint / alone:.4f}", flush=True)
        some = ("--heads", self.args.heads, *one)
        self.pairs("kinds", "in one plan", lambda: self.run("--ablate", ",".join(KINDS), *some),
                   "in three", lambda: sum(self.run("--ablate", k, *some) for k in KINDS))

    def donors(self) -> None:
        five, one = (self.flop("--ablate", "resample", "--donors", n) for n in "51")
        print(f"donors, all heads: {five / 1e12:.2f} TFLOP with five, {one / 1e12:.2f} with one: {five / (5 * one):.4f} of 5 x one",
              flush=True)
        some = ("--heads", self.args.heads, "--ablate", "resample", "--donors")
        self.pairs("donors", "five", lambda: self.run(*some, "5"), "5 x one", lambda: 5 * self.run(*some, "1"))

    def outside(self) -> None:
        groups = ("--by", "template", "--min-effect", "2%")
        scale = self.flop() / self.flop("--heads", self.args.heads)
        self.pairs("outside", "narrow", lambda: self.run(*groups, model="narrow"),
                   "true width", lambda: scale * self.run("--heads", self.args.heads, *groups))

    def csv(self) -> None:
        lines = [f'"The {i * 7919 % 100003:x} of number {i}, which is"," {"big" if i % 2 else "cold"}"," small",k{i % 20}'
                 for i in range(100_000)]
        table = self.scratch / "rows.csv"
        table.write_text("prompt,answer,other,kind\n" + "\n".join(lines) + "\n")
        for _ in range(self.args.pairs):
            seconds, memory = cost(self.program, "check", str(table), "--model", "tiny-gpt2", "--map",
                                   "clean=prompt,target=answer,foil=other,template=kind")
            print(f"csv: 100,000 rows in {seconds:.2f} s, {memory:.0f} MB", flush=True)

    def pairs(self, what: str, name_a: str, a, name_b: str, b) -> None:
        ratios = []
        for i in range(self.args.pairs):
            one, other = (a(), b()) if i % 2 else (b(), a())[::-1]
            ratios.append(one / other)
            print(f"{what}: {name_a} {one:.2f} s, {name_b} {other:.2f} s, ratio {ratios[-1]:.4f}", flush=True)
        print(f"{what}: median ratio {statistics.median(ratios):.4f}", flush=True)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("--heads", default="6:*")
    p.add_argument("--pairs", type=int, default=3)
    p.add_argument("--only", default="kinds,donors,outside,csv")
    args = p.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, Path(folder))
        for what in args.only.split(","):
            getattr(bench, what)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
