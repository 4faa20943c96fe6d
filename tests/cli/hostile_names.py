"""Names and files that would tamper with a terminal, through every command and pane:

    python3 tests/cli/hostile_names.py PROGRAM [PART…]    (parts are functions below: plant, reads, …; all where none is named)

tools/make_hostile.py makes them. On standard output, standard error and the screen there is no byte below 0x20 but line end
and tab, no DEL, no C1, nothing that turns the direction of writing, nothing without width that cannot be seen, and no byte
that is no UTF-8; but for what is ours: "\\r" and "ESC [ K" of a line of progress, and curses' own sequences. Prints a line
a check; exit status 0 only if all pass.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, "tools")
import make_hostile as hostile  # noqa: E402

PROGRAM = os.path.realpath(sys.argv[1])
NAME, SOUND, TEXT, SHORT, RAW = hostile.NAME, hostile.SOUND_NAME, hostile.TEXT, hostile.SHORT, os.fsdecode(hostile.RAW)
WORD = f"W{SHORT}{RAW}\n\x07"  # of an option
# As DerivedCoreProperties.txt lists Default_Ignorable_Code_Point beyond what Python calls Cf.
IGNORABLE = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)}
IGNORABLE |= {*range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
passed = failed = 0


def foreign(data: bytes, ours: str = "") -> list[str]:
    """What of this no terminal may get. ours: an expression for what the program sends itself."""
    found = []
    text = data.decode("utf-8", "surrogateescape")
    if ours:
        text = re.sub(ours, "", text)
    for at, c in enumerate(text):
        code = ord(c)
        hidden = unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or code in IGNORABLE
        if hidden and c not in "\n\t":
            found.append(f"U+{code:04X} at {at}: {text[max(0, at - 20) : at + 12]!r}")
    return found


def told(name: str, faults: list[str]) -> None:
    global passed, failed
    if faults:
        failed += 1
        print(f"[  FAILED  ] {name}")
        for fault in faults[:6]:
            print(f"    {fault.encode('ascii', 'backslashreplace').decode()}")
    else:
        passed += 1
        print(f"[  PASSED  ] {name}")
    sys.stdout.flush()


def outcome(out: bytes, err: bytes, status: int, shows: bool, ours: str = "") -> list[str]:
    faults = [f"standard output: {f}" for f in foreign(out, ours)] + [f"standard error: {f}" for f in foreign(err, ours)]
    if re.search(rb"^(error: )?FORGED", out + b"\n" + err, re.M):
        faults.append("a line is forged by a name")
    if status < 0 or status > 128:
        faults.append(f"ended by signal {status}: {err[-300:]!r}")
    # Not a test of anything where the name is not printed at all.
    if shows and not re.search(rb"\\u001b|<0x9B>|\\u202e", out + err):
        faults.append(f"no hostile text was printed, status {status}: {(out + err)[-300:]!r}")
    return faults


def environment(extra: dict[str, str]) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "VK_", "XDG_"))}
    return {**env, "LC_ALL": "C.UTF-8", "HOME": os.getcwd(), "HF_HUB_CACHE": os.path.realpath("hub"), **extra}


def command(name: str, *args: str, shows: bool = True, program: str = PROGRAM, env: dict[str, str] = {}) -> list[str]:
    """Run it with pipes, and tell."""
    run = subprocess.run([program, *args], env=environment(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    faults = outcome(run.stdout, run.stderr, run.returncode, shows)
    if program == PROGRAM:
        told(name, faults)
    if "--json" in args and run.returncode == 0:
        try:
            json.loads(run.stdout)
        except ValueError as problem:
            told(f"{name}_is_json", [str(problem)])
    return faults


def on_a_terminal(name: str, *args: str, shows: bool = True, locale: str = "C.UTF-8") -> None:
    """The same with a terminal as output and error, where progress is shown."""
    main, side = pty.openpty()
    run = subprocess.Popen([PROGRAM, *args], env=environment({"LC_ALL": locale}), stdin=subprocess.DEVNULL, stdout=side, stderr=side)
    os.close(side)
    out = b""
    while True:
        try:
            block = os.read(main, 65536)
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            block = b""
        if not block:
            break
        out += block
    os.close(main)
    faults = outcome(out, b"", run.wait(), shows, "\r|\x1b\\[K")
    if locale == "C":
        faults += [f"beyond ASCII: {m.group()!r}" for m in re.finditer(rb"[\x80-\xff]+", out)]
    told(name, faults)


def plant() -> None:
    """That each kind is seen where a program prints it raw, and that a name which is not printed is no test."""
    for kind, mark in {**hostile.MARKS, "raw": RAW}.items():
        faults = command("", "-c", 'printf "%s \\\\u001b" "$1"', "sh", f"a{mark}b", program="/bin/sh")
        told(f"a_planted_{kind}_is_seen", [] if faults else ["it passed"])
    told("a_run_that_prints_no_name_is_seen", [] if command("", "-c", "echo nothing", program="/bin/sh") else ["it passed"])
    told("what_is_readable_passes", command("", "-c", 'printf "%s\\n" "\\u001b caf\u00e9"', program="/bin/sh"))


MODEL, DATA = f"model/{NAME}", f"data/{NAME}.jsonl"
HERE = ("--model", MODEL, "--data", DATA, "--device", "cpu")


def reads() -> None:
    """Commands that run nothing."""
    command("help_with_a_hostile_word", "--help", WORD)
    command("an_unknown_command", WORD)
    command("an_unknown_option", f"--{WORD}")
    command("a_near_option", f"--modell={WORD}", shows=False)
    for option in "split", "rows", "experiment", "heads", "layers", "bos", "like", "metric", "seed", "device", "precision", "mem":
        command(f"a_word_for_{option}", "--export", "out", "--model", MODEL, "--data", DATA, f"--{option}", WORD)
    for option in "sets", "restore", "positions", "patch-site", "direction", "ablate":
        experiment = {"sets": ["sets"], "restore": ["partial", "--sets", "0:2"], "ablate": ["heads"]}.get(option, ["patch"])
        command(f"a_word_for_{option}", "--export", "out", "--experiment", *experiment, f"--{option}", WORD, "--model", MODEL, "--data", DATA)
    command("heads_of_a_file", "--export", "out", *HERE, "--heads", f"@{NAME}")
    command("a_source", "ov", "--kind", "circuit", "--source", WORD, *HERE)
    command("models", "models")
    command("models_as_json", "models", "--json")
    command("models_elsewhere", "models", env={"HF_HUB_CACHE": f"/nowhere/{NAME}"})
    command("devices", "devices", shows=False)
    command("devices_as_json", "devices", "--json", shows=False)
    command("a_device_by_name", "--export", "out", "--device", f"vulkan:{WORD}")
    command("version", "--version", shows=False)
    command("check", "check", DATA, "--model", MODEL)
    command("check_as_json", "check", DATA, "--model", MODEL, "--json")
    command("check_of_bad_rows", "check", f"data/bad-{NAME}.jsonl", "--model", MODEL)
    command("check_of_bad_rows_as_json", "check", f"data/bad-{NAME}.jsonl", "--model", MODEL, "--json", "--skip-bad")
    command("check_of_bad_rows_without_them", "check", f"data/bad-{NAME}.jsonl", "--model", MODEL, "--skip-bad")
    command("check_of_no_json", "check", f"data/json-{NAME}.jsonl", "--model", MODEL)
    command("check_of_no_file", "check", f"data/none-{NAME}.jsonl", "--model", MODEL)
    command("check_of_tokenizers", "check", DATA, "--tokenizer", MODEL, "--tokenizer", f"model/{SOUND}")
    command("check_of_tokenizers_as_json", "check", DATA, "--tokenizer", MODEL, "--json")
    command("variants", "variants", DATA, "--tokenizer", MODEL, "--out", f"made-{NAME}", "--suffix", "x")
    command("variants_of_bad_rows", "variants", f"data/bad-{NAME}.jsonl", "--tokenizer", MODEL, "--out", f"made-{NAME}")
    command("variants_as_json", "variants", DATA, "--tokenizer", MODEL, "--json", "--dry-run")
    command("variants_by_a_hostile_suffix", "variants", DATA, "--tokenizer", MODEL, "--suffix", WORD)
    command("variants_into_a_file", "variants", DATA, "--tokenizer", MODEL, "--out", DATA)
    quiet = "config_json", "tensor_name"  # refused without a word of them
    for kind in sorted(os.listdir("damaged")):
        command(f"a_model_with_a_hostile_{kind.split('-MARK')[0]}", "check", DATA, "--model", f"damaged/{kind}", shows=kind not in quiet)
    for kind in "tensor_dtype", "tensor_key", "prefix", "index", "dtype", "number":
        command(f"weights_with_a_hostile_{kind}", "--export", "out", "--model", f"damaged/{kind}", "--data", DATA, "--device", "cpu")
    for name in f"org/{NAME}", f"org/sound-{SOUND}", f"{SHORT}/damaged", "org/lost", f"org/sound-{SOUND}@{SHORT}":
        command(f"a_model_of_the_cache_{len(name)}", "check", DATA, "--model", name, shows=True)


def runs() -> None:
    """Commands that run a model."""
    few = ("--rows", "6", "--seed", "1", "--boot", "20")
    some = (*HERE, *few, "--heads", "0:0,3:1")
    command("dry_run", *HERE, "--dry-run")
    command("dry_run_as_json", *HERE, "--dry-run", "--json")
    command("export", "--export", f"out-{NAME}", *some)
    command("export_again", "--export", f"out-{NAME}", *some)
    command("export_on_standard_output", "--export", "-", *some)
    command("export_into_a_file", "--export", f"{DATA}/out", *some)
    command("export_of_two", "--export", f"two-{NAME}", *some, "--data", f"data/{SOUND}.jsonl")
    command("export_with_a_profile", "--export", "profiled", "--profile", *some)
    command("export_of_bad_rows", "--export", "bad", "--model", MODEL, "--data", f"data/bad-{NAME}.jsonl", "--device", "cpu")
    command("patch", "--export", "-", "--experiment", "patch", *HERE, *few)
    command("partial", "--export", "-", "--experiment", "partial", "--sets", "0:0+3:1", *HERE, *few)
    command("lens", "--export", "-", "--experiment", "lens", *HERE, *few)
    command("attn", "--export", "-", "--experiment", "attn", *some)
    command("compat", "--export", "compat", "--compat", "tinylab", *some)
    command("whole_answers", "--export", "-", "--span", "full", *some)
    command("screenshot_elsewhere", "--screenshot", f"nowhere-{NAME}/x.txt", *some)
    command("screenshot_of_no_kind", "--screenshot", f"x-{NAME}", *some)
    command("screenshot", "--screenshot", f"shot-{NAME}.txt", *some, shows=False)
    told("a_screenshot_as_text", foreign(Path(f"shot-{NAME}.txt").read_bytes()))
    command("verify", "verify", *HERE, "--rows", "2", shows=False)
    command("verify_as_json", "verify", *HERE, "--rows", "2", "--json", shows=False)
    two = (*HERE, "--rows", "6", "--heads", "0:0,3:1")
    command("ov", "ov", *two)
    command("ov_as_json", "ov", *two, "--json")
    command("ov_circuit", "ov", "--kind", "circuit", *two)
    command("ov_report", "ov", *two, "--export", f"ov-{NAME}")
    report = next(Path(f"ov-{NAME}").rglob("ov_report.json"))
    shutil.copy(report, f"report-{NAME}.json")
    command("cluster", "cluster", f"report-{NAME}.json")
    command("cluster_of_no_report", "cluster", f"reports/{NAME}.json", f"reports/none-{NAME}.json")
    command("cluster_of_a_hostile_report", "cluster", f"reports/{NAME}.json")
    command("cluster_of_a_hostile_schema", "cluster", f"reports/schema-{NAME}.json")
    command("compare", "compare", f"report-{NAME}.json", f"report-{NAME}.json")
    command("compare_of_hostile_reports", "compare", f"reports/{NAME}.json", f"reports/other-{NAME}.json")
    command("compare_into_a_file", "compare", f"report-{NAME}.json", f"report-{NAME}.json", "--out", f"{DATA}/x")
    command("run", "run", f"runs/{NAME}.json", "--device", "cpu", "--boot", "20", "--export", f"ran-{NAME}")
    command("run_of_two", "run", f"runs/two-{NAME}.json", "--device", "cpu", "--boot", "20", "--export", f"ran-two-{NAME}")
    command("run_dry", "run", f"runs/{NAME}.json", "--device", "cpu", "--dry-run")
    for kind in "battery", "type", "model", "data", "tag", "twice", "device", "split", "metric", "json", "none":
        command(f"run_of_a_hostile_{kind}", "run", f"runs/{kind}-{NAME}.json", "--boot", "20", "--export", f"kind-{kind}")
    command("run_of_several", "run", f"runs/type-{NAME}.json", f"runs/data-{NAME}.json", "--export", f"several-{NAME}")
    children = sorted(str(p.parent) for p in Path(f"two-{NAME}").rglob("manifest.json") if p.parent != Path(f"two-{NAME}"))
    command("rebuild", "rebuild", *children, "--export", f"joined-{NAME}")
    command("lab_tables", "lab-tables", f"ran-{NAME}", f"ran-two-{NAME}", "--out", f"lab-{NAME}")
    command("lab_tables_of_no_run", "lab-tables", f"none-{NAME}", "--out", f"lab-{NAME}")
    command("lab_tables_without_duckdb", "lab-tables", f"ran-{NAME}", "--out", f"lab2-{NAME}", env={"PATH": "/nowhere"})
    command("rebuild_of_no_run", "rebuild", f"none-{NAME}", f"data-{NAME}", "--export", "joined")
    on_a_terminal("export_on_a_terminal", "--export", f"tty-{NAME}", *some)
    on_a_terminal("check_on_a_terminal", "check", f"data/bad-{NAME}.jsonl", "--model", MODEL)
    on_a_terminal("models_on_a_terminal", "models")
    on_a_terminal("check_on_a_terminal_without_utf8", "check", f"data/bad-{NAME}.jsonl", "--model", MODEL, locale="C")
    on_a_terminal("json_on_a_terminal_without_utf8", "check", DATA, "--model", MODEL, "--json", locale="C")


def variables() -> None:
    """What the environment says."""
    export = ("--export", "out", "--data", DATA, "--rows", "2")
    command("a_hostile_data_folder", *export, env={"ABLTUI_DATA": WORD})
    command("a_hostile_data_folder_for_models", "models", env={"ABLTUI_DATA": WORD})
    command("a_cache_that_cannot_be", "pull", "org/x", "--endpoint", "http://127.0.0.1:1", env={"HF_HUB_CACHE": f"{DATA}/x"}, shows=False)
    command("a_hostile_endpoint", "pull", "org/x", env={"HF_ENDPOINT": f"http://{WORD}"})
    command("a_hostile_endpoint_as_option", "pull", "org/x", "--endpoint", f"https://{WORD}.invalid")
    command("a_hostile_id", "pull", WORD)
    command("a_hostile_pause", "pull", "org/x", "--endpoint", "http://127.0.0.1:1", env={"ABLTUI_PULL_PAUSE_MS": WORD}, shows=False)
    command("a_hostile_terminal", "--data", DATA, env={"TERM": WORD}, shows=False)
    for variable in "VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_LAYER_PATH", "VK_INSTANCE_LAYERS":
        command(f"a_hostile_{variable}", "devices", env={variable: f"/nowhere/{NAME}.json"}, shows=False)
    for variable in "ABLTUI_VULKAN_GEMM", "DNNL_MAX_CPU_ISA", "OMP_NUM_THREADS", "GOMP_CPU_AFFINITY", "LC_ALL", "NO_COLOR", "FONTCONFIG_FILE":
        command(f"a_hostile_{variable}", "--export", f"env-{variable}", *HERE, "--rows", "2", "--heads", "0:0", env={variable: WORD}, shows=variable != "LC_ALL")


# ------------------------------------------------------------------------------------------------------------------ the hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LATIN = "M\x1b]0;MARKED\x07\x1b[31;7777m\x9b31;7777mK"  # in a header


class Hub(BaseHTTPRequestHandler):
    """A hub whose answers are hostile, each repository in another place."""

    def log_message(self, *arguments: object) -> None:
        pass

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status, LATIN if status >= 400 else "OK")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        name = self.path.split("/org/")[1].split("/")[0].split("?")[0] if "/org/" in self.path else ""
        files = {p.name: p.read_bytes() for p in Path("model", NAME).iterdir()}
        if name == "content":
            files["config.json"] = json.dumps({"model_type": TEXT}).encode()
        if "/resolve/" in self.path:
            return self.answer(200, files.get(self.path.split("/")[-1], b"x"))
        if name == "message":
            return self.answer(404, TEXT.encode(), X_Error_Message=LATIN, X_Error_Code=LATIN)
        if name == "gated":
            return self.answer(403, json.dumps({"error": TEXT}).encode(), X_Error_Message=LATIN)
        if name == "elsewhere":
            return self.answer(302, b"", Location=f"http://{LATIN}/")
        if name == "json":
            return self.answer(200, TEXT.encode() + hostile.RAW)
        blob = {n: hashlib.sha1(b"blob %d\0" % len(d) + d).hexdigest() for n, d in files.items()}
        siblings = [{"rfilename": n, "size": len(d), "blobId": blob[n]} for n, d in files.items()]
        if name == "names":
            siblings += [{"rfilename": f"{SHORT}{i}.safetensors", "size": 1, "blobId": COMMIT} for i in range(3)]
        if name == "path":
            siblings = [{"rfilename": f"../{TEXT}", "size": 1, "blobId": COMMIT}, *siblings]
        if name == "gguf":
            siblings = [{"rfilename": f"M\u202e\u200b{i}.gguf", "size": 1, "blobId": COMMIT} for i in range(2)]
        return self.answer(200, json.dumps({"sha": TEXT if name == "commit" else COMMIT, "siblings": siblings, TEXT: TEXT}).encode())


def pull() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = ("--endpoint", f"http://127.0.0.1:{server.server_port}")
    cache = {"HF_HUB_CACHE": os.path.realpath(".") + f"/{NAME}", "ABLTUI_PULL_PAUSE_MS": "1"}
    for name, shows in {"good": True, "message": False, "gated": False, "elsewhere": False, "json": False, "names": True, "path": True, "gguf": False, "commit": False, "content": True}.items():
        command(f"a_hub_with_hostile_{name}", "pull", f"org/{name}", *at, env=cache, shows=shows)
    command("a_file_of_a_hostile_name", "pull", f"org/gguf:{WORD}.gguf", *at, env=cache)
    command("a_revision_of_a_hostile_name", "pull", f"org/good@{WORD}", *at, env=cache)
    command("what_was_pulled", "models", env=cache, shows=False)
    on_a_terminal("a_pull_on_a_terminal", "pull", "org/names", *at)
    server.shutdown()


# ------------------------------------------------------------------------------------------------------------- the explorer

# What curses sends: places, colours, modes. A marker has a colour that is none, or says MARKED.
CURSES = r"\x1b\[[?>]?[0-9;]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78MDE]|[\r\b\x0e\x0f]"
MARKED = re.compile(rb"\x1b\][^\\]|\x1b\[[0-9;]*7777|MARKED\x07|\xc2\x9b|\x9b31")


class Screen:
    """A program in tmux: what it sends, and the cells that come of it."""

    def __init__(self, *argv: str, width: int = 160, height: int = 50, env: dict[str, str] = {}) -> None:
        self.folder = tempfile.mkdtemp()
        self.socket = os.path.join(self.folder, "tmux")
        self.sent = os.path.join(self.folder, "sent")
        Path(self.folder, "go").write_text(
            "#!/usr/bin/env python3\nimport json, os, sys, time\n"
            "while not os.path.exists(sys.argv[2]): time.sleep(0.02)\n"
            "argv, env = json.load(open(sys.argv[1]))\nos.execve(argv[0], argv, env)\n"
        )
        Path(self.folder, "argv").write_text(json.dumps([argv, {**environment(env), "TERM": "screen-256color"}]))
        start = f"python3 {self.folder}/go {self.folder}/argv {self.sent}"
        self.tmux("new-session", "-d", "-s", "s", "-x", str(width), "-y", str(height), start)
        self.tmux("pipe-pane", "-t", "s", f"cat >{self.sent}")

    def tmux(self, *args: str) -> bytes:
        return subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *args], capture_output=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "s", *keys)

    def cells(self) -> bytes:
        return self.tmux("capture-pane", "-p", "-t", "s")

    def shows(self, pattern: str) -> bool:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if re.search(pattern.encode(), self.cells()):
                return True
            time.sleep(0.05)
        return False

    def opens(self, *keys: str) -> None:
        """Something that covers the panes: its frame has round corners."""
        self.keys(*keys)
        self.shows("\u256d")

    def closes(self) -> None:
        """What comes right behind an Escape would be one key with it."""
        self.keys("Escape")
        end = time.monotonic() + 60
        while "\u256d".encode() in self.cells() and time.monotonic() < end:
            time.sleep(0.05)

    def end(self) -> bytes:
        """Ends it; what it sent."""
        self.tmux("kill-server")
        data = Path(self.sent).read_bytes() if os.path.exists(self.sent) else b""
        shutil.rmtree(self.folder)
        return data


def seen(screen: Screen, name: str, pattern: str) -> None:
    """A view that shows a pattern has no foreign cell."""
    faults = [] if screen.shows(pattern) else [f"never showed {pattern}"]
    cells = screen.cells()
    faults += [f"a cell: {f}" for f in foreign(cells)]
    if faults:
        faults += cells.decode("utf-8", "replace").splitlines()
    told(name, faults)


def stream(name: str, data: bytes) -> None:
    faults = [f"sent: {f}" for f in foreign(data, CURSES)] + [f"a marker was sent: {m.group()!r}" for m in MARKED.finditer(data)]
    told(name, faults if data else ["nothing was sent"])


def explorer() -> None:
    spelt = r"\\u001b"
    for size in (160, 50), (80, 24):
        at = f"at_{size[0]}x{size[1]}"
        s = Screen(PROGRAM, *HERE, "--rows", "6", "--seed", "1", "--color", "always", width=size[0], height=size[1])
        seen(s, f"impact_{at}", "done 32 heads")
        for key, pane in ("1", "impact"), ("2", "head"), ("3", "rank"), ("4", "log"), ("5", "recover"), ("6", "ov"), ("7", "attn"), ("8", "rows"), ("9", "compare"):
            s.keys(key)
            wide = {"ov": rf"top[\s\S]*{spelt}", "attn": spelt, "rows": rf"{spelt}[\s\S]*target"} if size[0] > 80 else {"ov": "top", "rows": "target"}
            seen(s, f"the_pane_{pane}_{at}", wide.get(pane, pane))
        s.keys("1")
        for key, picker in ("M", spelt), ("C", "counterfactual"), ("E", "heads"), ("D", "cpu"), ("?", "help"):
            s.opens(key)
            seen(s, f"the_overlay_of_{picker if picker != spelt else 'models'}_{at}", picker)
            s.closes()
        for key, prompt in (":", "command"), ("/", "search"), ("e", "export"):
            s.opens(key)
            s.keys("C-u")
            s.tmux("send-keys", "-t", "s", "-l", "--", f"data a{hostile.MARKS['turned']}{hostile.MARKS['hidden']}b")
            seen(s, f"what_is_typed_to_{prompt}_{at}", r"\\u(202e|3164)")
            s.closes()
        s.opens(":")
        s.tmux("send-keys", "-t", "s", "-l", "--", f"data none{hostile.MARKS['turned']}.jsonl")
        s.keys("Enter")
        seen(s, f"a_refusal_{at}", r"none\\u202e")
        s.keys("4")
        seen(s, f"the_log_of_it_{at}", r"none\\u202e")
        s.keys("q")
        stream(f"what_the_explorer_sends_{at}", s.end())
    s = Screen(PROGRAM, *HERE, "--rows", "6", "--experiment", "attn")
    seen(s, "attn", "done")
    s.keys("q")
    stream("what_the_explorer_sends_of_attn", s.end())
    s = Screen(PROGRAM, "--model", f"damaged/model_type", "--data", DATA)
    seen(s, "a_model_that_is_refused", spelt)
    stream("what_the_explorer_sends_of_a_refusal", s.end())
    s = Screen(PROGRAM, "--model", MODEL, "--data", f"data/bad-{NAME}.jsonl")
    seen(s, "rows_that_are_refused", spelt)
    stream("what_the_explorer_sends_of_refused_rows", s.end())


def plant_on_the_screen() -> None:
    for kind in "title", "colour", "c1", "turned", "raw":
        mark = RAW if kind == "raw" else hostile.MARKS[kind]
        s = Screen("/bin/sh", "-c", f'printf "%s" "$1"; sleep 60', "sh", f"a{mark}b")
        time.sleep(0)
        end = time.monotonic() + 30
        while not (os.path.exists(s.sent) and os.path.getsize(s.sent)) and time.monotonic() < end:
            time.sleep(0.02)
        data = s.end()
        bad = foreign(data, CURSES) or MARKED.search(data)
        told(f"a_planted_{kind}_is_seen_on_the_screen", [] if bad else [f"it passed: {data!r}"])
    s = Screen("/bin/sh", "-c", 'printf "%s" "$1"; sleep 60', "sh", "a\u202eb\u200bc done")
    s.shows("done")
    told("a_planted_cell_is_seen", [] if foreign(s.cells()) else [f"it passed: {s.cells()[:80]!r}"])
    s.end()


def main() -> None:
    source = os.getcwd()
    with tempfile.TemporaryDirectory() as top:
        root = Path(top) / SOUND  # the folder that one is in has such a name, too
        hostile.main(root)
        os.environ["ABLTUI_DATA"] = os.path.join(source, "data")
        os.chdir(root)
        for part in plant, plant_on_the_screen, reads, runs, variables, pull, explorer:
            if len(sys.argv) < 3 or part.__name__ in sys.argv[2:]:
                part()
        os.chdir(source)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
