"""Answers that are lists, and foils that nobody named: python3 tests/experiments/answers.py PROGRAM

Greater-than by lists of digits is the sum of probabilities added up by hand over transformers' logits, and foils that the model
chooses are its highest tokens (tests/fixtures/experiments/answers.json, by tools/golden_answers.py); foils that are drawn are
targets of other rows, each once. Prints a line a check; exit status 0 only if all pass.
"""
import csv
import json
import math
import os
import re
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
GOLDEN = json.load(open("tests/fixtures/experiments/answers.json"))
K = GOLDEN["k"]
TOLERANCE = 2e-4
failed = 0


def check(name, problem):
    global failed
    print(f"[  {'FAILED' if problem else 'PASSED'}  ] {name}" + (f"\n    {problem}" if problem else ""))
    failed += bool(problem)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def write(path, rows):
    open(path, "w").writelines(json.dumps(r) + "\n" for r in rows)
    return path


def table(folder, name):
    return list(csv.DictReader(open(f"{folder}/metrics/{name}.csv", newline="")))


def tables(out, *options):
    """Baseline and rows under variants of a run; empty with a failed check where it does not run."""
    said = run(*options, "--quiet", "--export", out)
    if said.returncode:
        check(f"{os.path.basename(out)}_runs", said.stderr)
        return [], []
    return table(out, "baseline"), table(out, "per_example")


def off(name, found, expected, tolerance=TOLERANCE):
    wrong = abs(float(found) - expected) / max(1, abs(expected))
    return None if wrong <= tolerance else f"{name}: found {found}, expected {expected}"


def ids(cell):
    return [int(i) for i in cell.split("|")]


def greater_than(folder, model):
    golden = GOLDEN[model]["greater"]
    data = write(f"{folder}/greater.jsonl", [{k: r[k] for k in ("clean", "target", "foil")} for r in golden])
    for how in ("lse", "mean"):
        baseline, _ = tables(f"{folder}/{model}-{how}", "--model", model, "--data", data, "--answers", how, "--heads", "0:0")
        problems = []
        for r, g in zip(baseline, golden):
            ld = math.log(g["target_p"] / g["foil_p"]) if how == "lse" else g["mean_ld"]
            problems += [off(f"ld behind {g['clean']}", r["ld"], ld), off("ln of the sum of p", r["logprob"], math.log(g["target_p"])),
                         off("sum of p", float(r["prob"]) / g["target_p"], 1)]
            problems += [f"{side}: {r[side]}, expected {g[side]}" for side in ("target_ids", "foil_ids") if ids(r[side]) != g[side]]
        check(f"greater_than_by_{how}_on_{model}_is_what_hands_add_up", next(filter(None, problems), None if baseline else "no rows"))


def foils_of_the_model(folder, model):
    golden = GOLDEN[model]["foils"]
    rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:len(golden)]
    data = write(f"{folder}/open.jsonl", [{k: r[k] for k in ("clean", "corrupt", "target")} for r in rows])
    rule = ["--model", model, "--data", data, "--foil", f"top:{K}"]
    for how in ("lse", "mean"):
        out = f"{folder}/{model}-top-{how}"
        baseline, changed = tables(out, *rule, "--answers", how, "--heads", "0:0")
        problems = [off(f"ld of row {i}", r["ld"], g[f"{how}_ld"]) for i, (r, g) in enumerate(zip(baseline, golden))]
        problems += [f"row {i}: {r['foil_ids']}, expected {g['foil_ids']}" for i, (r, g) in enumerate(zip(baseline, golden))
                     if ids(r["foil_ids"]) != g["foil_ids"]]
        if how == "lse" and changed:
            problems.append(off("ld under 0:0", changed[0]["ld"], GOLDEN[model]["foils_under"]))
        check(f"top_{K}_by_{how}_on_{model}_are_the_highest_tokens", next(filter(None, problems), None if baseline else "no rows"))
    said = [json.load(open(f"{out}/{f}.json")).get("foil") for f in ("config", "provenance", "metrics/summary")]
    check(f"the_rule_is_named_on_{model}", None if said == [f"top:{K}"] * 3 else said)
    baseline, _ = tables(f"{folder}/{model}-patch", *rule, "--experiment", "patch", "--patch-site", "resid_pre")
    same = [ids(r["foil_ids"]) for r in baseline] == [g["foil_ids"] for g in golden]
    check(f"a_patch_into_corrupt_prompts_has_the_clean_ones_foils_on_{model}", None if same else [r["foil_ids"] for r in baseline])
    said = run(*rule, "--answers", "mean", "--heads", "0:0", "--export", out, "--resume")
    check(f"such_a_run_is_known_when_it_is_whole_on_{model}", None if said.returncode == 0 and "complete" in said.stderr else said.stderr)
    baseline, _ = tables(f"{folder}/{model}-blocks", *rule, "--heads", "0:0", "--mem", "16K", "--answers", "mean")
    same = [ids(r["foil_ids"]) for r in baseline] == [g["foil_ids"] for g in golden]
    check(f"blocks_do_not_matter_on_{model}", None if same else [r["foil_ids"] for r in baseline])


