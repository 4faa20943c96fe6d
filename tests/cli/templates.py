"""Rows made of templates: python3 tests/cli/templates.py PROGRAM

What --template and --slots make are the rows that a script of ten lines crosses, to the byte of every table; what is wrong with
either is told in one line. Prints a line a check; exit status 0 only if all pass.
"""
import csv
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
TABLES = ["baseline", "rows", "layer_impact", "per_example", "by_group"]
NAMES = ["A", "B", "PLACE"]
CLEAN = ["When {A} and {B} left the {PLACE}, {B} lent the book to", "At the {PLACE} {B} met {A}, so {B} thanked"]
CORRUPT = ["When {A} and {B} left the {PLACE}, {A} lent the book to", "At the {PLACE} {B} met {A}, so {A} thanked"]
VALUES = {"A": ["Bob", "George", "Alice"], "B": ["Mary", "Bob", "George"], "PLACE": ["store", "theater"]}
failed = 0


def check(name, problem):
    global failed
    print(f"[  {'FAILED' if problem else 'PASSED'}  ] {name}" + (f"\n    {problem}" if problem else ""))
    failed += bool(problem)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def write_csv(path, columns):
    """Columns of unequal length, which empty cells fill up; a value may come twice."""
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(list(columns))
        w.writerows(itertools.zip_longest(*columns.values(), fillvalue=""))


def spans(template, values):
    """Of each slot where it stands, the second time under another name."""
    found, at, text = {}, 0, ""
    for part in re.split(r"(\{\w+\})", template):
        if not part.startswith("{"):
            text += part
            continue
        name = part[1:-1]
        times = 1 + sum(re.fullmatch(name + r"\d*", k) is not None for k in found)
        found[name if times == 1 else f"{name}{times}"] = [len(text), len(text) + len(values[name])]
        text += values[name]
    return text, found


def crossed(templates, corrupt, values, used):
    for clean, other in zip(templates, corrupt):
        for chosen in itertools.product(*(values[n] for n in used)):
            if len(set(chosen)) < len(chosen):
                continue
            of = dict(zip(used, chosen))
            text, where = spans(clean, of)
            text2, where2 = spans(other, of)
            yield {"clean": text, "corrupt": text2, "target": " " + of["A"], "foil": " " + of["B"], "template": clean,
                   "cluster": "|".join(sorted(chosen)), "spans": where, "corrupt_spans": where2, **of}


def templates_of(clean, corrupt, slots, *more):
    return [o for t in clean for o in ("--template", t)] + [o for t in corrupt for o in ("--corrupt", t)] + ["--slots", slots, *more]


def is_what_a_script_crosses(folder):
    slots = f"{folder}/slots.csv"
    write_csv(slots, {**VALUES, "PLACE": ["store", "theater", "store"], "NOTE": ["of no template"]})
    rows = list(crossed(CLEAN, CORRUPT, VALUES, NAMES))
    os.mkdir(f"{folder}/by-hand")
    open(f"{folder}/by-hand/slots.jsonl", "w").writelines(json.dumps(r) + "\n" for r in rows)
    options = ["--experiment", "patch", "--positions", "A:last,B2:last,diff", "--by", "PLACE", "--quiet"]
    made = run(*templates_of(CLEAN, CORRUPT, slots, "--map", "target=A,foil=B"), *options, "--export", f"{folder}/made")
    hand = run("--data", f"{folder}/by-hand/slots.jsonl", *options, "--export", f"{folder}/hand")
    if made.returncode or hand.returncode:
        check("templates_run", made.stderr + hand.stderr)
        return
    for t in TABLES:
        same = open(f"{folder}/made/metrics/{t}.csv").read() == open(f"{folder}/hand/metrics/{t}.csv").read()
        check(f"{t}_of_templates_is_that_of_the_rows", None if same else f"made and hand differ: {len(rows)} rows by hand")
    config = json.load(open(f"{folder}/made/config.json"))
    right = config["templates"] == [{"clean": a, "corrupt": b} for a, b in zip(CLEAN, CORRUPT)] and config["map"] == "target=A,foil=B"
    check("config_has_the_templates", None if right else config)
    data = json.load(open(f"{folder}/made/provenance.json"))["data"]
    check("provenance_has_the_slots_path", None if (data["path"], data["rows"]) == (slots, len(rows)) else data)
    scope = json.load(open(f"{folder}/made/metrics/summary.json"))["scope"]
    check("two_templates_are_these_wordings_only", None if scope == "for these wordings only" else scope)


def of_check(*options):
    """Rows that check counts, and its status."""
    said = run("check", *options, "--json")
    return json.loads(said.stdout)["rows"] if said.stdout else said.stderr


def columns_that_go_together(folder):
    slots = f"{folder}/pairs.csv"
    write_csv(slots, {"COUNTRY|CAPITAL": ["France|Paris", "Italy|Rome", "France|Paris"], "foil": [" Bangkok", " Oslo"], "VERB": ["is", "was"]})
    options = ["--slots", slots, "--map", "target=CAPITAL"]
    rows = of_check("--template", "The capital of {COUNTRY} {VERB} called", *options)
    check("columns_under_one_title_go_together", None if rows == 2 * 2 * 2 else rows)
    out = f"{folder}/pairs"
    said = run("--template", "The capital of {COUNTRY} {VERB}", *options, "--rows", "3", "--fix-spaces", "--heads", "0:0", "--quiet", "--export", out)
    made = list(csv.DictReader(open(f"{out}/metrics/baseline.csv"))) if said.returncode == 0 else []
    check("rows_cut_them_short", None if len(made) == 3 else said.stderr)
    spaced = json.load(open(f"{out}/provenance.json"))["data"]["spaced"] if made else None
    check("an_answer_outside_the_prompt_is_as_it_is_written", None if spaced == 3 else f"{spaced} were given a space, expected 3")


