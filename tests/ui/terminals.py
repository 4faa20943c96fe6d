#!/usr/bin/env python3
"""The explorer on terminals that answer its questions at once, slowly, in pieces, wrongly or never:
python3 tests/ui/terminals.py PROGRAM
"""
import base64
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

PROGRAM = os.path.abspath(sys.argv[1])
QUESTION = b"\033P+q524742;5463\033\\"
KIND = b"\033[?62;22c"
GOOD = (b"\033]11;rgb:1111/1111/1111\033\\", b"\033P1$r48:2::1:2:3m\033\\", b"\033P1+r524742\033\\", b"\033[?2026;2$y", KIND)
passed = failed = 0


def check(name: str, ok: bool, why: str = "") -> None:
    global passed, failed
    print(f"[  {'PASSED' if ok else 'FAILED'}  ] {name}" + ("" if ok else f": {why}"))
    passed, failed = passed + ok, failed + (not ok)


class Terminal:
    """Runs the explorer; answer(written) gives the bytes to send for what it has just written."""

    def __init__(self, answer, term="xterm-256color", env={}, more=()):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        clean = {k: v for k, v in os.environ.items() if k not in ("TMUX", "STY", "COLORTERM", "NO_COLOR")}
        self.process = subprocess.Popen(
            [PROGRAM, "--device", "cpu", "--data", "facts", "--rows", "4", "--heads", "0:0,0:1,0:2", "--seed", "1", *more], stdin=self.slave,
            stdout=self.slave, stderr=self.slave, start_new_session=True, env={**clean, "TERM": term, **env},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.answer, self.written = answer, b""

    def send(self, text: bytes) -> None:
        os.write(self.master, text)

    def read(self, seconds: float, until: bytes = None) -> bool:
        """Go on until it has written something; True if it did."""
        end, start = time.monotonic() + seconds, len(self.written)
        while time.monotonic() < end:
            if until and until in self.written[start:]:
                return True
            if select.select([self.master], [], [], 0.02)[0]:
                try:
                    new = os.read(self.master, 65536)
                except OSError:
                    break
                self.written += new
                for reply in self.answer(new):
                    self.send(reply)
        return until is not None and until in self.written[start:]

    def leave(self, name: str) -> None:
        """q ends it; its terminal is as before, and nothing lies in wait for a shell."""
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        code = self.process.poll()
        if code is None:
            self.process.kill()
        self.read(0.3)
        check(f"{name}_leaves_with_status_0", code == 0, f"status {code}")
        after = termios.tcgetattr(self.slave)
        check(f"{name}_finds_its_settings_again", after == self.before, f"{after} was {self.before}")
        raw = termios.tcgetattr(self.slave)
        raw[3] &= ~(termios.ICANON | termios.ECHO)
        raw[6][termios.VMIN] = 0
        termios.tcsetattr(self.slave, termios.TCSANOW, raw)
        os.set_blocking(self.slave, False)
        try:
            left = os.read(self.slave, 4096)
        except BlockingIOError:
            left = b""
        check(f"{name}_leaves_no_bytes_behind", not left, repr(left))
        os.close(self.master)
        os.close(self.slave)


def never(_):
    return []


def at_once(written: bytes):
    return [b"".join(GOOD)] if b"\033[c" in written else []


def runs(name: str, answer, later=(), direct=None, term="xterm-256color", env={}, says=None) -> None:
    """A session: the run ends, what comes later is no key, ? opens help, q leaves."""
    t = Terminal(answer, term, env)
    check(f"{name}_shows_the_run", t.read(30, b"done"), repr(t.written[-300:]))
    t.send(b":")
    t.read(0.3)
    for reply in later:
        t.send(reply)
        t.read(0.02)
    t.read(0.7)
    said = [word for word in (b"rgb", b"524742", b"2026;", b"62;2", b"garbage") if word in t.written.replace(QUESTION, b"")]
    check(f"{name}_takes_no_answer_for_keys", not said, repr(said))
    t.send(b"\033")
    t.read(0.3)
    t.send(b"?")
    check(f"{name}_still_reads_keys", t.read(20, b"leave"), repr(t.written[-300:]))
    t.send(b"q")
    t.read(0.3)
    t.send(b"q")
    if direct is not None:
        found = b"48;2;" in t.written.replace(b"48;2;1;2;3m", b"")
        check(f"{name}_has_{'exact' if direct else '256'}_colours", found == direct and (direct or b"48;5;" in t.written))
    if says:
        check(f"{name}_says_so", says in t.written)
    t.leave(name)


def synchronised() -> None:
    t = Terminal(at_once)
    t.read(30, b"done")
    t.read(0.5)
    frames = t.written.count(b"\033[?2026h")
    check("frames_are_marked_where_the_terminal_knows_it", frames > 0 and frames == t.written.count(b"\033[?2026l"), str(frames))
    t.send(b"q")
    t.leave("a_terminal_with_frames")


def mouse_and_clipboard() -> None:
    """A click goes to the head under it, the wheel on from there, y hands both to the terminal."""
    t = Terminal(at_once)
    t.read(30, b"done")
    t.send(b"\033[<0;13;6M\033[<0;13;6m")
    t.read(0.3)
    t.send(b"y")
    check("y_copies_the_head_that_was_clicked_on", t.read(20, b"\033]52;c;" + base64.b64encode(b"0\t1\t")[:4]), repr(t.written[-300:]))
    t.send(b"\033[<65;13;6M")
    t.read(0.3)
    t.send(b"8y")
    check("y_copies_a_prompt", t.read(20, b"\033]52;c;" + base64.b64encode(b"You ask")[:8]), repr(t.written[-300:]))
    t.send(b"q")
    t.leave("a_terminal_with_a_mouse")
    t = Terminal(at_once, more=("--no-mouse",))
    t.read(30, b"done")
    check("no_mouse_asks_for_none", b"\033[?1006" not in t.written and b"\033[?1000" not in t.written)
    t.send(b"q")
    t.leave("a_terminal_without_a_mouse")


def leaves_early() -> None:
    """q before the answers, which come half a second later."""
    t = Terminal(never)
    t.read(20, b"\033[c")
    t.send(b"q")
    t.read(0.5)
    t.send(b"".join(GOOD))
    t.leave("a_terminal_that_is_left_before_it_answers")


def main() -> None:
    whole = b"".join(GOOD)
    runs("a_terminal_that_answers", at_once, direct=True)
    runs("a_terminal_that_never_answers", never, direct=False)
    runs("a_terminal_that_answers_late", never, later=(whole,), direct=False)
    runs("a_terminal_that_answers_in_pieces", never, later=[bytes([c]) for c in whole], direct=False)
    runs("a_terminal_that_never_ends_its_answer", never, later=(b"\033P1$rgarbage",), direct=False)
    runs("a_terminal_that_answers_wrongly", lambda w: [b"\033]11;rgb:zz\007\033P0$r\033\\\033P0+r\033\\" + KIND] if b"\033[c" in w else [],
         direct=False)
    runs("a_terminal_with_colorterm", never, direct=True, env={"COLORTERM": "truecolor"})
    runs("a_terminal_inside_tmux", lambda w: [KIND] if b"\033[c" in w else [], direct=False, term="screen-256color",
         env={"COLORTERM": "truecolor", "TMUX": "/tmp/none,1,0"})
    runs("a_terminal_without_an_entry", at_once, direct=True, term="xterm-kitty", says=b"no entry")
    synchronised()
    leaves_early()
    mouse_and_clipboard()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
