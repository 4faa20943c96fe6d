#!/usr/bin/env python3
"""lab-tables' output as tinyLab's analysis scripts read it: tests/report/lab_tables.py PROGRAM BUILD

Small readers with the column demands of three of its scripts (head ranks, layer spans, rebuild) read the tables as CSV and, where
DuckDB can be had, as Parquet. What they find is compared with what the runs' own tables say, and names and ids with its rule,
written down here a second time. Exit status 0 only if nothing failed.
"""

import csv
import hashlib
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

passed = failed = skipped = 0
CHECKOUT = Path("tests/fixtures/configs/checkout/lab").resolve()


def report(name, fault):
    global passed, failed
    print(f"[  {'FAILED ' if fault else 'PASSED '} ] {name}" + (f"\n    {fault}" if fault else ""), flush=True)
    passed, failed = passed + (not fault), failed + bool(fault)


def skip(name, reason):
    global skipped
    print(f"[  SKIPPED ] {name}: {reason}")
    skipped += 1


def check(name, function, *arguments):
    try:
        report(name, function(*arguments))
    except Exception as e:
        report(name, f"{type(e).__name__}: {e}")


def differ(what, found, expected):
    return None if found == expected else f"{what}: found {str(found)[:300]}, expected {str(expected)[:300]}"


def far(what, found, expected):
    close = set(found) == set(expected) and all(math.isclose(found[k], expected[k], rel_tol=1e-12, abs_tol=1e-15) for k in found)
    return None if close else f"{what}: found {str(found)[:300]}, expected {str(expected)[:300]}"


# ------------------------------------------------------------------------------------------------ runs

FIELDS = {"clean_field": "clean", "corrupt_field": "corrupt", "target_field": "target", "foil_field": "foil"}
SHARED = {"seeds": [0, 1, 2], "device": "cpu", "model": {"family": "gpt2", "name": "tiny-gpt2", "dtype": "float32"},
          "dataset": {"id": "facts_single_token_v1", "split": "train", **FIELDS}, "profiling": {"interval_s": 5.0},
          "metrics": ["logit_diff", "kl_div"]}
CONDITIONS = [{"tag": "facts", "dataset": {"id": "facts_single_token_v1"}},
              {"tag": "nég", "dataset": {"id": "negation_single_token_v1"}}]
BATTERIES = {
    "heads": {"type": "heads_zero", "layers": "all", "scales": [0.0]},
    "scales": {"type": "heads_zero", "layers": [1], "scales": [0.0, 0.5]},
    "random": {"type": "heads_zero", "layers": [0, 2], "scales": [0.0], "random_control": True, "random_count": 3},
    "pairs": {"type": "heads_pair_zero", "pairs": [{"layer": 0, "h1": 2, "h2": 4}, {"layer": 1, "h1": 0, "h2": 3}]},
    "sets": {"type": "heads_subset_zero", "groups": [{"layer": 0, "heads": [2, 4, 7], "label": "triplet"}, {"layer": 1, "heads": [0, 3]}]},
    "patch": {"type": "activation_patch", "patch_direction": "corrupt->clean", "granularity": "layer_resid", "layers": "all"},
    "sham": {"type": "activation_patch", "patch_direction": "clean->corrupt", "granularity": "layer_resid", "layers": [0, 2],
             "sham_control": True},
}


def write_checkout(root):
    """A folder of tinyLab's shape: batteries, a config of several conditions for each, and the corpora."""
    configs = root / "lab/configs"
    configs.mkdir(parents=True)
    shutil.copytree(CHECKOUT / "data", root / "lab/data")
    for name, battery in BATTERIES.items():
        (configs / f"battery_{name}.json").write_text(json.dumps(battery))
        config = {"run_name": f"h_{name}", "battery": f"lab/configs/battery_{name}.json", "shared": SHARED, "conditions": CONDITIONS}
        if name == "pairs":
            config["conditions"] = [CONDITIONS[0], {**CONDITIONS[1], "battery_overrides": {"pairs": [{"layer": 3, "h1": 1, "h2": 7}]}}]
        (configs / f"run_{name}.json").write_text(json.dumps(config))
    flat = {"run_name": "flat", "seed": 3, "battery": "lab/configs/battery_heads.json", **SHARED}
    del flat["seeds"]
    (configs / "run_flat.json").write_text(json.dumps(flat))


