"""Data files of every format, and lists of answers: python3 tests/cli/imports.py PROGRAM

The same rows as JSONL, JSON, CSV, TSV and, where DuckDB is there, Parquet give the same bytes of tables; what is malformed is
told in one line that says where and what to do; lists score as their tokens one by one say. Prints a line a check; exit status
0 only if all pass.
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
MAP = "clean=prompt,target=answer,foil=wrong,corrupt=other,id=key,template=kind,cluster=group,spans=stretches"
NAMES = dict(part.split("=") for part in MAP.split(","))
TABLES = ["baseline", "rows", "head_impact", "per_example"]
failed = 0


def check(name, problem):
    global failed
    print(f"[  {'FAILED' if problem else 'PASSED'}  ] {name}" + (f"\n    {problem}" if problem else ""))
    failed += bool(problem)


def run(*arguments, path=None, stdin=None):
    env = dict(os.environ, PATH=path) if path else None
    return subprocess.run([PROGRAM, *arguments], capture_output=True, env=env, input=stdin, stdin=None if stdin else subprocess.DEVNULL)


def table(folder, name):
    return list(csv.DictReader(open(f"{folder}/metrics/{name}.csv", newline="")))


# ------------------------------------------------------------------------------------------ the same rows in every format


def examples():
    """Rows with all that is awkward in a cell."""
    rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:40]
    for i, row in enumerate(rows):
        row["cluster"] = f"c,{i // 2}"
        if i % 3 == 0:
            row["target"] = [row["target"], " animal"]
        if i % 7 == 0:
            for field in ("clean", "corrupt"):
                row[field] = 'He said "one, two",\nthen:\t' + row[field]
        if i % 5 == 0:
            row["spans"] = {"x": [0, 2]}
    return [{NAMES[field]: value for field, value in row.items() if field in NAMES} for row in rows]


def cell(value):
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def write_formats(folder, rows):
    columns = list(NAMES.values())
    with open(f"{folder}/r.jsonl", "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    json.dump(rows, open(f"{folder}/r.json", "w"), indent=2)
    json.dump({"version": 1, "data": rows}, open(f"{folder}/within.json", "w"))
    os.link(f"{folder}/r.jsonl", f"{folder}/lines.json")
    for name, separator, end, mark in [("r.csv", ",", "\n", ""), ("windows.csv", ";", "\r\n", "\ufeff"), ("r.tsv", "\t", "\n", "")]:
        with open(f"{folder}/{name}", "w", newline="") as f:
            f.write(mark)
            w = csv.writer(f, delimiter=separator, lineterminator=end)
            w.writerow(columns)
            w.writerows([cell(row.get(c)) for c in columns] for row in rows)
    return ["r.json", "within.json", "lines.json", "r.csv", "windows.csv", "r.tsv"]


def write_parquet(folder):
    """False where there is no DuckDB to write it with, or to read it."""
    columns = ", ".join(f"'{c}': '{'JSON' if c in ('answer', 'stretches') else 'VARCHAR'}'" for c in NAMES.values())
    sql = f"COPY (SELECT * FROM read_json('{folder}/r.jsonl', format='newline_delimited', columns={{{columns}}})) " \
          f"TO '{folder}/r.parquet' (FORMAT parquet);"
    for command in (["duckdb", "-bail"], ["python3", "-c", "import duckdb, sys; duckdb.execute(sys.stdin.read())"]):
        try:
            if subprocess.run(command, input=sql, text=True, capture_output=True).returncode == 0:
                return True
        except FileNotFoundError:
            pass
    return False


def same_tables(folder):
    formats = write_formats(folder, examples())
    if write_parquet(folder):
        formats.append("r.parquet")
    else:
        print("[  SKIPPED ] parquet_gives_the_same_tables: there is no DuckDB here")
    found = {}
    for name in ["r.jsonl"] + formats:
        out = f"{folder}/of-{name}"
        said = run("--data", f"{folder}/{name}", "--map", MAP, "--skip-bad", "--heads", "0:0,1:1", "--quiet", "--export", out)
        if said.returncode:
            check(f"{name}_is_read", said.stderr.decode())
            continue
        found[name] = [open(f"{out}/metrics/{t}.csv").read().split("\n", 1) for t in TABLES]
    for name in formats:
        label = name.rsplit(".", 1)[0]  # the condition's name
        expected = [[head, body.replace('"r"', f'"{label}"')] for head, body in found["r.jsonl"]]
        different = [t for t, a, b in zip(TABLES, expected, found.get(name, expected)) if a != b]
        check(f"{name}_gives_the_same_tables", f"{', '.join(different)} differ" if different else None)


# ----------------------------------------------------------------------------------------------------- what is malformed

ROW = '{"clean": "A", "target": " a", "foil": " b"}\n'
HEAD = b"clean,target,foil\n"
MALFORMED = [
    # name, file, bytes, options, what the line says
    ("empty_csv", "x.csv", b"", [], "line 1: the file is empty: expected a line that names the columns"),
    ("only_a_header", "x.csv", HEAD, [], "has no rows"),
    ("no_clean_column", "x.csv", b"prompt,target,foil\nA, a, b\n", [], r'line 1: no column is called "clean", only "prompt", "target", "foil": say which it is with --map clean=NAME'),
    ("no_target_column", "x.csv", b"clean,answer,foil\nA, a, b\n", [], '"target".*--map target=NAME'),
    ("no_foil_column", "x.csv", b"clean,target\nA, a\n", [], '"foil".*--map foil=NAME'),
    ("mapped_column_is_missing", "x.csv", HEAD + b"A, a, b\n", ["--map", "id=key"], 'no column is called "key".*--map id=NAME'),
    ("two_columns_of_one_name", "x.csv", b"clean,target,foil,target\nA, a, b, c\n", [], 'two columns are called "target": rename one'),
    ("a_cell_too_many", "x.csv", HEAD + b"A, a, b\nOh, A, a, b\n", [], "line 3: 4 cells where the first line names 3 columns: quote a cell"),
    ("a_cell_too_few", "x.csv", HEAD + b"A, a\n", [], "line 2: 2 cells where the first line names 3 columns"),
    ("a_row_behind_a_long_cell", "x.csv", HEAD + b'"A\nB\nC", a, b\nA\n', [], "line 5: 1 cells"),
    ("a_quote_within_a_cell", "x.csv", HEAD + b'"A" b, a, b\n', [], "line 2: a quote stands inside a cell: put the whole cell in quotes and write the quote twice"),
    ("an_open_quote", "x.csv", HEAD + b'A, a, b\n"B, a, b\nC\n', [], "line 3: a cell that begins with a quote has no quote at its end"),
    ("an_empty_clean", "x.csv", HEAD + b", a, b\n", [], '\'[^\']*x.csv\' line 2: "clean" is missing'),
    ("an_empty_target", "x.csv", HEAD + b"A,, b\n", [], 'line 2: "target" is missing'),
    ("an_empty_foil_in_tsv", "x.tsv", b"clean\ttarget\tfoil\nA\t a\t\n", [], 'line 2: "foil" is missing'),
    ("latin_1", "x.csv", HEAD + "café, a, b\n".encode("latin-1"), [], "line 2: byte 0xe9 is no UTF-8: save the file as UTF-8"),
    ("utf_16", "x.csv", "clean,target,foil\n".encode("utf-16"), [], "is UTF-16: save the file as UTF-8"),
    ("a_nul", "x.csv", HEAD + b"A\0, a, b\n", [], "line 2: a cell holds a NUL character"),
    ("a_python_list", "x.csv", HEAD + b"A,\"[' a', ' b']\", c\n", [], r'line 2: "target": \[\' a\', \' b\'\] looks like a list but is no JSON: write \[" a", " b"\]'),
    ("a_list_of_numbers", "x.csv", HEAD + b'A,"[1, 2]", c\n', [], 'line 2: "target" is no string but a number: put it in quotes'),
    ("an_empty_list", "x.csv", HEAD + b"A,[], c\n", [], 'line 2: "target" is an empty list'),
    ("spans_that_are_none", "x.csv", b"clean,target,foil,spans\nA, a, b,here\n", [], 'line 2: "spans": expected \\{'),
    ("spans_beyond_the_prompt", "x.csv", b'clean,target,foil,spans\nA, a, b,"{""x"": [0, 9]}"\n', [], "line 2: .*x"),
    ("tabs_called_tsv_with_commas", "x.tsv", HEAD + b"A, a, b\n", [], 'no column is called "clean", only "clean,target,foil"'),
    ("a_table_called_jsonl", "x.jsonl", HEAD + b"A, a, b\n", [], "line 1: found a table, expected JSON objects: name the file .csv"),
    ("a_table_on_standard_input", "-", HEAD + b"A, a, b\n", ["--split", "all"], "found a table"),
    ("a_table_called_json", "x.json", HEAD + b"A, a, b\n", [], "x.json' at byte 0: found 'c', expected an array"),
    ("columns_of_json", "x.json", b'{"clean": {"0": "A"}, "target": {"0": " a"}}', [], "an object where rows are a list: expected .*orient='records'"),
    ("two_lists_of_json", "x.json", b'{"a": [], "b": []}', [], "two lists, where rows are one"),
    ("a_list_of_strings", "x.json", b'["A", "B"]', [], "x.json' line 1 at byte 0: found '\"', expected an object"),
    ("json_that_ends_early", "x.json", b'[{"clean": "A", "target": " a", "foil": " b"}', [], "x.json' at byte 45: found the end of the text"),
    ("json_with_nan", "x.json", b'[{"clean": "A", "target": " a", "foil": NaN}]', [], "x.json' at byte 40: found 'N'"),
    ("a_row_without_foil_in_json", "x.json", b'[\n{"clean": "A", "target": " a"}]', [], 'line 2 .*"foil" is missing: where it is called something else, say --map foil=NAME'),
    ("a_list_where_a_prompt_is", "x.jsonl", b'{"clean": ["A", "B"], "target": " a", "foil": " b"}\n', [], '"clean" is no string but a list: give each its own row'),
    ("an_object_where_an_answer_is", "x.jsonl", b'{"clean": "A", "target": {"a": 1}, "foil": " b"}\n', [], '"target" is no string but an object: .*give a list of strings'),
    ("a_number_where_an_answer_is", "x.jsonl", b'{"clean": "A", "target": 7, "foil": " b"}\n', [], "put it in quotes, with its leading space, or give a list"),
    ("a_list_of_lists", "x.jsonl", b'{"clean": "A", "target": [[" a"]], "foil": " b"}\n', [], '"target" is no string but a list'),
    ("an_empty_text_in_a_list", "x.jsonl", b'{"clean": "A", "target": [""], "foil": " b"}\n', [], '"target" is empty'),
    ("a_workbook", "x.csv", b"PK\x03\x04\0\0", [], "is a spreadsheet or a zip archive: save the sheet as CSV"),
    ("a_compressed_file", "x.csv", b"\x1f\x8b\x08\0", [], "is compressed: unpack it with gunzip"),
    ("parquet_called_csv", "x.csv", b"PAR1\0\0", [], "is Parquet: name it .parquet"),
    ("csv_called_parquet", "x.parquet", HEAD, [], "is no Parquet: name it by what it is"),
    ("parquet_that_is_cut", "x.parquet", b"PAR1\0\0", [], "too small|which takes DuckDB"),
    ("parquet_on_standard_input", "-", b"PAR1\0\0", ["--split", "all"], "is Parquet"),
    ("a_missing_file", "none.csv", None, [], "none.csv"),
]
USAGE = [
    ("a_field_that_is_none", "prompt=x", "--map: 'prompt=x': expected FIELD=NAME with clean, corrupt, target"),
    ("a_map_without_names", "clean", "--map: 'clean': expected FIELD=NAME"),
    ("a_map_with_an_empty_name", "clean=", "expected the name of a column behind ="),
    ("a_field_mapped_twice", "clean=a,clean=b", '"clean" is named twice'),
    ("a_map_with_an_empty_part", "clean=a,,foil=b", "expected FIELD=NAME"),
]


def one_line(name, said, status, pattern):
    lines = said.stderr.decode(errors="replace").splitlines()
    problem = None
    if said.returncode != status:
        problem = f"status {said.returncode}, expected {status}: {lines[:2]}"
    elif len(lines) != 1 or not re.search(pattern, lines[0]):
        problem = f"expected one line matching {pattern}\n    found {lines[:3]}"
    check(f"refuses_{name}", problem)


def malformed(folder):
    for name, file, content, options, pattern in MALFORMED:
        path = "-" if file == "-" else f"{folder}/{file}"
        if content is not None and path != "-":
            open(path, "wb").write(content)
        one_line(name, run("check", "--data", path, *options, stdin=content if path == "-" else None), 1 if "_cut" in name else 3, pattern)
    open(f"{folder}/x.parquet", "wb").write(b"PAR1\0\0")
    one_line("parquet_without_duckdb", run("check", "--data", f"{folder}/x.parquet", path="/nowhere"), 1,
             "is Parquet, which takes DuckDB to read: install it .*or save the file as CSV or JSON")
    for name, text, pattern in USAGE:
        one_line(name, run("check", "--data", "facts", "--map", text), 2, pattern)


def variants(folder):
    """A corpus for a tokenizer out of a table is JSON lines of its own columns."""
    rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:6]
    with open(f"{folder}/v.csv", "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["prompt", "target", "foil"])
        w.writerows([r["clean"], r["target"], " nothingofthekind" if i == 2 else r["foil"]] for i, r in enumerate(rows))
    said = run("variants", f"{folder}/v.csv", "--map", "clean=prompt", "--tokenizer", "data/models/tiny-gpt2", "--suffix", "x",
               "--out", folder, "--quiet")
    found = [json.loads(line) for line in open(f"{folder}/v_x.jsonl")] if said.returncode == 0 else said.stderr
    expected = [{"prompt": r["clean"], "target": r["target"], "foil": r["foil"]} for i, r in enumerate(rows) if i != 2]
    check("variants_of_a_table_are_lines", None if found == expected else f"found {found}")


def spaces(folder):
    """Answers without their leading space, given it, are the rows that have it."""
    rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:8]
    found = {}
    for name, cut in (("with", lambda s: s), ("without", str.lstrip)):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
        with open(f"{folder}/{name}/s.csv", "w", newline="") as f:
            w = csv.writer(f)
            w.writerow(["clean", "target", "foil"])
            w.writerows([r["clean"], cut(r["target"]), cut(r["foil"])] for r in rows)
        said = run("--data", f"{folder}/{name}/s.csv", "--fix-spaces", "--heads", "0:0", "--quiet", "--export", f"{folder}/{name}/run")
        if said.returncode:
            check(f"answers_{name}_spaces_run", said.stderr.decode())
            return
        found[name] = [open(f"{folder}/{name}/run/metrics/{t}.csv").read() for t in TABLES]
        spaced = json.load(open(f"{folder}/{name}/run/provenance.json"))["data"]["spaced"]
        check(f"rows_{name}_spaces_are_counted", None if spaced == (8 if name == "without" else 0) else f"spaced is {spaced}")
    check("spaces_that_are_given_are_those_of_the_file", None if found["with"] == found["without"] else "tables differ")
    said = run("check", "--data", f"{folder}/without/s.csv")
    one_line("answers_without_their_space", said, 3, "tokens, ' .*' is one, as --fix-spaces makes it")


# ------------------------------------------------------------------------------------------------------ lists of answers


def near(name, found, expected, tolerance=2e-5):
    off = abs(float(found) - expected)
    return None if off <= tolerance * max(1, abs(expected)) else f"{name}: found {found}, expected {expected}, off by {off:.3g}"


def read_lists(folder, device):
    """Each token of both lists is the target of a row of its own: their probabilities add up to the list's."""
    rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:12]
    words = sorted({r["target"] for r in rows} | {r["foil"] for r in rows})
    lists, singles = [], []
    for i, row in enumerate(rows):
        others = [w for w in words if w not in (row["target"], row["foil"])]
        targets, foils = [row["target"]] + others[:i % 5], [row["foil"]] + others[5:5 + (i * 3) % 7]
        lists.append({"clean": row["clean"], "target": targets, "foil": foils})
        singles += [{"clean": row["clean"], "target": w, "foil": w2} for w, w2 in
                    [(t, foils[0]) for t in targets] + [(f, targets[0]) for f in foils]]
    for name, items in (("lists", lists), ("singles", singles)):
        open(f"{folder}/{name}.jsonl", "w").writelines(json.dumps(o) + "\n" for o in items)
    options = ["--heads", "0:0,2:1", "--device", device, "--quiet"]
    tables = {}
    for how, name in (("mean", "lists"), ("lse", "lists"), ("mean", "singles")):
        out = f"{folder}/{device}-{name}-{how}"
        said = run("--data", f"{folder}/{name}.jsonl", "--answers", how, *options, "--export", out)
        if said.returncode:
            check(f"lists_on_{device}", said.stderr.decode())
            return
        tables[name, how] = [table(out, "baseline"), table(out, "per_example"), json.load(open(f"{out}/config.json"))]
        check(f"{name}_{how}_is_named_on_{device}", None if tables[name, how][2]["answers"] == how else "config.json has another")
    for part, what in ((0, "baseline"), (1, "per_example")):
        problems, at, n = [], 0, len(singles)
        for i, item in enumerate(lists):
            k, m = len(item["target"]), len(item["foil"])
            for v in range(2 if part else 1):  # variants
                one = tables["singles", "mean"][part][v * n + at:v * n + at + k + m]
                lp = [float(r["logprob"]) for r in one]
                p, q = math.fsum(map(math.exp, lp[:k])), math.fsum(map(math.exp, lp[k:]))
                mean, lse = (tables["lists", how][part][v * len(lists) + i] for how in ("mean", "lse"))
                where = f"row {i}, variant {v}"
                problems += [near(f"{where}, logprob", r["logprob"], math.log(p)) for r in (mean, lse)]
                problems += [near(f"{where}, prob", r["prob"], p) for r in (mean, lse) if not part]
                problems += [near(f"{where}, ld of lse", lse["ld"], math.log(p) - math.log(q)),
                             near(f"{where}, ld of means", mean["ld"], math.fsum(lp[:k]) / k - math.fsum(lp[k:]) / m)]
                problems += [near(f"{where}, rank", r["rank"], min(int(o["rank"]) for o in one[:k]), 0) for r in (mean, lse)]
            at += k + m
        check(f"lists_are_the_sums_of_their_tokens_in_{what}_on_{device}", next(filter(None, problems), None))


