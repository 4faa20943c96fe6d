#!/usr/bin/env python3
"""How long a user waits: the headless sweep of the bundled model, and the explorer's first heatmap cell.

    python3 bench/startup.py ./abltui [RUNS]

The sweep is timed as a whole process (start to exit) with --export, model and statistics and files included. For the first
cell the explorer runs on a pseudo-terminal of 160x50 cells; the clock starts before the process is made and stops when
the heatmap's first measured cell has been written to the terminal: the progress line counts at least one head as done, or all.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

from first_screen import report, seconds_until


def sweep(program: str, folder: str) -> float:
    start = time.perf_counter()
    subprocess.run([program, "--export", folder, "--data", "facts", "--device", "cpu", "--quiet"], check=True)
    return time.perf_counter() - start


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    folder = tempfile.mkdtemp()
    try:
        report("facts sweep, --export, whole process", [sweep(program, os.path.join(folder, "run")) for _ in range(runs)])
        report("explorer, first heatmap cell", [seconds_until(rb"[1-9][0-9]*/32|done 32 heads", program, ["--data", "facts", "--device", "cpu"]) for _ in range(runs)])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
