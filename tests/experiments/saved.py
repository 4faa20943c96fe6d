"""What --save writes: python3 tests/experiments/saved.py PROGRAM

Activations of both bundled models are those of tests/fixtures/experiments/saved.json (tools/golden_saved.py); the file is
sound safetensors, names its rows and its run, is in the manifest, and says its size before; what is too much is refused with
nothing written. Prints a line a check; exit status 0 only if all pass.
"""
import array
import hashlib
import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
GOLDEN = json.load(open("tests/fixtures/experiments/saved.json"))
IOI = ["--data", "data/corpora/ioi.jsonl", "--split", "all", "--rows", "3"]
FILE = "artifacts/activations.safetensors"
TOLERANCE = 2e-5
failed = 0


def check(name, problem):
    global failed
    print(f"[  {'FAILED' if problem else 'PASSED'}  ] {name}" + (f"\n    {problem}" if problem else ""))
    failed += bool(problem)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def read(path):
    """Tensors as flat lists with their shapes, and the metadata; by the format's description alone."""
    raw = open(path, "rb").read()
    size, = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
    meta, at, tensors = header.pop("__metadata__"), 0, {}
    assert size % 8 == 0, f"the data begin at {8 + size}"
    assert all(isinstance(v, str) for v in meta.values()), meta
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = t["data_offsets"]
        assert begin == at, f"{name} begins at {begin}, expected {at}"
        values = array.array({"F32": "f", "I64": "q"}[t["dtype"]], data[begin:end])
        if sys.byteorder == "big":
            values.byteswap()
        assert len(values) == math.prod(t["shape"]), f"{name}: {len(values)} values of shape {t['shape']}"
        tensors[name], at = (t["shape"], values), end
    assert at == len(data), f"{len(data)} bytes, expected {at}"
    return tensors, meta


def marks(x):
    return math.fsum(v * math.cos(0.7 * i + 1) for i, v in enumerate(x)), math.fsum(v * v for v in x)


def compare(where, found, expected):
    """Vectors by their marks, through layers and heads."""
    if not isinstance(expected[0], list):
        size = math.sqrt(expected[1])
        off = max(abs(a - b) / max(1, s) for a, b, s in zip(marks(found), expected, (size, expected[1])))
        return [] if off <= TOLERANCE else [f"{where}: found {marks(found)}, expected {expected}"]
    step, rest = divmod(len(found), len(expected))
    if rest:
        return [f"{where}: {len(found)} values for {len(expected)} parts"]
    return [p for i, e in enumerate(expected) for p in compare(f"{where}.{i}", found[i * step:(i + 1) * step], e)]


def at_token(tensor, i):
    """Of every layer, side by side."""
    (layers, tokens, *inner), values = tensor
    n = math.prod(inner)
    return [v for layer in range(layers) for v in values[(layer * tokens + i) * n:(layer * tokens + i + 1) * n]]


def as_transformers_has_them(folder, model):
    golden, sites = GOLDEN[model], list(GOLDEN[model]["rows"][0]["tokens"][0]["sites"])
    out = f"{folder}/{model}"
    said = run("--model", model, *IOI, "--heads", "0:0", "--save", ",".join(sites), "--positions", ",".join(GOLDEN["positions"]),
               "--export", out)
    if said.returncode:
        check(f"{model}_saves", said.stderr)
        return
    tensors, meta = read(f"{out}/{FILE}")
    tokens = [(r, t) for r, row in enumerate(golden["rows"]) for t in row["tokens"]]
    for name, expected in (("row", [r + 1 for r, _ in tokens]), *((c, [t[c] for _, t in tokens]) for c in ("position", "token_id", "asked"))):
        check(f"{model}_{name}_of_each_token", None if list(tensors[name][1]) == expected else f"found {list(tensors[name][1])}, expected {expected}")
    for site in sites:
        keys = tensors["pattern"][0][-1]
        problems = []
        for i, (r, t) in enumerate(tokens):
            found, expected = at_token(tensors[site], i), t["sites"][site]
            problems += compare(f"{site} of row {r}, position {t['position']}", found, expected)
            if site == "pattern":  # nothing is seen behind the query
                problems += [f"row {r}: weight {v} on a key behind the query" for k, v in enumerate(found) if v and k % keys > t["position"]]
        check(f"{model}_{site}_is_that_of_transformers", next(iter(problems), None))
    config = json.load(open(f"{out}/config.json"))
    ids = [(o["row"], o["line"], o["id"]) for o in json.loads(meta["rows"])]
    check(f"{model}_rows_are_named", None if ids == [(i + 1, i + 1, r["id"]) for i, r in enumerate(golden["rows"])] else f"found {ids}")
    wrong = [k for k, v in (("config", json.loads(meta["config"]) == config), ("positions", json.loads(meta["positions"]) == ["-1", "1", "io:last"]),
                            ("model_sha256", meta["model_sha256"] == config["model_sha256"] == golden["model_sha256"]),
                            ("data_sha256", meta["data_sha256"] == config["data_sha256"]), ("layers", json.loads(meta["layers"]) == [0, 1, 2, 3]),
                            ("save", config["save"].split(",") == sorted(sites, key=config["save"].split(",").index)),
                            ("save_positions", config["save_positions"] == ",".join(GOLDEN["positions"])), ("prompts", meta["prompts"] == "clean"),
                            ("axes", json.loads(meta["axes"])["z"] == ["layer", "token", "head", "d_head"])) if not v]
    check(f"{model}_says_what_it_is_of", f"{', '.join(wrong)}: {meta}" if wrong else None)
    listed = [f for f in json.load(open(f"{out}/manifest.json"))["files"] if f["path"] == FILE]
    raw = open(f"{out}/{FILE}", "rb").read()
    right = listed and (listed[0]["bytes"], listed[0]["sha256"]) == (len(raw), hashlib.sha256(raw).hexdigest())
    check(f"{model}_is_in_the_manifest", None if right else f"found {listed}")
    check(f"{model}_size_is_told_before", None if re.search(r"activations at last,1,io:last: [0-9.]+ [KM]iB in " + FILE, said.stderr) else said.stderr)