def sha256(config):
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def merged(base, over):
    both = lambda k: isinstance(base.get(k), dict) and isinstance(over[k], dict)
    return {**base, **{k: merged(base[k], over[k]) if both(k) else over[k] for k in over}}


def folder_name(run_name, config):
    return re.sub(r"[^A-Za-z0-9._-]", "_", run_name.encode("utf-8").decode("latin-1")) + f"_{sha256(config)[:12]}"


def child_configs(parent):
    """Tag -> config, by the rule of tinyLab's orchestrator."""
    configs = {}
    for condition in parent["conditions"]:
        child = merged(parent["shared"], {k: v for k, v in condition.items() if k != "battery_overrides"})
        child["run_name"] = f"{parent['run_name']}_{condition['tag']}"
        child["battery"] = f"lab/runs/{parent['run_name']}_{sha256(parent)[:12]}/temp_{condition['tag']}_battery.json"
        configs[condition["tag"]] = child
    return configs


class Lab:
    def __init__(self, program, scratch):
        self.program, self.scratch, self.root, self.runs = program, scratch, scratch / "checkout", scratch / "lab/runs"
        write_checkout(self.root)

    def call(self, *arguments, path=None, status=0):
        environment = dict(os.environ, PATH=path) if path else None
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8",
                              stdin=subprocess.DEVNULL, env=environment)
        assert done.returncode == status, f"{arguments}: {done.returncode}: {done.stderr}"
        return done

    def config(self, name):
        return json.loads((self.root / f"lab/configs/run_{name}.json").read_text())

    def run(self, name, *options):
        self.call("run", self.root / f"lab/configs/run_{name}.json", "--export", self.scratch / name, "--boot", "20", "--rows", "5",
                  "--quiet", *options)

    def parent(self, name):
        return self.runs / folder_name(f"h_{name}", self.config(name))

    def child(self, name, tag):
        config = child_configs(self.config(name))[tag]
        return self.runs / folder_name(config["run_name"], config)


# ---------------------------------------------------------------------------------------------- tables

INTEGERS = {"seed", "layer", "h1", "h2", "i", "pred_id", "target_id", "foil_id"}
NUMBERS = {"scale", "value"}


class Csv:
    """Rows of a table by what its cells say: whole numbers have no point, others have one, text is quoted."""
    ending = "csv"

    def read(self, path):
        lines = path.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
        header, *rows = csv.reader(lines)
        raw = [re.findall(r'"(?:[^"]|"")*"|[^,]+|(?<=,)(?=,)|(?<=,)$', line) for line in lines[1:]]
        out = []
        for cells, texts in zip(rows, raw):
            row = {}
            for column, cell, text in zip(header, cells, texts):
                is_text = text.startswith('"')
                row[column] = cell if is_text else None if cell == "" else float(cell) if re.search("[.e]", cell) else int(cell)
            out.append(row)
        return out