def lists_elsewhere(folder):
    data = f"{folder}/lists.jsonl"
    out = f"{folder}/direct"
    said = run("--data", data, "--experiment", "lens", "--quiet", "--export", out)
    error = json.load(open(f"{out}/metrics/summary.json"))["direct_sum_error"] if said.returncode == 0 else math.inf
    check("direct_effects_of_lists_add_up_to_ld", near("direct_sum_error", error, 0, 1e-4))
    one_line("direct_effects_of_a_log_sum_exp", run("--data", data, "--experiment", "lens", "--answers", "lse", "--export", f"{out}-2"),
             2, "expected --answers mean with --experiment lens")
    one_line("whole_answers_of_lists", run("--data", data, "--span", "full", "--export", f"{out}-3"), 2, "--span full .*--span first")
    check("nothing_is_left_of_either", [f for f in ("direct-2", "direct-3") if os.path.exists(f"{folder}/{f}")] or None)
    for how in ("mean", "lse"):
        said = run("verify", "--data", data, "--answers", how, "--device", "cpu", "--quiet")
        check(f"verify_agrees_on_lists_by_{how}", said.stderr.decode() if said.returncode else None)


with tempfile.TemporaryDirectory() as scratch:
    same_tables(scratch)
    malformed(scratch)
    variants(scratch)
    spaces(scratch)
    read_lists(scratch, "cpu")
    if b"llvmpipe" in run("devices").stdout:
        read_lists(scratch, "vulkan")
    else:
        print("[  SKIPPED ] lists_on_vulkan: there is no Vulkan device here")
    lists_elsewhere(scratch)
print(f"{failed} failed")
sys.exit(failed > 0)
