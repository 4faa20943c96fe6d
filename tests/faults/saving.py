#!/usr/bin/env python3
"""File calls fail while a run is saved: tests/faults/saving.py headless|explorer PROGRAM FAILING_FILES.so [EVERY]

One call after the other fails, in each of several ways: with an error that stays or one that passes, or the process is
killed there. Whatever fails, the run is whole afterwards, in its place or where the program says, or goes on from its
journal (status 75, or killed); what was there before is whole until then, there or as .old; no folder with a manifest lacks a file of its list or has another; and the next run leaves nothing
that is hidden. EVERY: only every so many faults are tried (default 1: all). Prints a line a check.
"""
import ctypes, hashlib, json, mmap, os, re, shutil, subprocess, sys, tempfile, time, errno
from pathlib import Path

mode, program, shim = sys.argv[1], os.path.realpath(sys.argv[2]), os.path.realpath(sys.argv[3])
every = int(sys.argv[4]) if len(sys.argv) > 4 else 1
data = os.environ.get("ABLTUI_DATA", "data")
RUN = ["--device", "cpu", "--rows", "2", "--heads", "0:0,0:1", "--boot", "10", "--seed", "1", "--threads", "1"]
KILLED = -1
# errno, and whether all later calls fail as well
WAYS = [(errno.ENOSPC, False), (errno.ENOSPC, True), (errno.EIO, False), (errno.EACCES, False), (errno.EROFS, True),
        (errno.EFBIG, False), (errno.EMFILE, False), (errno.ENOMEM, False)]


class Control(ctypes.Structure):
    _fields_ = [(n, ctypes.c_int32) for n in ("count", "fail", "error", "sticky", "hits", "draw")] + [("first", ctypes.c_char * 64)]


root = Path(os.path.realpath(tempfile.mkdtemp()))
(root / "control").write_bytes(bytes(ctypes.sizeof(Control)))
with open(root / "control", "r+b") as f:
    shared = mmap.mmap(f.fileno(), 0)
control = Control.from_buffer(shared)
failures, done = [], 0


def arm(fail=0, error=0, sticky=False, draw=0):
    control.count = control.hits = 0
    control.fail, control.error, control.sticky, control.draw = fail, error, sticky, draw


def environment(home):
    return {**os.environ, "LD_PRELOAD": shim, "FAILING_FILES": f"{root}/control:/watched", "ABLTUI_DATA": os.path.realpath(data),
            "HOME": str(home), "TMPDIR": str(home / "tmp"), "PWD": str(home), "OMP_WAIT_POLICY": "passive", "LC_ALL": "C.UTF-8"}


def passing(name):
    """Known for the program's own while it writes; the next run over it takes it along."""
    return name == ".abltui-writing" or re.search(r"\.tmp-[0-9a-f]+$", name)


