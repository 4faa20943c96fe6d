"""What seeds cost that draw nothing, and how long joining many runs takes: bench/batteries.py PROGRAM [PAIRS]

Processes take turns. A battery of four conditions with three seeds against the same with one, by processor time; then `rebuild`
of 100 runs of 384 heads (the bundled model's 32, twelve times), each under a name of its own, by wall time.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def cpu_of(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_battery(path, seeds):
    (path.parent / "heads.json").write_text(json.dumps({"type": "heads_zero", "layers": "all"}))
    path.write_text(json.dumps({
        "run_name": "seeds", "battery": "heads.json",
        "shared": {"seeds": seeds, "model": {"name": "tiny-gpt2"}, "boot": 100},
        "conditions": [{"tag": c, "dataset": {"id": c}} for c in ("facts", "negation", "counterfactual", "logic")]}))


def grown(table, times):
    """The table of a model of `times` as many layers: its rows again, further up."""
    head, *rows = table.splitlines()
    at = [c.strip('"') for c in head.split(",")].index("layer")
    lines = [head]
    for k in range(times):
        for row in rows:
            cells = row.split(",")
            lines.append(",".join(cells[:at] + [str(int(cells[at]) + 4 * k)] + cells[at + 1:]))
    return "\n".join(lines) + "\n"


def main():
    program, pairs = str(Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_battery(scratch / "three.json", [0, 1, 2])
        write_battery(scratch / "one.json", [0])
        ratios = []
        for _ in range(pairs):
            took = [cpu_of(program, "run", scratch / f"{n}.json", "--export", scratch / n, "--quiet") for n in ("three", "one")]
            ratios.append(took[0] / took[1])
        print(f"four conditions, three seeds against one: {statistics.median(ratios):.3f} of its processor time, {pairs} pairs")
        one = scratch / "one/facts"
        for i in range(100):
            for file in one.rglob("*"):
                if file.suffix in (".csv", ".json"):
                    to = scratch / f"many/{i}" / file.relative_to(one)
                    to.parent.mkdir(parents=True, exist_ok=True)
                    text = file.read_text().replace('"facts"', f'"facts{i}"')
                    to.write_text(grown(text, 12) if file.name == "head_impact.csv" else text)
        start = time.monotonic()
        subprocess.run([program, "rebuild", *sorted(map(str, (scratch / "many").iterdir())), "--export", scratch / "joined", "--quiet"],
                       stdin=subprocess.DEVNULL, check=True)
        print(f"rebuild of 100 runs of 384 heads: {time.monotonic() - start:.2f} s")


if __name__ == "__main__":
    main()
