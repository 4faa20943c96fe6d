"""Edits at positions against transformers in float64: tests/experiments/positions.py PROGRAM. Hand-made rows of 4 to 12 tokens
(tests/fixtures/positions, by tools/golden_positions.py): which rows have a position, in how many of them the prompts differ
there, and the effect over both sets; and that the screen shows the same numbers."""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = str(Path(sys.argv[1]).resolve())
FIXTURES = Path("tests/fixtures/positions")
GOLDEN = json.loads((FIXTURES / "cells.json").read_text())
POSITIONS = ",".join(GOLDEN["positions"])
TOLERANCE = 1e-4  # of |expected|, at least of 1
passed = failed = 0


def check(name: str, wrong: list[str]) -> None:
    global passed, failed
    print(f"[  {'FAILED' if wrong else 'PASSED'}  ] {name}")
    for line in wrong[:5]:
        print(f"    {line}")
    failed, passed = failed + bool(wrong), passed + (not wrong)


def run(*arguments: str) -> Path:
    to = Path(tempfile.mkdtemp(dir=scratch)) / "run"
    subprocess.run([PROGRAM, "--export", str(to), "--data", str(FIXTURES / "rows.jsonl"), "--boot", "50", "--quiet", "--device",
                    "cpu", *arguments], check=True)
    return to


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / "metrics" / f"{name}.csv", newline="") as f:
        return [r for r in csv.DictReader(f) if r["metric"] == "ld"]


def compare(what: str, row: dict[str, str], expected: dict[str, float | None]) -> list[str]:
    wrong = []
    for column, value in expected.items():
        found = float(row[column]) if row[column] else None
        if (found is None) != (value is None) or (value is not None and abs(found - value) > TOLERANCE * max(1, abs(value))):
            wrong.append(f"{what}, {column}: {found}, expected {value}")
    return wrong


def position_of(row: dict[str, str]) -> str:
    return row["role"] or row["position"]


def patches() -> None:
    folder = run("--experiment", "patch", "--patch-site", "resid_pre,resid_post,mlp_out,z,v", "--positions", POSITIONS)
    rows = {}
    for r in table(folder, "layer_impact"):
        if r["direction"] != "sham":
            at = f"{r['site']}@{r['layer']}" + (f":{r['head']}" if r["head"] else "")
            rows[position_of(r), at] = r
    for position, cells in GOLDEN["patch"].items():
        wrong = [w for at, cell in cells.items() for w in compare(f"{at}[{position}]", rows[position, at], cell)]
        check(f"patches_at_{position}_are_the_oracles", wrong)
    wrong = []
    for (position, at), r in rows.items():
        n, changed = int(r["n"]), int(r["n_changed"])
        lo, hi = r["ci_lo_changed"], r["ci_hi_changed"]
        if changed > n or bool(lo) != (changed > 1) or (lo and not float(lo) <= float(r["delta_changed"]) <= float(hi)):
            wrong.append(f"{at}[{position}]: n {n}, n_changed {changed}, interval [{lo}, {hi}]")
    sites = {at.split("@")[0] for _, at in rows}
    figures = {f"artifacts/patch_map_{site}.{kind}" for site in sites for kind in ("svg", "png")}
    listed = {f["path"] for f in json.loads((folder / "manifest.json").read_text())["files"]}
    check("each_site_has_its_map_as_figures", [f"no {f}" for f in sorted(figures - listed)])
    check("changed_rows_are_among_the_rows_and_have_their_interval", wrong)


def ablations() -> None:
    kinds = GOLDEN["ablate"]
    heads = sorted({h for cells in kinds.values() for heads in cells.values() for h in heads})
    wrong: dict[str, list[str]] = {k: [] for k in kinds}
    for position in GOLDEN["positions"]:
        folder = run("--ablate", ",".join(kinds), "--positions", position, "--heads", ",".join(heads))
        found = {(r["ablate"], f"{r['layer']}:{r['head']}"): r for r in table(folder, "head_impact")}
        for kind, cells in kinds.items():
            for head, cell in cells[position].items():
                wrong[kind] += compare(f"{head} at {position}", found[kind, head], cell)
        if json.loads((folder / "config.json").read_text())["positions"] != position:
            wrong["zero"].append(f"config.json does not say {position}")
    for kind, lines in wrong.items():
        check(f"ablation_by_{kind}_at_positions_is_the_oracles", lines)


def screen_of(*arguments: str) -> list[str]:
    """The screen of a run that is done, in a terminal of 200 x 50."""
    tmux = ["tmux", "-L", f"abltui-positions-{os.getpid()}", "-f", "/dev/null"]
    command = [*tmux, "new-session", "-d", "-x", "200", "-y", "50", "env", f"ABLTUI_DATA={Path('data').resolve()}", "LC_ALL=C.UTF-8",
               "TERM=screen-256color", PROGRAM, "--data", str(FIXTURES / "rows.jsonl"), "--boot", "50", "--device", "cpu", *arguments]
    subprocess.run(command, check=True)
    subprocess.run([*tmux, "send-keys", "1", "Z"], check=True)  # the map alone
    lines: list[str] = []
    for _ in range(1200):  # a minute
        time.sleep(0.05)
        lines = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout.splitlines()
        if any(re.search(r"done \d+ variants", line) for line in lines):
            break
    subprocess.run([*tmux, "kill-server"], check=True)
    return lines


def on_screen() -> None:
    lines = screen_of("--experiment", "patch", "--patch-site", "resid_pre", "--positions", POSITIONS)
    found = {}
    for line in lines:
        row = re.match(r" *L(\d+) ([^│]*)", line)
        if row:
            found[row[1]] = row[2].replace("[", " ").replace("]", " ").split()
    expected: dict[str, list[str]] = {}
    for position in GOLDEN["positions"]:
        for at, cell in GOLDEN["patch"][position].items():
            if at.startswith("resid_pre@"):
                percent = round(100 * cell["recovery"]) if cell["recovery"] is not None else None
                expected.setdefault(at.split("@")[1], []).append("none" if percent is None else f"{percent:+d}%" if percent else "0%")
    wrong = [f"layer {i}: {found.get(i)}, expected {cells}" for i, cells in expected.items() if found.get(i) != cells]
    check("the_map_on_screen_is_the_oracles", wrong and wrong + lines)


with tempfile.TemporaryDirectory() as scratch:
    patches()
    ablations()
    on_screen()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
