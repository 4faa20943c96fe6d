#!/usr/bin/env python3
"""Runs that are killed at random moments and go on: tests/cli/kills.py PROGRAM [KILLS] [SEED]

Each run is killed (SIGKILL) somewhere between its start and its end, gone on with, killed again, and so on, and at last
left to end. Its tables and JSON are then the bytes of the run that nobody disturbed; provenance.json tells of its
workers, and manifest.json of it, so that these two differ. What is run is heads, patches, partial restoration, sets,
whole answers, several conditions and a battery, on the cpu engine and, where there is one, on a software Vulkan device.
Prints a line a check.
"""
import os, random, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

program = os.path.realpath(sys.argv[1])
n_kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
env = {**os.environ, "ABLTUI_DATA": os.path.realpath(os.environ.get("ABLTUI_DATA", "data")), "OMP_WAIT_POLICY": "passive"}
CPU = ["--device", "cpu"]
RUNS = {
    "heads": [*CPU, "--data", "facts", "--mem", "1M"],
    "patch": [*CPU, "--experiment", "patch", "--patch-site", "z,resid_pre", "--positions=-1,-2", "--rows", "40", "--mem", "2M"],
    "partial": [*CPU, "--experiment", "partial", "--sets", "0:2+0:4+1:1;1:0+2:3", "--ablate", "mean", "--mem", "1M"],
    "sets": [*CPU, "--experiment", "sets", "--pairs", "0:0,1,2,3,4,5", "--controls", "2", "--ablate", "resample", "--rows", "60", "--mem", "1M"],
    "span": [*CPU, "--span", "full", "--rows", "40", "--layers", "0-1", "--mem", "1M"],
    "lens": [*CPU, "--experiment", "lens", "--rows", "40", "--mem", "1M"],
    "compat": [*CPU, "--compat", "tinylab", "--rows", "24", "--layers", "0-1", "--mem", "1M"],
    "conditions": [*CPU, "--data", "facts", "--data", "logic", "--rows", "60", "--layers", "0-1", "--mem", "1M"],
    "vulkan": ["--device", "vulkan", "--data", "facts", "--rows", "24", "--layers", "0-1", "--mem", "1M"],
    "vulkan_patch": ["--device", "vulkan", "--experiment", "patch", "--rows", "16", "--layers", "0-1", "--mem", "2M"],
}
# Equal whatever the memory and the threads: what is gone on with is cut otherwise.
OTHERWISE = [[], ["--threads", "1"], ["--mem", "700K"], ["--mem", "3M", "--threads", "2"]]


def command(name, to, resume=(), otherwise=()):
    words = list(RUNS[name])
    for k in range(0, len(otherwise), 2):
        if otherwise[k] in words:
            words[words.index(otherwise[k]) + 1] = otherwise[k + 1]
        else:
            words += otherwise[k:k + 2]
    return [program, *words, "--boot", "10", "--quiet", "--export", str(to), *resume]


def files(folder):
    """But for pictures, which a run is whole without: a kill between its tables and them leaves it so."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
            if p.is_file() and p.name not in ("provenance.json", "manifest.json", "impact_heatmap.svg", "impact_heatmap.png")}


def problem_of(name, folder, expected):
    if not (folder / "manifest.json").exists():
        return "there is no manifest"
    found = files(folder)
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            return f"{path} {'is other bytes' if path in expected and path in found else 'is there in one only'}"
    left = [p.name for p in folder.parent.iterdir() if p.name.startswith(".") or p.name.endswith(".old")]
    return f"left behind: {left}" if left else None


def run(words):
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=600)


def killed(words, after):
    """Whether it was still there to be killed."""
    p = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        p.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        return True


def main():
    box = Path(tempfile.mkdtemp())
    undisturbed, names = {}, []
    for name in RUNS:
        started = time.monotonic()
        done = run(command(name, box / "whole" / name) if (box / "whole").mkdir(exist_ok=True) is None else [])
        if done.returncode and name.startswith("vulkan"):
            print(f"[  SKIPPED ] kills_{name}: {done.stderr.strip()}")
            continue
        assert done.returncode == 0, done.stderr
        undisturbed[name] = files(box / "whole" / name), time.monotonic() - started
        names.append(name)
    kills, runs, failures = 0, 0, []
    while kills < n_kills:
        name = names[runs % len(names)]
        expected, seconds = undisturbed[name]
        to = box / f"{runs}" / name
        to.parent.mkdir()
        resume, moments = [], []
        for _ in range(rng.randint(1, 4)):
            moments.append(rng.uniform(0.02, 1.05 * seconds))
            kills += killed(command(name, to, resume, rng.choice(OTHERWISE)), moments[-1])
            resume = ["--resume"]
        last = run(command(name, to, resume))
        problem = f"status {last.returncode}: {last.stderr.strip()}" if last.returncode else problem_of(name, to, expected)
        if problem:
            failures.append(f"{name} killed after {', '.join(f'{m:.2f}' for m in moments)} s of {seconds:.2f}: {problem}")
        shutil.rmtree(to.parent)
        runs += 1
    for f in failures[:20]:
        print(f"    {f}")
    print(f"[  {'FAILED' if failures else 'PASSED'}  ] killed_runs_go_on: {kills} kills in {runs} runs, {len(failures)} not the same bytes")
    shutil.rmtree(box)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
