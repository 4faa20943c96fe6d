#!/usr/bin/env python3
"""What provenance.json says of weights that are replaced while a run reads them: tests/model/provenance.py PROGRAM

The data comes from a pipe: until it does, the model is open and none of its weights is read.
Prints a line a check; exit status 0 only if all pass."""
import hashlib, json, os, shutil, struct, subprocess, sys, tempfile, time
from pathlib import Path

program = os.path.realpath(sys.argv[1])
data = os.path.realpath(os.environ.get("ABLTUI_DATA", "data"))
root = Path(tempfile.mkdtemp())
rows = "".join(open(f"{data}/corpora/facts.jsonl").readlines()[:4])
failed = 0


def check(name, problem):
    global failed
    failed += bool(problem)
    print(f"[  {'FAILED' if problem else 'PASSED'}  ] {name}" + (f"\n    {problem}" if problem else ""))


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def other_weights(of):
    """The same tensors with the signs of many numbers turned round."""
    raw = bytearray(of)
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    for i in range(start + 1, len(raw), 14):
        raw[i] ^= 0x80
    return bytes(raw)


def model():
    folder = Path(tempfile.mkdtemp(dir=root)) / "model"
    shutil.copytree(f"{data}/models/tiny-gpt2", folder)
    return folder, folder / "model.safetensors"


def waits_for(process, what):
    """Until the process has that file open."""
    fds = Path(f"/proc/{process.pid}/fd")
    for _ in range(2400):
        for fd in fds.iterdir():
            try:
                if os.path.realpath(fd) == os.path.realpath(what):
                    return
            except OSError:
                pass
        time.sleep(0.02)
    raise AssertionError(f"never opened {what}")


def run(folder, out, meanwhile=None):
    command = [program, "--model", str(folder), "--data", "-", "--heads", "0:0,1:2", "--boot", "10", "--device", "cpu", "--quiet",
               "--export", str(out)]
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if meanwhile:
        waits_for(p, folder / "model.safetensors")
        meanwhile()
    said = p.communicate(rows, timeout=120)[1]
    return p.returncode, said


def numbers(out):
    return (out / "metrics" / "per_example.csv").read_bytes()


def told(out):
    model = json.loads((out / "provenance.json").read_text())["model"]
    return model["sha256"], model["sha256_lacks"], model["config_sha256"]


def main():
    folder, weights = model()
    known = sha256(weights)
    status, said = run(folder, root / "plain")
    check("an_undisturbed_run_has_the_hash_of_its_weights", status or told(root / "plain") != (known, None, sha256(folder / "config.json")))

    folder, weights = model()
    (folder / "other").write_bytes(other_weights(weights.read_bytes()))
    status, said = run(folder, root / "other", None)
    os.rename(folder / "other", weights)
    new = sha256(weights)
    status, said = run(folder, root / "new")
    check("other_weights_give_other_numbers", status or numbers(root / "new") == numbers(root / "plain") or told(root / "new")[0] != new)

    folder, weights = model()
    (folder / "other").write_bytes(other_weights(weights.read_bytes()))
    status, said = run(folder, root / "renamed", lambda: os.rename(folder / "other", weights))
    check("weights_replaced_by_name_are_not_what_is_read",
          status or numbers(root / "renamed") != numbers(root / "plain") and "the numbers are others")
    check("the_hash_is_of_what_was_read", told(root / "renamed")[:2] != (known, None) and f"found {told(root / 'renamed')}, expected {known}")

    folder, weights = model()
    status, said = run(folder, root / "removed", weights.unlink)
    check("weights_that_are_removed_are_still_read", status or told(root / "removed")[0] != known)

    for name, change in {
        "written_over": lambda w: w.write_bytes(other_weights(w.read_bytes())),
        "cut": lambda w: os.truncate(w, w.stat().st_size // 2),
        "grown": lambda w: open(w, "ab").write(b"x"),
    }.items():
        folder, weights = model()
        time.sleep(0.05)  # a file's time has the grain of a clock's tick
        status, said = run(folder, root / name, lambda: change(weights))
        lines = said.splitlines()
        check(f"weights_that_are_{name}_are_refused", None if status == 1 and len(lines) == 1 and "model.safetensors" in said
              and not (root / name).exists() else f"status {status}: {said}")
    sys.exit(failed > 0)


try:
    main()
finally:
    shutil.rmtree(root, ignore_errors=True)
