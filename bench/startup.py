#!/usr/bin/env python3
"""How long a user waits: the headless sweep of the bundled model, and the explorer's first heatmap cell.

    python3 bench/startup.py ./abltui [RUNS]

The sweep is timed as a whole process (start to exit) with --export, model and statistics and files included. For the first
cell the explorer runs on a pseudo-terminal of 160x50 cells; the clock starts before the process is made and stops when
the heatmap's first measured cell has been written to the terminal: the progress line counts at least one head as done, or all.
"""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time


def sweep(program: str, folder: str) -> float:
    start = time.perf_counter()
    subprocess.run([program, "--export", folder, "--data", "facts", "--device", "cpu", "--quiet"], check=True)
    return time.perf_counter() - start


def first_cell(program: str) -> float:
    start = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execv(program, [program, "--data", "facts", "--device", "cpu"])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    seen, found = b"", None
    while found is None and time.perf_counter() - start < 10:
        if not select.select([fd], [], [], 1)[0]:
            continue
        seen += os.read(fd, 65536)
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]", b"", seen)
        if re.search(rb"[1-9][0-9]*/32|done 32 heads", text):
            found = time.perf_counter() - start
    os.kill(pid, signal.SIGINT)
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
    os.waitpid(pid, 0)
    if found is None:
        raise SystemExit("no cell within 10 s")
    return found


def report(name: str, times: list[float]) -> None:
    print(f"{name:34} median {statistics.median(times) * 1e3:6.0f} ms   min {min(times) * 1e3:6.0f} ms   "
          f"max {max(times) * 1e3:6.0f} ms   ({len(times)} runs)")


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    folder = tempfile.mkdtemp()
    try:
        report("facts sweep, --export, whole process", [sweep(program, os.path.join(folder, "run")) for _ in range(runs)])
        report("explorer, first heatmap cell", [first_cell(program) for _ in range(runs)])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