def foils_of_others(folder):
    rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:30]
    known = {i: r["foil"] for i, r in enumerate(rows) if i % 5 == 0}
    data = write(f"{folder}/others.jsonl", [{"clean": r["clean"], "target": r["target"], **({"foil": known[i]} if i in known else {})}
                                            for i, r in enumerate(rows)])
    found = {}
    for name, options in (("a", []), ("b", []), ("other_seed", ["--seed", "7"])):
        found[name], _ = tables(f"{folder}/others-{name}", "--data", data, "--foil", "others:3", "--heads", "0:0", *options)
    text = {r["target_ids"]: rows[i]["target"] for i, r in enumerate(found["a"])}
    problems = []
    for i, r in enumerate(found["a"]):
        drawn = r["foil_ids"].split("|")
        if i in known:
            problems += [f"row {i} names one foil, found {drawn}"] if len(drawn) != 1 else []
            continue
        if len(set(drawn)) != 3 or any(d not in text or text[d] == rows[i]["target"] for d in drawn):
            problems.append(f"row {i}: {drawn} are not three targets of other rows")
    check("others_are_targets_of_other_rows_each_once", next(iter(problems), None if found["a"] else "no rows"))
    check("the_same_seed_draws_the_same", None if found["a"] == found["b"] else "they differ")
    check("another_seed_draws_others", None if found["a"] != found["other_seed"] else "they are the same")
    counts = {}
    for r in found["a"]:
        for d in r["foil_ids"].split("|"):
            counts[d] = counts.get(d, 0) + 1
    check("no_target_is_drawn_by_all", None if found["a"] and max(counts.values()) < 24 / 2 else counts)


def of_templates(folder):
    open(f"{folder}/slots.csv", "w").write("WHO,target\nBob, book\nMary, store\nGeorge, theater\n")
    base, _ = tables(f"{folder}/made", "--template", "{WHO} went to the", "--slots", f"{folder}/slots.csv", "--foil", "others:2", "--heads", "0:0")
    right = len(base) == 9 and all(len(ids(r["foil_ids"])) == 2 and r["target_ids"] not in r["foil_ids"].split("|") for r in base)
    check("templates_may_do_without_a_foil", None if right else base)


def refused(folder):
    data = ["--data", f"{folder}/others.jsonl"]
    cases = [
        ("a_row_without_a_foil", 3, data, '"foil" is missing: .*--map foil=NAME; where rows have none, --foil top:5 or others:5'),
        ("more_others_than_there_are", 3, [*data, "--foil", "others:900"], "line 2: --foil others:900 finds [0-9]+ other targets .*take a smaller number"),
        ("a_rule_that_is_none", 2, [*data, "--foil", "best"], "bad value 'best' for --foil: expected top:K or others:K"),
        ("no_foils", 2, [*data, "--foil", "top:0"], "bad value 'top:0'"),
        ("whole_answers", 2, [*data, "--foil", "top:3", "--span", "full", "--export", "x"], "--span full scores whole answers"),
        ("tinylab", 2, [*data, "--foil", "top:3", "--compat", "tinylab", "--export", "x"], "--foil does nothing for --compat tinylab"),
        ("shards_of_the_models_choice", 2, [*data, "--foil", "top:3", "--shard", "1/2", "--export", f"{folder}/x"], "--shard cannot choose --foil top:3"),
    ]
    for name, status, options, pattern in cases:
        said = run(*(["check"] if "--export" not in options else []), *options)
        lines = said.stderr.splitlines()
        right = said.returncode == status and len(lines) == 1 and re.search(pattern, lines[0])
        check(f"refuses_{name}", None if right else f"status {said.returncode}, expected {status} and {pattern}: {lines[:2]}")


with tempfile.TemporaryDirectory() as scratch:
    for bundled in ("tiny-gpt2", "tiny-llama"):
        greater_than(scratch, bundled)
        foils_of_the_model(scratch, bundled)
    foils_of_others(scratch)
    of_templates(scratch)
    refused(scratch)
print(f"{failed} failed")
sys.exit(failed > 0)