def parts(folder):
    """Last tokens alone, chosen layers, another engine's memory: the same numbers."""
    found = {}
    for name, options in (("all", ["--positions", "all"]), ("last", []), ("layers", ["--layers", "1,3"]), ("blocks", ["--mem", "64K", "--yes"])):
        said = run(*IOI, "--experiment", "attn", "--save", "z,pattern", *options, "--quiet", "--export", f"{folder}/{name}")
        if said.returncode:
            check(f"saves_{name}", said.stderr)
            return
        found[name] = read(f"{folder}/{name}/{FILE}")[0]
    last = [i for i, (r, p) in enumerate(zip(found["all"]["row"][1], found["all"]["position"][1]))
            if (r, p) == max(x for x in zip(found["all"]["row"][1], found["all"]["position"][1]) if x[0] == r)]
    for site in ("z", "pattern"):
        whole = [at_token(found["all"][site], i) for i in last]
        check(f"last_{site}_is_that_of_all", None if whole == [at_token(found["last"][site], i) for i in range(3)] else "they differ")
        n = len(whole[0]) // 4
        some = [v[n:2 * n] + v[3 * n:] for v in whole]
        check(f"{site}_of_some_layers_is_theirs", None if some == [at_token(found["layers"][site], i) for i in range(3)] else "they differ")
        check(f"{site}_in_blocks_is_the_same", None if found["blocks"][site] == found["last"][site] else "they differ")


def corrupt_runs(folder):
    """A patch from clean to corrupt runs the corrupt prompts: they are what is saved, and that is said."""
    out = f"{folder}/corrupt"
    said = run(*IOI, "--experiment", "patch", "--save", "resid_pre", "--positions", "-1", "--layers", "3", "--quiet", "--export", out)
    tensors, meta = read(f"{out}/{FILE}") if said.returncode == 0 else ({}, {"prompts": said.stderr})
    check("a_run_of_corrupt_prompts_says_so", None if meta["prompts"] == "corrupt" else f"found {meta['prompts']}")


def refused(folder):
    out = f"{folder}/none"
    cases = [
        ("more_than_mem", 2, ["--mem", "100K", "--save", "z,resid_post", "--positions", "all"], r"--save would write .* MiB of [0-9]+ tokens in 4 layers, more than 0.1 MiB: .*--yes"),
        ("a_position_that_is_none", 2, ["--save", "z", "--positions", "here"], "here"),
        ("a_site_that_is_none", 2, ["--save", "zz"], "bad value 'zz' for --save: expected resid_pre, q"),
        ("no_folder", 2, ["--save", "z"], "--save needs --export DIR"),
        ("a_shard", 2, ["--save", "z", "--shard", "1/2"], "--save does nothing for --shard"),
    ]
    for name, status, options, pattern in cases:
        said = run(*IOI, *options, "--export", "-" if name == "no_folder" else out)
        lines = said.stderr.splitlines()
        right = said.returncode == status and len(lines) == 1 and re.search(pattern, lines[0]) and not os.path.exists(out)
        check(f"refuses_{name}", None if right else f"status {said.returncode}, {lines[:2]}, folder {os.path.exists(out)}")
    said = run(*IOI, "--save", "z,resid_post", "--positions", "all", "--dry-run", "--json")
    plan = json.loads(said.stdout or "{}")
    tokens = sum(len(r["ids"]) for r in GOLDEN["tiny-gpt2"]["rows"])
    expected = 4 * 4 * tokens * (128 + 128)
    check("a_dry_run_says_how_much", None if plan.get("saved_bytes") == expected else f"found {plan.get('saved_bytes')}, expected {expected}: {said.stderr}")


with tempfile.TemporaryDirectory() as scratch:
    for bundled in ("tiny-gpt2", "tiny-llama"):
        as_transformers_has_them(scratch, bundled)
    parts(scratch)
    corrupt_runs(scratch)
    refused(scratch)
print(f"{failed} failed")
sys.exit(failed > 0)