class Parquet:
    ending = "parquet"
    code = """import duckdb, json, sys
for path in sys.argv[1:]:
    r = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    print(json.dumps([dict(zip(r.columns, row)) for row in r.fetchall()]))"""

    def __init__(self, python):
        self.python = python

    def read(self, path):
        done = subprocess.run([self.python, "-c", self.code, path.with_suffix(".parquet")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-500:]
        return json.loads(done.stdout)


def check_types(reader, path, columns):
    rows = reader.read(path)
    if fault := differ(f"columns of {path.name}", list(rows[0]), columns):
        return fault
    for n, row in enumerate(rows):
        for column, value in row.items():
            head_is_text = "h1" in columns and column == "head"
            wanted = int if column in INTEGERS or (column == "head" and not head_is_text) else float if column in NUMBERS else str
            if column == "heads" and "i" in columns and reader.ending == "parquet":
                wanted = list
            if type(value) is not wanted:
                return f"{path.name}, row {n}, {column}: {value!r} is no {wanted.__name__}"
    return None


# ---------------------------------------------------------------------------------------------- oracle

def rows_of(run, table):
    with open(run / f"metrics/{table}.csv", newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


# numpy.random.default_rng(seed + layer).choice(8, 3, replace=False) of layers 0 and 2
DRAWN = {0: "0:4 0:5 0:7 2:0 2:1 2:5".split(), 1: "0:2 0:3 0:6 2:0 2:1 2:4".split(), 2: "0:0 0:1 0:5 2:4 2:6 2:7".split()}


def compat_values(lab, name, tag, seed=None, scale=None):
    """Metric -> variant -> value, as the run's own compat.csv says."""
    run = lab.scratch / name / tag
    if scale is not None:
        run = run.with_name(f"{tag}-scale{scale:g}")
    if not run.is_dir():
        run = run.with_name(f"{run.name}-seed{seed}")
    rows = rows_of(run, "compat")
    if name == "random":
        rows = [r for r in rows if r["variant"] in DRAWN[seed]]
    measured = [m for m in rows[0] if m not in ("condition", "variant") and any(r[m] for r in rows)]
    return {m: {r["variant"]: float(r[m]) for r in rows} for m in measured}


# --------------------------------------------------------------------- readers with the scripts' demands

def head_ranks(rows, metric="logit_diff"):
    """Rank of heads by mean value over seeds, lowest first: needs metric, scale, layer, head, value."""
    sums = {}
    for r in rows:
        if r["metric"] == metric and r["scale"] == 0.0:
            sums.setdefault((r["layer"], r["head"]), []).append(r["value"])
    assert sums, "no row of scale 0.0"
    return {head: statistics.fmean(values) for head, values in sorted(sums.items(), key=lambda x: statistics.fmean(x[1]))}


def check_head_ranks(lab, reader, name, tag, expected):
    found = head_ranks(reader.read(lab.child(name, tag) / "metrics/head_impact"))
    fault = far(f"values of {tag}", found, expected)
    return fault or differ("order", [round(v, 12) for v in found.values()], sorted(round(v, 12) for v in expected.values()))


def layer_spans(rows, metric="logit_diff", threshold=0.7):
    """Condition -> top layer and shortest window with the share: needs metric, value, condition, layer."""
    out = {}
    for condition in {r["condition"] for r in rows}:
        by_layer = {}
        for r in rows:
            if r["condition"] == condition and r["metric"] == metric and r["value"] is not None:
                by_layer.setdefault(r["layer"], []).append(r["value"])
        layers = sorted(by_layer)
        values = [statistics.fmean(by_layer[layer]) for layer in layers]
        positive = [max(v, 0.0) for v in values]
        windows = [(b - a + 1, layers[a], layers[b]) for a in range(len(layers)) for b in range(a, len(layers))
                   if sum(positive[a:b + 1]) >= threshold * sum(positive)]
        out[condition] = (layers[max(range(len(values)), key=values.__getitem__)], min(windows), values)
    return out


def check_layer_spans(lab, reader):
    found = layer_spans(reader.read(lab.parent("patch") / "artifacts/cross_condition/layer_matrix"))
    rows = [{"condition": c["tag"], "metric": "logit_diff", "layer": int(re.search(r"@(\d+)", variant)[1]), "value": value}
            for c in CONDITIONS for variant, value in compat_values(lab, "patch", c["tag"])["logit_diff"].items()]
    return differ("spans", found, layer_spans(rows)) or differ("layers", [len(x[2]) for x in found.values()], [4, 4])


def check_rebuild(lab, reader, name, matrix):
    """What its rebuild script makes of a config and the children's folders is what was written of several."""
    config = lab.config(name)
    table = matrix.replace("matrix", "impact")
    rows, child_runs, summaries = [], [], {}
    for tag in child_configs(config):
        run = lab.child(name, tag)
        manifest = json.loads((run / "manifest.json").read_text())
        path = run / manifest.get(table, f"metrics/{table}.parquet")
        rows += [{**row, "condition": tag} for row in reader.read(path)]
        child_runs.append({"tag": tag, "run_dir": str(run)})
        summaries[tag] = json.loads((run / "metrics/summary.json").read_text())
    parent = lab.parent(name)
    manifest = json.loads((parent / "manifest.json").read_text())
    expected = {"run_dir": str(parent), "cross_condition_summary": "artifacts/cross_condition/summary.json", "child_runs": child_runs,
                matrix: f"artifacts/cross_condition/{matrix}.parquet"}
    summary = {"run_name": config["run_name"], "n_conditions": 2, "conditions": [c["tag"] for c in config["conditions"]],
               "child_runs": child_runs, "summaries": summaries}
    return (differ("manifest", manifest, expected)
            or differ("summary", json.loads((parent / manifest["cross_condition_summary"]).read_text()), summary)
            or differ("rows", reader.read(parent / manifest[matrix]), rows))


# ---------------------------------------------------------------------------------------------- checks

def check_folders(lab):
    expected = {folder_name("flat", lab.config("flat"))}
    for name in BATTERIES:
        expected |= {lab.parent(name).name} | {lab.child(name, c["tag"]).name for c in CONDITIONS}
    return differ("folders", sorted(p.name for p in lab.runs.iterdir()), sorted(expected))


def check_configs(lab):
    for name in BATTERIES:
        for folder, config in [(lab.parent(name), lab.config(name)), *((lab.child(name, t), c) for t, c in child_configs(lab.config(name)).items())]:
            if fault := differ(f"config of {folder.name}", json.loads((folder / "config.json").read_text()), config):
                return fault
    run = lab.child("heads", "facts")
    corpus = lab.root / "lab/data/corpora/facts_single_token_v1.jsonl"
    return (differ("hash", (run / "config_hash.txt").read_text(), sha256(child_configs(lab.config("heads"))["facts"]))
            or differ("data", (run / "data_hash.txt").read_text(), hashlib.sha256(corpus.read_bytes()).hexdigest()))


def check_values(lab, reader, name, table, key, scale=None):
    """Every metric of every component and seed is the run's own."""
    for c in CONDITIONS:
        rows = reader.read(lab.child(name, c["tag"]) / f"metrics/{table}")
        assert {r["seed"] for r in rows} == {0, 1, 2}, {r["seed"] for r in rows}
        assert {r["run_id"] for r in rows} == {f"h_{name}_{c['tag']}"}, rows[0]
        for seed in 0, 1, 2:
            values = compat_values(lab, name, c["tag"], seed, scale)
            for metric in {r["metric"] for r in rows} | set(values):
                found = {key(r): r["value"] for r in rows if r["seed"] == seed and r["metric"] == metric
                         and (scale is None or r["scale"] == scale)}
                expected = {v: x for v, x in values[metric].items() if name not in ("pairs", "sets") or "+" in v}
                if fault := differ(f"{c['tag']}, seed {seed}, {metric}", found, expected):
                    return fault
    return None


def of_set(row):
    heads = row["heads"] if "heads" in row else row["head"]
    return "+".join(f"{row['layer']}:{h}" for h in heads.split("-"))


def check_examples(lab, reader, name, variant, columns):
    path = lab.child(name, "facts") / "metrics/per_example"
    if fault := check_types(reader, path, columns):
        return fault
    run = next(p for p in (lab.scratch / name / "facts", lab.scratch / name / "facts-seed0") if p.is_dir())
    answers = {r["row"]: (int(r["target_id"]), int(r["foil_id"])) for r in rows_of(run, "baseline")}
    order = {row: i for i, row in enumerate(answers)}
    expected = {(r["variant"], order[r["row"]]): (int(r["pred_id"]), *answers[r["row"]]) for r in rows_of(run, "per_example")}
    rows = [r for r in reader.read(path) if r["seed"] == 0]
    found = {(variant(r), r["i"]): (r["pred_id"], r["target_id"], r["foil_id"]) for r in rows}
    wanted = {k: v for k, v in expected.items() if k[0] in {variant(r) for r in rows}}
    return differ("predictions", found, wanted) or (not found and "no rows") or differ("n", len(rows), len(found))


def check_summary(lab, name, table):
    """Mean of a seed's components, then over seeds with the interval of t."""
    run = lab.child(name, "facts")
    summary, rows = json.loads((run / "metrics/summary.json").read_text()), Csv().read(run / f"metrics/{table}")
    for metric, found in summary.items():
        values = [statistics.fmean(r["value"] for r in rows if r["metric"] == metric and r["seed"] == s) for s in (0, 1, 2)]
        margin = 4.303 * statistics.stdev(values) / math.sqrt(3)
        mean = statistics.fmean(values)
        expected = {"mean": mean, "lo": mean - margin, "hi": mean + margin, **{f"v{i}": v for i, v in enumerate(values)}}
        lo, hi = found["ci95"]
        if fault := far(metric, {"mean": found["mean"], "lo": lo, "hi": hi, **{f"v{i}": v for i, v in enumerate(found["values"])}}, expected):
            return fault
    return differ("metrics", sorted(summary), sorted({r["metric"] for r in rows}))


def check_invariants(lab):
    """Of each condition the ten heads with the highest mean value; what all have, in order."""
    parent = lab.parent("heads")
    tops = []
    for c in CONDITIONS:
        values = compat_values(lab, "heads", c["tag"])["logit_diff"]
        tops.append(set(sorted(values, key=values.get, reverse=True)[:10]))
    heads = sorted(tuple(map(int, h.split(":"))) for h in set.intersection(*tops))
    expected = {"k": 10, "metrics": ["logit_diff"], "heads": {"logit_diff": [{"layer": l, "head": h} for l, h in heads]}, "layers": {}}
    return differ("invariants", json.loads((parent / "artifacts/cross_condition/invariants.json").read_text()), expected)


def check_flat(lab):
    run = lab.runs / folder_name("flat", lab.config("flat"))
    rows, summary = Csv().read(run / "metrics/head_impact"), json.loads((run / "metrics/summary.json").read_text())
    return (differ("seeds", {r["seed"] for r in rows}, {3}) or differ("interval", summary["logit_diff"]["ci95"], None)
            or differ("heads", len(rows), 32 * len(summary)))


def check_ours(lab):
    """Of our own conventions: each metric from the run's rows, by its definition."""
    run = lab.scratch / "ours"
    lab.call("--export", run, "--rows", "6", "--boot", "20", "--quiet", "--device", "cpu")
    done = lab.call("lab-tables", run, "--out", lab.scratch / "ours-lab")
    assert "own last token" in done.stderr, done.stderr
    (folder,) = (lab.scratch / "ours-lab").iterdir()
    assert re.fullmatch(r"ours_[0-9a-f]{12}", folder.name), folder
    base = {r["row"]: r for r in rows_of(run, "baseline")}
    rows = Csv().read(folder / "metrics/head_impact")
    mean = lambda variant, f: statistics.fmean(f(r, base[r["row"]]) for r in rows_of(run, "per_example") if r["variant"] == variant)
    of = {"logit_diff": lambda r, b: float(r["ld"]), "kl_div": lambda r, b: float(r["kl"]),
          "acc_flip_rate": lambda r, b: float(r["pred_id"] != b["target_id"]),
          "p_drop": lambda r, b: float(b["prob"]) - math.exp(float(r["logprob"]))}
    if fault := differ("metrics", {r["metric"] for r in rows}, set(of)):
        return fault
    for row in rows[::7]:
        expected = mean(f"{row['layer']}:{row['head']}", of[row["metric"]])
        if not math.isclose(row["value"], expected, rel_tol=1e-5, abs_tol=1e-7):
            return f"{row}: expected {expected}"
    return differ("scale", {r["scale"] for r in rows}, {0.0})


def check_kinds(lab):
    """Heads that are neither zeroed nor scaled have no scale; scaled ones have theirs."""
    for ablate, scale in ("mean", None), ("scale=0.5", 0.5):
        run, out = lab.scratch / f"ablate-{ablate}", lab.scratch / f"lab-{ablate}"
        lab.call("--export", run, "--rows", "4", "--boot", "20", "--quiet", "--heads", "0:1", "--ablate", ablate, "--device", "cpu")
        lab.call("lab-tables", run, "--out", out, "--quiet")
        (folder,) = out.iterdir()
        if fault := differ(ablate, {r["scale"] for r in Csv().read(folder / "metrics/head_impact")}, {scale}):
            return fault
    return None


def check_refusals(lab):
    few = ["--rows", "3", "--boot", "20", "--quiet", "--device", "cpu"]
    cases = [(["--experiment", "lens"], "no tables"), (["--experiment", "sets", "--sets", "0:2+1:4"], "none of one layer"),
             (["--experiment", "sets", "--sets", "0:2+0:4+0:5", "--ablate", "mean"], "does not say how"),
             (["--experiment", "patch", "--patch-site", "z"], "heads one by one"),
             (["--experiment", "patch", "--patch-site", "resid_post,mlp_out"], "one place a layer")]
    for i, (options, message) in enumerate(cases):
        lab.call("--export", lab.scratch / f"refused{i}", *few, *options)
        said = lab.call("lab-tables", lab.scratch / f"refused{i}", "--out", lab.scratch / "refused", status=2).stderr
        if message not in said or (lab.scratch / "refused").exists():
            return f"{options}: {said}"
    theirs = lab.call("lab-tables", lab.child("heads", "facts"), "--out", lab.scratch / "refused", status=2).stderr
    if "run of tinyLab's" not in theirs:
        return theirs
    lab.call("lab-tables", lab.scratch / "nowhere", "--out", lab.scratch / "refused", status=3)
    lab.call("lab-tables", lab.scratch / "ours", status=2)
    return None


def check_strangers(lab):
    """A folder of the same name that somebody else made is left as it is; one of ours is written anew."""
    out = lab.scratch / "strangers"
    folder = out / lab.child("heads", "facts").name
    (folder / "metrics").mkdir(parents=True)
    (folder / "metrics/head_impact.parquet").write_bytes(b"theirs")
    lab.call("lab-tables", lab.scratch / "heads", "--out", out, status=2)
    if [p.name for p in out.iterdir()] != [folder.name] or (folder / "metrics/head_impact.parquet").read_bytes() != b"theirs":
        return "the folder was changed"
    shutil.rmtree(folder)
    for _ in range(2):
        lab.call("lab-tables", lab.scratch / "heads", "--out", out, "--quiet")
    return None


def check_without(lab, bin_folder):
    """Where there is no DuckDB, what is printed makes Parquet of the tables elsewhere."""
    out = lab.scratch / "it's [a] pl*ce"
    done = lab.call("lab-tables", lab.scratch / "sets", "--out", out, path="/nonexistent")
    if "no DuckDB" not in done.stderr or not done.stdout.startswith("COPY (") or list(out.rglob("*.parquet")):
        return f"stdout {done.stdout[:200]}, stderr {done.stderr[:300]}"
    if bin_folder:
        code = "import duckdb, sys; duckdb.execute(sys.stdin.read())"
        subprocess.run([bin_folder / "python", "-c", code], input=done.stdout, text=True, check=True)
        return differ("tables", len(list(out.rglob("*.parquet"))), len(list(out.rglob("*.csv"))))
    return None


IMPACT = {"heads": ["layer", "head", "scale"], "pairs": ["layer", "head", "h1", "h2", "scale"], "sets": ["layer", "heads", "label"],
          "patch": ["layer", "granularity"]}


def check_read(lab, reader, path):
    end = reader.ending
    for name, keys in IMPACT.items():
        table = "head_impact" if name in ("heads", "pairs") else "layer_impact"
        columns = ["run_id", "seed", *keys, "metric", "value"]
        matrix = table.replace("impact", "matrix")
        check(f"{name}_have_its_columns_in_{end}", check_types, reader, lab.child(name, "nég") / f"metrics/{table}", columns)
        check(f"{name}_of_several_have_its_columns_in_{end}", check_types, reader,
              lab.parent(name) / f"artifacts/cross_condition/{matrix}", [*columns, "condition"])
        check(f"rebuild_reads_{name}_in_{end}", check_rebuild, lab, reader, name, matrix)
        check(f"{name}_are_joined_from_its_runs_in_{end}", check_joined, lab, reader, name, matrix, path)
    of_head = lambda r: f"{r['layer']}:{r['head']}"
    of_place = lambda r: f"resid_post@{r['layer']}[all]"
    check(f"heads_are_the_runs_in_{end}", check_values, lab, reader, "heads", "head_impact", of_head)
    for scale in 0.0, 0.5:
        check(f"heads_scaled_by_{scale}_are_the_runs_in_{end}", check_values, lab, reader, "scales", "head_impact", of_head, scale)
    check(f"drawn_heads_are_each_seeds_own_in_{end}", check_values, lab, reader, "random", "head_impact", of_head)
    check(f"pairs_are_the_runs_in_{end}", check_values, lab, reader, "pairs", "head_impact", of_set)
    check(f"sets_are_the_runs_in_{end}", check_values, lab, reader, "sets", "layer_impact", of_set)
    of_sham = lambda r: f"sham resid_post@{r['layer']}[all]"
    check(f"shams_are_the_runs_in_{end}", check_values, lab, reader, "sham", "layer_impact", of_sham)
    check(f"patches_are_the_runs_in_{end}", check_values, lab, reader, "patch", "layer_impact", of_place)
    base = ["i", "pred_id", "target_id", "foil_id", "seed", "layer"]
    of_list = lambda r: "+".join(f"{r['layer']}:{h}" for h in (r["heads"] if isinstance(r["heads"], list) else r["heads"].split("-")))
    check(f"head_predictions_are_the_runs_in_{end}", check_examples, lab, reader, "heads", of_head, [*base, "head", "scale"])
    check(f"pair_predictions_are_the_runs_in_{end}", check_examples, lab, reader, "pairs",
          lambda r: f"{r['layer']}:{r['h1']}+{r['layer']}:{r['h2']}", [*base, "h1", "h2"])
    check(f"set_predictions_are_the_runs_in_{end}", check_examples, lab, reader, "sets", of_list, [*base, "heads", "label"])
    check(f"patch_predictions_are_the_runs_in_{end}", check_examples, lab, reader, "patch", of_place, [*base, "granularity"])
    for tag in "facts", "nég":
        values = compat_values(lab, "heads", tag)["logit_diff"]
        expected = {tuple(map(int, h.split(":"))): v for h, v in values.items()}
        check(f"head_ranks_of_{tag}_from_{end}", check_head_ranks, lab, reader, "heads", tag, expected)
    check(f"layer_spans_from_{end}", check_layer_spans, lab, reader)


def check_joined(lab, reader, name, matrix, path):
    """rebuild of its runs is what was written of several: with their folder named, and one by one."""
    parent = lab.parent(name) / "artifacts/cross_condition"
    for way, runs in ("joint", [lab.parent(name)]), ("single", [lab.child(name, c["tag"]) for c in CONDITIONS]):
        out = lab.scratch / f"joined-{name}-{way}-{reader.ending}"
        if reader.ending == "parquet":
            copies = [out.with_suffix(".runs") / run.name for run in [lab.parent(name), *(lab.child(name, c["tag"]) for c in CONDITIONS)]]
            for copy in copies:
                shutil.copytree(lab.runs / copy.name, copy, ignore=shutil.ignore_patterns("*.csv"))
            runs = copies[:1] if way == "joint" else copies[1:]
        lab.call("rebuild", *runs, "--export", out, "--quiet", path=path)
        found = out / "artifacts/cross_condition"
        read = lambda folder, file: json.loads((folder / file).read_text())
        fault = (differ("rows", reader.read(found / matrix), reader.read(parent / matrix))
                 or differ("invariants", read(found, "invariants.json"), read(parent, "invariants.json"))
                 or differ("summaries", read(found, "summary.json")["summaries"], read(parent, "summary.json")["summaries"])
                 or differ("conditions", read(found, "summary.json")["conditions"], [c["tag"] for c in CONDITIONS]))
        if fault:
            return f"{way}: {fault}"
    return None


def check_unread(lab):
    """Without DuckDB, runs that have Parquet alone are joined by their summaries, and it says so."""
    runs, out = lab.scratch / "parquet-alone", lab.scratch / "joined-unread"
    for c in CONDITIONS:
        shutil.copytree(lab.child("heads", c["tag"]), runs / c["tag"], ignore=shutil.ignore_patterns("*.csv", "*.parquet"))
        (runs / c["tag"] / "metrics/head_impact.parquet").write_bytes(b"PAR1")
    said = lab.call("rebuild", *(runs / c["tag"] for c in CONDITIONS), "--export", out, path="/nonexistent").stderr
    if "2 of 2 runs are Parquet" not in said:
        return said
    summary = json.loads((out / "artifacts/cross_condition/summary.json").read_text())
    expected = {c["tag"]: json.loads((runs / c["tag"] / "metrics/summary.json").read_text()) for c in CONDITIONS}
    return differ("summaries", summary["summaries"], expected) or differ("tables", list(out.rglob("*.csv")), [])


def check_checkpoints(lab):
    """Its runs of several checkpoints are told apart; numbers that are not finite are null."""
    runs, out = lab.scratch / "steps", lab.scratch / "joined-steps"
    for step in "step1", "step2":
        shutil.copytree(lab.child("heads", "facts"), runs / step)
        config = child_configs(lab.config("heads"))["facts"]
        config["model"] = {**config["model"], "revision": step}
        (runs / step / "config.json").write_text(json.dumps(config))
        (runs / step / "metrics/summary.json").write_text('{"kl_div": {"mean": NaN, "ci95": [-Infinity, Infinity], "values": [NaN]}}')
    lab.call("rebuild", runs / "step1", runs / "step2", "--export", out, "--quiet", path="/nonexistent")
    tags = ["tiny-gpt2@step1:facts", "tiny-gpt2@step2:facts"]
    summary = json.loads((out / "artifacts/cross_condition/summary.json").read_text())
    rows = Csv().read(out / "artifacts/cross_condition/head_matrix")
    none = {"kl_div": {"mean": None, "ci95": [None, None], "values": [None]}}
    return (differ("conditions", summary["conditions"], tags) or differ("rows", list(dict.fromkeys(r["condition"] for r in rows)), tags)
            or differ("summaries", summary["summaries"], dict.fromkeys(tags, none)))


def check_mixed(lab):
    said = lab.call("rebuild", lab.child("heads", "facts"), lab.scratch / "flat", "--export", lab.scratch / "mixed", status=2).stderr
    return None if "lab-tables" in said else said


def check_labels(lab):
    rows = Csv().read(lab.child("sets", "facts") / "metrics/layer_impact")
    return differ("labels", {(r["heads"], r["label"]) for r in rows}, {("2-4-7", "triplet"), ("0-3", "0-3")})


def check_granularity(lab):
    rows = Csv().read(lab.child("patch", "facts") / "metrics/layer_impact")
    return differ("granularity", {r["granularity"] for r in rows}, {"layer_resid"})


# ----------------------------------------------------------------------------------------------- whole

def main():
    program, build = os.path.realpath(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        lab = Lab(program, Path(scratch))
        for name in [*BATTERIES, "flat"]:
            lab.run(name, "--compat", "tinylab")
        made = subprocess.run(["tools/readers.sh", str(build / "readers")], capture_output=True, text=True)
        bin_folder = Path(os.path.abspath(made.stdout.strip())).parent if made.returncode == 0 else None
        path = f"{bin_folder}:/nonexistent" if bin_folder else "/nonexistent"
        lab.call("lab-tables", *(lab.scratch / name for name in [*BATTERIES, "flat"]), "--out", lab.runs, "--quiet", path=path)
        check("folders_are_called_as_there", check_folders, lab)
        check("configs_are_those_that_its_orchestrator_makes", check_configs, lab)
        check_read(lab, Csv(), "/nonexistent")
        if bin_folder:
            check_read(lab, Parquet(bin_folder / "python"), path)
        else:
            skip("tables_are_read_as_parquet", "DuckDB cannot be installed: " + (made.stderr.strip().splitlines() or ["?"])[-1])
        for name, table in ("heads", "head_impact"), ("random", "head_impact"), ("patch", "layer_impact"):
            check(f"summary_of_{name}_is_over_components_and_seeds", check_summary, lab, name, table)
        check("invariants_are_by_its_rule", check_invariants, lab)
        check("a_run_of_one_condition_has_its_seed", check_flat, lab)
        check("sets_are_called_as_the_battery_calls_them", check_labels, lab)
        check("patches_are_called_as_there", check_granularity, lab)
        check("metrics_of_our_conventions_are_by_its_definitions", check_ours, lab)
        check("other_kinds_of_ablation_have_no_scale", check_kinds, lab)
        check("what_it_has_no_tables_for_is_refused", check_refusals, lab)
        check("folders_of_others_stay", check_strangers, lab)
        check("its_parquet_is_said_to_be_unread_without_duckdb", check_unread, lab)
        check("its_checkpoints_are_told_apart", check_checkpoints, lab)
        check("its_runs_and_ours_are_not_joined", check_mixed, lab)
        check("without_duckdb_its_sql_is_printed", check_without, lab, bin_folder)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


main()
