#!/usr/bin/env python3
"""What the explorer costs over ssh: bytes and waiting, with exact colours and with 256, inside tmux and outside.

    python3 bench/ssh.py ./abltui [ROUND_TRIP_MS]

Starts an sshd of its own on loopback, with keys and configuration in a scratch folder, behind a relay that holds every byte
for half of the round trip (default 80 ms) in either direction. A client runs the explorer on a terminal of 120x40; the model
has 12x12 heads with random weights. Counted is what arrives at the client: until the whole map stands, and for each of 20
keys that move the cursor, one a second. Key to screen is the time from a key to the first byte of what it changes.
"""
import fcntl
import os
import pty
import select
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

ANSWERS = {b"\033P$qm\033\\": b"\033P1$r48:2::1:2:3m\033\\", b"\033[c": b"\033[?62;22c"}
KEYS, WIDTH, HEIGHT = 20, 120, 40


def pump(source, sink, delay: float) -> None:
    """Hand bytes on, each block `delay` seconds after it came."""
    queue, more = [], threading.Condition()

    def sender() -> None:
        while True:
            with more:
                while not queue:
                    more.wait()
                due, block = queue.pop(0)
            time.sleep(max(0, due - time.monotonic()))
            try:
                sink.sendall(block) if block else sink.shutdown(socket.SHUT_WR)
            except OSError:
                return
            if not block:
                return

    threading.Thread(target=sender, daemon=True).start()
    while True:
        try:
            block = source.recv(65536)
        except OSError:
            block = b""
        with more:
            queue.append((time.monotonic() + delay, block))
            more.notify()
        if not block:
            return


def relay(target: int, delay: float) -> int:
    """A port that leads to the target, later."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            a, _ = server.accept()
            b = socket.create_connection(("127.0.0.1", target))
            for s in (a, b):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for x, y in ((a, b), (b, a)):
                threading.Thread(target=pump, args=(x, y, delay), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def start_sshd(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    os.makedirs("/run/sshd", exist_ok=True)
    (folder / "config").write_text(f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
                                   "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\nPrintMotd no\n")
    sshd = subprocess.Popen([shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"), "-D", "-f", str(folder / "config")])
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return sshd, port
        except OSError:
            time.sleep(0.05)
    raise SystemExit("sshd does not listen")


class Session:
    def __init__(self, folder: Path, port: int, command: str, exact: bool):
        self.exact, self.bytes, self.first = exact, 0, None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color")
            os.execvp("ssh", ["ssh", "-tt", "-q", "-p", str(port), "-i", str(folder / "user"), "-o", "StrictHostKeyChecking=no", "-o",
                              f"UserKnownHostsFile={folder}/known", "-o", "IdentitiesOnly=yes", "-F", "none", "127.0.0.1", command])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.text = b""

    def read(self, seconds: float, until: bytes = None) -> float:
        """Seconds until the first byte; counts bytes and answers questions."""
        start, first = time.monotonic(), None
        seen = b""
        while time.monotonic() - start < seconds and not (until and until in seen):
            if not select.select([self.fd], [], [], 0.01)[0]:
                continue
            try:
                new = os.read(self.fd, 65536)
            except OSError:
                break
            first = first if first is not None else time.monotonic() - start
            self.bytes += len(new)
            seen += new
            for question, answer in ANSWERS.items():
                if self.exact and question in new:
                    os.write(self.fd, answer)
        self.text += seen
        return first

    def end(self) -> None:
        os.write(self.fd, b"q")
        self.read(3)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def measure(folder: Path, port: int, program: str, exact: bool, tmux: bool) -> tuple:
    run = f"LC_ALL=C.UTF-8 ABLTUI_DATA={os.path.abspath('data')} {program} --device cpu --model {folder}/model --data facts --rows 4 --seed 1"
    command = f"tmux -L {folder.name} -f /dev/null new-session 'env {run}'" if tmux else f"env {run}"
    s = Session(folder, port, command, exact)
    s.read(60, b"done")
    s.read(2)
    if b"done" not in s.text:
        raise SystemExit(f"no map: {s.text[-500:]!r}")
    map_bytes = s.bytes
    os.write(s.fd, b"g0")  # from the first head on every key moves
    s.read(2)
    before, waits = s.bytes, []
    for i in range(KEYS):
        os.write(s.fd, b"j" if i % 2 == 0 else b"l")
        waits.append(1000 * s.read(1))
    exactly = b"48;2;" in s.text.replace(b"48;2;1;2;3m", b"") or b"48:2" in s.text
    key_bytes = (s.bytes - before) / KEYS
    s.end()
    return map_bytes, key_bytes, statistics.median(waits), max(waits), exactly


def main() -> None:
    program, round_trip = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 80
    with tempfile.TemporaryDirectory(prefix="ssh-bench-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, "tools/wide_model.py", "12", "12", str(folder / "model")], check=True)
        sshd, port = start_sshd(folder)
        try:
            slow = relay(port, round_trip / 2000)
            print("| | kB to the whole map | kB a key | key to screen, median ms | largest | colours |\n|---|---|---|---|---|---|")
            for tmux in (False, True):
                for exact in (False, True):
                    m, k, median, largest, exactly = measure(folder, slow, program, exact, tmux)
                    print(f"| {'in tmux' if tmux else 'alone'}, terminal {'answers' if exact else 'is silent'} | {m / 1000:.1f} | {k / 1000:.2f} | {median:.0f} | "
                          f"{largest:.0f} | {'exact' if exactly else '256'} |", flush=True)
        finally:
            sshd.terminate()


if __name__ == "__main__":
    main()