def what_is_wrong(folder):
    """Why a run directory is not whole; None where it is."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError) as e:
        return f"{folder}: no manifest: {e}"
    listed = {f["path"]: f for f in manifest["files"]}
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and not passing(p.name)} - {"manifest.json"}
    lacks = {f["path"] for f in manifest["lacks"]}
    if not set(listed) <= there:
        return f"{folder}: lacks {set(listed) - there}"
    # a picture that came when the list could not be renewed
    if there - set(listed) - lacks:
        return f"{folder}: has {there - set(listed)} besides"
    for path, f in listed.items():
        if f["sha256"] and hashlib.sha256((folder / path).read_bytes()).hexdigest() != f["sha256"]:
            return f"{folder}: {path} is not what the manifest says"
    return None


def lacks(folder):
    return folder and json.loads((folder / "manifest.json").read_text())["lacks"]


def tables(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
            if p.is_file() and p.parent.name != "artifacts" and p.name not in ("manifest.json", "provenance.json") and not passing(p.name)}


def goes_on(folder):
    """Whether it is a run that is under way, and holds nothing else."""
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    return "journal.jsonl" in names and "manifest.json" not in names and not any(p.is_dir() for p in folder.iterdir())


def runs_in(*places):
    """Everything that can be seen and looks like a run, whole or not, but for what is under way."""
    return [d for place in places if place.is_dir() for d in place.iterdir()
            if d.is_dir() and not d.name.startswith(".") and d.name != "tmp" and any(d.iterdir()) and not goes_on(d)]


def hidden_in(*places):
    return [d for place in places if place.is_dir() for d in place.iterdir() if d.name.startswith(".") or d.name.endswith(".old")]


def earlier_and_new(places, expected, earlier):
    """(problem, where the new run is)"""
    found = None
    for run in runs_in(*places):
        wrong = what_is_wrong(run)
        if wrong:
            return wrong, None
        if tables(run) == expected:
            found = run
        elif tables(run) != earlier:
            return f"{run}: tables are neither those of this run nor of the earlier one", None
    return None, found


def check(name, problem):
    global done
    done += 1
    if problem:
        failures.append(f"{name}: {problem}")


def export(to, home, *more):
    return subprocess.run([program, *RUN, "--export", str(to), *more], cwd=home, env=environment(home),
                          capture_output=True, text=True, timeout=120)


def fresh(number):
    """A folder that is watched, and a home that is not; an earlier run is in the place every other time."""
    box = root / f"box{number}"
    (box / "watched").mkdir(parents=True)
    (box / "home" / "tmp").mkdir(parents=True)
    return box, box / "watched", box / "home"


def model_runs():
    arm()
    box, watched, home = fresh("-model")
    assert export(watched / "one", home).returncode == 0
    count = control.count
    assert export(watched / "two", home, "--ablate", "mean").returncode == 0
    assert export(watched / "two", home).returncode == 0  # over an earlier one
    return tables(watched / "one"), count


def headless():
    expected, n_calls = model_runs()
    arm()
    box, watched, home = fresh("-earlier")
    subprocess.run([program, *RUN, "--quiet", "--ablate", "mean", "--export", str(box / "mean")], cwd=home, env=environment(home), check=True)
    earlier = tables(box / "mean")
    number = 0
    for n in range(1, n_calls + 20):  # more calls where something was in the place
        for error, sticky in [*WAYS, (KILLED, False)]:
            number += 1
            if number % every:
                continue
            box, watched, home = fresh(number)
            if n % 2:
                shutil.copytree(root / "box-earlier" / "mean", watched / "out")
            arm(n, error, sticky)
            run = export(watched / "out", home)
            hits, first = control.hits, control.first.decode()
            if not hits:
                shutil.rmtree(box)
                continue
            name = f"call {n} ({first}) {'killed' if error == KILLED else errno.errorcode[error]}{' and all later' if sticky else ''}"
            check(name, headless_problem(run, error, watched, home, expected, earlier if n % 2 else None))
            shutil.rmtree(box)


def headless_problem(run, error, watched, home, expected, earlier):
    places = (watched, home, home / "tmp")
    problem, found = earlier_and_new(places, expected, earlier)
    if problem:
        return problem
    out = watched / "out"
    if error != KILLED:
        if run.returncode not in (0, 1, 2, 75):
            return f"status {run.returncode}: {run.stderr}"
        if run.returncode == 75 and not goes_on(out):
            return f"nothing can go on: {run.stderr}"
        # else it was refused before anything was computed, or its first batch could not be kept
        if not found and not goes_on(out) and "intact ld" in run.stderr and "journal.bin" not in run.stderr:
            return f"the run is lost: {run.stderr}"
        if found and found != out and str(found) not in run.stderr and found.name not in run.stderr:
            return f"nothing says that the run is in {found}: {run.stderr}"
        told = [line for line in run.stderr.splitlines() if line.startswith(("warning: ", "abltui: "))]
        if bool(told) != (run.returncode != 0 or bool(lacks(found))) or len(told) > 2:
            return f"status {run.returncode} and {len(told)} lines: {run.stderr}"
    if earlier and not (found or any(tables(r) == earlier for r in runs_in(watched))):
        return "the earlier run is lost"
    arm()
    again = export(out, home, *(["--resume"] if goes_on(out) else []))
    if again.returncode:
        return f"the next run fails: {again.stderr}"
    if hidden_in(*places):
        return f"left behind: {hidden_in(*places)}"
    problem, found = earlier_and_new(places, expected, earlier)
    return problem or (None if found else "the next run is not there")


def tmux(*words):
    return subprocess.run(["tmux", "-L", f"saving-{os.getpid()}", "-f", "/dev/null", *words], capture_output=True, text=True).stdout


def screen():
    return tmux("capture-pane", "-p", "-J", "-t", "s")


def shows(pattern, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = re.search(pattern, screen())
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"never showed {pattern}:\n{screen()}")


def typed(line):
    tmux("send-keys", "-t", "s", "e")
    shows("export into folder")
    tmux("send-keys", "-t", "s", "C-u")
    tmux("send-keys", "-t", "s", "-l", line)
    tmux("send-keys", "-t", "s", "Enter")


def save_as(name):
    """What the screen says of it."""
    typed(f"../watched/{name}")
    return shows(rf"(exported|whole in|cannot|lacks|finished run)[^\n]*{name}|{name}[^\n]*(whole|cannot|lacks|is a file)[^\n]*")


def explorer():
    n_calls = model_runs()[1]
    arm()
    box, watched, home = fresh("-explorer")
    env = environment(home)
    tmux("new-session", "-d", "-s", "s", "-x", "230", "-y", "50", "-c", str(home),
         *(w for k, v in env.items() if k in ("LD_PRELOAD", "FAILING_FILES", "ABLTUI_DATA", "HOME", "TMPDIR", "LC_ALL") for w in ("-e", f"{k}={v}")),
         "env", "TERM=screen-256color", program, *RUN)
    try:
        shows("done 2 heads")
        save_as("model")
        expected = tables(watched / "model")
        number = 0
        for n in range(1, n_calls + 20):
            for error, sticky in WAYS:
                number += 1
                if number % every:
                    continue
                arm(n, error, sticky)
                said = save_as(f"x{number}")
                time.sleep(0.02)
                hits, first = control.hits, control.first.decode()
                if not hits:
                    continue
                name = f"call {n} ({first}) {errno.errorcode[error]}{' and all later' if sticky else ''}"
                check(name, explorer_problem(said, number, watched, home, expected))
        drawing_goes_wrong(home, expected)
    finally:
        tmux("kill-server")


def drawing_goes_wrong(home, expected):
    """A crash, a hang or a lack of memory in fonts ends neither the session nor the tables."""
    for draw, name in (1, "crash"), (2, "hang"), (3, "no memory"):
        arm(draw=draw)
        tmux("send-keys", "-t", "s", "-l", f":screenshot shot{draw}.svg")
        tmux("send-keys", "-t", "s", "Enter")
        shows("the screen cannot be drawn: (it took longer|the process for it ended by signal)")
        check(f"{name} in a screenshot", "it is there" if (home / f"shot{draw}.svg").exists() else None)
        save_as(f"drawn{draw}")
        run = home / "../watched" / f"drawn{draw}"
        check(f"{name} in a picture", what_is_wrong(run) or (None if tables(run) == expected and len(lacks(run)) == 2 else "not as expected"))
    arm()
    tmux("send-keys", "-t", "s", "-l", ":screenshot shot.svg")
    tmux("send-keys", "-t", "s", "Enter")
    shows("screenshot in shot.svg")
    check("the next screenshot", None if (home / "shot.svg").stat().st_size else "it is empty")


def explorer_problem(said, number, watched, home, expected):
    places = (watched, home, home / "tmp")
    arm()
    problem, found = earlier_and_new(places, expected, None)
    if problem:
        return problem
    if not found and "is a file" not in said.group() and "cannot" not in said.group():
        return f"the run is lost: {said.group()}"
    said = save_as(f"y{number}")
    if hidden_in(*places):
        return f"left behind: {hidden_in(*places)}"
    problem = what_is_wrong(watched / f"y{number}")
    for run in runs_in(*places):
        shutil.rmtree(run)
    return problem


def main():
    try:
        {"headless": headless, "explorer": explorer}[mode]()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for f in failures[:20]:
        print(f"    {f}")
    print(f"[  {'FAILED' if failures else 'PASSED'}  ] {mode}_saves_whatever_fails: {done} faults, {len(failures)} not stood")
    sys.exit(bool(failures) or not done)


if __name__ == "__main__":
    main()
