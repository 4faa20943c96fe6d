"""How long the explorer takes until a pattern is on its terminal, a pseudo-terminal of 160x50 cells; used by opening.py, startup.py."""
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import termios
import time


def seconds_until(pattern: bytes, program: str, arguments: list[str]) -> float:
    """The clock starts before the process is made. The terminal answers what it is asked, as terminals do: a mute one is waited for."""
    start = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execv(program, [program, *arguments])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    seen, found, answered = b"", None, False
    while found is None and time.perf_counter() - start < 10:
        if not select.select([fd], [], [], 1)[0]:
            continue
        seen += os.read(fd, 65536)
        if not answered and b"\x1b[c" in seen:
            answered = os.write(fd, b"\x1b[?62c")
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]", b"", seen)
        if re.search(pattern, text):
            found = time.perf_counter() - start
    os.kill(pid, signal.SIGINT)
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
    os.waitpid(pid, 0)
    if found is None:
        raise SystemExit("not shown within 10 s")
    return found


def report(name: str, times: list[float]) -> None:
    print(f"{name:34} median {statistics.median(times) * 1e3:6.0f} ms   min {min(times) * 1e3:6.0f} ms   "
          f"max {max(times) * 1e3:6.0f} ms   ({len(times)} runs)")