def answers_that_are_lists(folder):
    slots = f"{folder}/years.csv"
    write_csv(slots, {"Y|target|foil": ['Paris|[" Rome", " Oslo"]|[" Lima"]', 'Rome|[" Lima"]|[" Oslo", " Paris"]']})
    out = f"{folder}/years"
    said = run("--template", "Not {Y} but {{{Y}}}", "--slots", slots, "--heads", "0:0", "--quiet", "--export", out)
    found = [(r["target_ids"].count("|"), r["foil_ids"].count("|")) for r in csv.DictReader(open(f"{out}/metrics/baseline.csv"))] \
        if said.returncode == 0 else said.stderr
    check("answers_may_be_lists", None if found == [(1, 0), (0, 1)] else found)


def eight_templates_are_clusters(folder):
    slots = f"{folder}/slots.csv"
    texts = [f"{w} {{A}} and {{B}} left, {{B}} thanked" for w in "When After As While Before Once Since Though".split()]
    said = run("check", *(o for t in texts for o in ("--template", t)), "--slots", slots, "--map", "target=A,foil=B")
    check("eight_templates_are_clusters", None if "8 clusters by template" in said.stdout else said.stdout + said.stderr)
    said = run(*templates_of(texts, [], slots, "--map", "target=A,foil=B", "--dry-run"))
    check("a_dry_run_makes_them", None if "slots/all: 56 rows" in said.stdout else said.stdout + said.stderr)


def wrong(folder):
    slots, other = f"{folder}/slots.csv", f"{folder}/other.csv"
    named = ["--slots", slots, "--map", "target=A,foil=B"]
    cases = [
        ("a_slot_that_is_no_column", 2, ["--template", "The {X} is", *named], r'no column of .*slots.csv\' is called "X", only "A", "B", "PLACE"'),
        ("a_brace_that_stays_open", 2, ["--template", "The {A is", *named], "a brace without its partner"),
        ("a_brace_that_closes_nothing", 2, ["--template", "The A} is", *named], "a brace without its partner"),
        ("templates_without_a_target", 2, ["--template", "The {A} is", "--slots", slots], 'is called "target".*--map target=SLOT'),
        ("a_map_of_the_prompt", 2, ["--template", "The {A} is", "--slots", slots, "--map", "clean=A"], "--map names only target and foil"),
        ("too_few_corrupt", 2, ["--template", "{A} {B}", "--template", "{B} {A}", "--corrupt", "{B}", *named], "--corrupt is given 1 times for 2 --template"),
        ("templates_without_slots", 2, ["--template", "The {A} is"], "--template needs --slots FILE"),
        ("slots_without_templates", 2, ["--slots", slots], "--slots needs --template TEXT"),
        ("templates_beside_data", 2, ["facts", "--template", "The {A} is", *named], "leave 'facts' out"),
        ("a_split_of_templates", 2, ["--template", "The {A} is", *named, "--split", "test"], "have no split"),
        ("a_span_that_is_a_slot", 2, ["--template", "{A} {B} {A}", "--slots", other], 'has {A} again, whose span is called "A2", which is a slot'),
        ("a_missing_table", 3, ["--template", "The {A} is", "--slots", f"{folder}/none.csv"], "none.csv"),
    ]
    write_csv(other, {"A": ["Bob"], "B": ["Al"], "A2": ["Jo"], "target": [" x"], "foil": [" y"]})
    tables = [
        ("a_slot_called_clean", "clean,B\nx,y\n", '"clean" is what templates make'),
        ("a_slot_twice", "A,A|B\nx,y|z\n", '"A" is a slot already'),
        ("a_pair_without_its_other", "A|B,C\nx,y\n", 'line 2: "A[|]B" has a cell with another number of [|]'),
        ("a_row_too_long", "A,B\nx,y,z\n", "line 2: 3 cells where the first line names 2"),
        ("no_row_left", "A,B\nx,x\n", "has no rows"),
    ]
    for name, status, options, pattern in cases:
        one_line(name, run("check", *options), status, pattern)
    for name, text, pattern in tables:
        open(f"{folder}/t.csv", "w").write(text)
        one_line(name, run("check", "--template", "{A} and {B}", "--slots", f"{folder}/t.csv", "--map", "target=A,foil=B"), 3, pattern)
    many = {c: [f"{c}{i}" for i in range(400)] for c in "ABC"}
    write_csv(f"{folder}/many.csv", many)
    one_line("more_rows_than_there_may_be", run("check", "--template", "{A} {B} {C}", "--slots", f"{folder}/many.csv", "--map", "target=A,foil=B"), 3,
             "cross into more than 1000000 rows a template")


def one_line(name, said, status, pattern):
    lines = said.stderr.splitlines()
    right = said.returncode == status and len(lines) == 1 and re.search(pattern, lines[0])
    check(f"refuses_{name}", None if right else f"status {said.returncode}, expected {status} and {pattern}: {lines[:2]}")


with tempfile.TemporaryDirectory() as scratch:
    is_what_a_script_crosses(scratch)
    columns_that_go_together(scratch)
    answers_that_are_lists(scratch)
    eight_templates_are_clusters(scratch)
    wrong(scratch)
print(f"{failed} failed")
sys.exit(failed > 0)
