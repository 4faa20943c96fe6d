#!/usr/bin/env python3
"""Tables in other people's programs, by the lines of docs/reading.md and docs/tables.md: tests/report/readers.py PROGRAM BUILD

Makes runs to mislead readers: conditions called NA, nan, ' and 007, texts that look like numbers, dates or formulas, columns
that begin with more zeros than readers look at, or are empty throughout. Each table, as a reader types it, is compared with
the same run's JSON document, cell by cell. Readers that are not there are skipped, with the reason. Exit status 0 only if nothing failed.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree

MISLEADING = """NA,N/A,null,NULL,nan,NaN,inf,-inf,None,nil,T,F,TRUE,false,yes,no,',",`,007,0x10,0b1,1i,1L,1e5,1d5,1_000,1.0,
2001-01-02,12:30,0:2,0:2:1,-,+,+1,-1,.,=1+1,@a,:,#x,#N/A,\\,\\n,//,;,|,é,١,𝟙,0012""".replace("\n", "").split(",") + [
    "a,b", '"', '""', 'a"b', "a\nb", "\n", "\t", " NA", "NA ", " ", "a\rb", "\r\n", "\u2028", "\ufeff", "\u0085"]
ODD_TOKENS = "NA,N/A,null,nan,inf,007,0x10,1i,1e5,2001-01-02,0:2,+1,=1+1,TRUE,no,#N/A".split(",")

passed = failed = skipped = 0


def report(name, fault):
    global passed, failed
    print(f"[  {'FAILED ' if fault else 'PASSED '} ] {name}" + (f"\n    {fault}" if fault else ""), flush=True)
    passed, failed = passed + (not fault), failed + bool(fault)


def skip(name, reason):
    global skipped
    print(f"[  SKIPPED ] {name}: {reason}")
    skipped += 1


# ------------------------------------------------------------------------------------------------- docs

def blocks(text):
    return re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)


def documented_lines():
    """Reader -> its line, by the comment that the line stands under; "join" -> the query without one."""
    lines = {}
    for language, code in blocks(Path("docs/reading.md").read_text(encoding="utf-8")):
        head, _, rest = code.partition("\n")
        reader = re.match(r"(?:#|--) ([^:\n]+)", head)
        if reader:
            lines[reader[1]] = rest.strip()
        elif language == "sql":
            lines["join"] = code.strip()
    return lines


def documented_tables():
    """Name of a file -> (name of its table, {python, r, sql: the line of its types})."""
    tables = {}
    text = Path("docs/tables.md").read_text(encoding="utf-8")
    for name, section in re.findall(r"^## metrics/(\w+)\.csv\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE):
        types = {language: code.strip() for language, code in blocks(section)}
        for file in [name] + re.findall(r"artifacts/cross_condition/(\w+)\.csv", section):
            tables[file] = (name, types)
    return tables


def kinds_of_tables():
    package = json.loads(Path("docs/schema/tables.json").read_text(encoding="utf-8"))
    kind = lambda f: "integer" if f["type"] == "boolean" else f["type"]
    return {r["name"]: {f["name"]: kind(f) for f in r["schema"]["fields"]} for r in package["resources"]}


# ------------------------------------------------------------------------------------------------- runs

class Runs:
    """Run directories, and of each table in them what the run's JSON document says: {(folder, file): {column: values}}."""

    def __init__(self, program, scratch):
        self.program, self.scratch, self.expected = program, scratch, {}

    def call(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{arguments}: {done.stderr.decode()}"
        return done.stdout

    def make(self, name, *arguments):
        folder = self.scratch / name
        options = [*arguments, "--device", "cpu", "--boot", "20", "--quiet"]
        self.call("--export", folder, *options)
        document = json.loads(self.call("--export", "-", *options))
        written = {f.stem for f in (folder / "metrics").glob("*.csv")}
        for table, cells in document["tables"].items():
            if cells["rows"]:
                self.expected[folder, f"metrics/{table}.csv"] = dict(zip(cells["columns"], map(list, zip(*cells["rows"]))))
                assert table in written, f"{name}: no {table}.csv"
        assert len(written) == sum(bool(t["rows"]) for t in document["tables"].values()), f"{name}: {written}"
        return folder

    def join(self, folder, singles, tables):
        """What a joint run's tables should hold: those of the single runs, one below the other."""
        for path in sorted((folder / "artifacts/cross_condition").glob("*.csv")):
            parts = [self.expected[single, f"metrics/{tables[path.stem][0]}.csv"] for single in singles]
            self.expected[folder, f"artifacts/cross_condition/{path.name}"] = {
                column: sum((part[column] for part in parts), []) for column in parts[0]}


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def misleading_rows(n, shift):
    rows = [json.loads(line) for line in Path("data/corpora/facts.jsonl").read_text(encoding="utf-8").splitlines()[:n]]
    text = lambda i: MISLEADING[(i + shift) % len(MISLEADING)]
    for i, row in enumerate(rows):
        row.update(id=text(i), template=text(i + 7), cluster=text(i + 19))
        if i % 5 == 4:
            del row["id"]
    return rows


def begin_with_zeros(run, path):
    """A copy of a run whose table of patches begins with 30,000 zeros, as versions wrote it that wrote them as 0; its columns."""
    shutil.copytree(run, path)
    names = ("condition,seed,site,layer,head,position,direction,metric,value,delta,recovery,ci_lo,ci_hi,p,q,n,n_clusters,"
             "small_denominator").split(",")
    zero = ["zeros", 0, "z", 0, 1, "all", "sham", "ld", 0, 0, None, None, None, None, None, 6, 6, None]
    last = ["zeros", 0, "z", 0, 2, -1, "sham", "ld", 0.25, 1e-7, None, 0.5, 21.627, None, None, 6, 6, 1]
    rows = [zero] * 30000 + [last]
    lines = [",".join("" if x is None else str(x) for x in row) for row in rows]
    (path / "metrics/layer_impact.csv").write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    columns = {}
    for name, cells in zip(names, zip(*rows)):
        numbers = name in ("value", "delta", "recovery", "ci_lo", "ci_hi", "p", "q")
        if name == "position":
            columns["positions"] = ["all" if x == "all" else "one" for x in cells]
            cells = [None if x == "all" else x for x in cells]
        columns[name] = [float(x) if numbers and x is not None else x for x in cells]
    return columns


def rename_tokens(source, target):
    """A copy of a model whose last tokens are spelt as what readers take for something else."""
    shutil.copytree(source, target)
    path = target / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    vocab, merges, n = tokenizer["model"]["vocab"], tokenizer["model"]["merges"], len(ODD_TOKENS)
    by_id = {i: token for token, i in vocab.items()}
    del merges[len(merges) - n:]
    for text, i in zip(ODD_TOKENS, range(len(vocab) - n, len(vocab))):
        del vocab[by_id[i]]
        flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized", "special"], False)
        tokenizer["added_tokens"].append({"id": i, "content": text, **flags})
    path.write_text(json.dumps(tokenizer), encoding="utf-8")


def make_runs(program, scratch, tables):
    runs = Runs(program, scratch)
    # A column of nothing but zeros, further down than any reader looks.
    planted = Path("tests/fixtures/planted")
    rows = (planted / "repeats.jsonl").read_text(encoding="utf-8").splitlines()
    (scratch / "zeros.jsonl").write_text("".join(rows[i % len(rows)] + "\n" for i in range(5305)), encoding="utf-8")
    folder = runs.make("zeros", "--model", planted, "--data", scratch / "zeros.jsonl", "--ablate", "scale=1",
                       "--heads", "0:2,0:3,0:4,0:5,0:6,1:2")
    report("a_run_has_a_column_of_zeros", any(runs.expected[folder, "metrics/per_example.csv"]["delta_ld"]))
    # Names that look like something else, joined in one run and by rebuild; whole columns are empty.
    names = ["NA", "nan", "'", "007"]
    for i, name in enumerate(names):
        write_rows(scratch / f"{name}.jsonl", misleading_rows(len(MISLEADING), 11 * i))
    shape = ["--experiment", "patch", "--patch-site", "attn_out,z", "--positions=-1", "--layers", "0"]
    singles = [runs.make(f"single{i}", "--data", scratch / f"{name}.jsonl", *shape) for i, name in enumerate(names)]
    joint, rebuilt = scratch / "joint", scratch / "rebuilt"
    data = [x for name in names for x in ("--data", scratch / f"{name}.jsonl")]
    runs.call("--export", joint, *data, *shape, "--device", "cpu", "--boot", "20", "--quiet")
    runs.call("rebuild", *singles, "--export", rebuilt, "--quiet")
    for folder in joint, rebuilt:
        runs.join(folder, singles, tables)
    # Zeros at first and fractions below them, in a run of an earlier version.
    columns = begin_with_zeros(singles[0], scratch / "earlier")
    later = runs.expected[singles[1], "metrics/layer_impact.csv"]
    runs.call("rebuild", scratch / "earlier", singles[1], "--export", scratch / "mended", "--quiet")
    runs.expected[scratch / "mended", "artifacts/cross_condition/layer_matrix.csv"] = {
        c: columns.get(c, [None] * len(columns["n"])) + list(later[c]) for c in later}  # which had no role
    # Tokens that look like something else.
    rename_tokens(Path("data/models/tiny-gpt2"), scratch / "renamed")
    write_rows(scratch / "T.jsonl", [
        {"id": "0012", "template": "T", "target": " Paris", "foil": " Rome", "clean": text}
        for text in (" ".join(ODD_TOKENS[:8]), "".join(ODD_TOKENS[8:]), "T, - + = @ : ' \" ;\n\t\\ 1 é 😀")])
    runs.make("attn", "--model", scratch / "renamed", "--data", scratch / "T.jsonl", "--experiment", "attn",
              "--heads", "0:1")
    # And every other table.
    few = ["--rows", "8"]
    seed = str(2**64 - 1)
    runs.make("heads", *few, "--ablate", "mean", "--seed", seed)
    runs.make("groups", "--rows", "40", "--by", "template", "--heads", "0:1,1:2")
    runs.make("span", "--rows", "4", "--span", "full", "--heads", "0:1")
    runs.make("seeds", *few, "--heads", "random:2@0+1")
    runs.make("single_row", "--rows", "1", "--heads", "0:1")
    runs.make("held", "--rows", "20", "--holdout", "0.5", "--compat", "tinylab", "--heads", "0:1,1:2,1:3")
    runs.make("sets", *few, "--experiment", "sets", "--sets", "0:2+1:4", "--controls", "2", "--ablate", "scale=2")
    runs.make("partial", *few, "--experiment", "partial", "--sets", "0:2+0:4")
    runs.make("lens", *few, "--experiment", "lens")
    # Cells that no run has: an empty text, which is not a missing one.
    hand = scratch / "hand"
    (hand / "metrics").mkdir(parents=True)
    (hand / "metrics/rows.csv").write_text('"condition","row","id","template","cluster","n_tokens"\n"",0,"",,"",3\n',
                                           encoding="utf-8")
    runs.expected[hand, "metrics/rows.csv"] = {"condition": [""], "row": [0], "id": [""], "template": [None],
                                               "cluster": [""], "n_tokens": [3]}
    return runs


# ---------------------------------------------------------------------------------------------- readers

def job(key, lines, tables, reader):
    folder, file = key
    name, types = tables[Path(file).stem]
    line = lines[reader].replace("metrics/baseline.csv", file).replace("COPY baseline", f"COPY {name}")
    return {"folder": str(folder), "file": file, "name": name, "dtype": types["python"], "r": types["r"],
            "sql": types["sql"], "line": line}


def with_python(python, reader, jobs):
    done = subprocess.run([python, "tests/support/read_tables.py", reader], input=json.dumps(jobs), capture_output=True,
                          text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


R_DUMP = """
hex <- function(x) if (is.na(x)) "NA" else paste(c("x", as.character(charToRaw(x))), collapse = "")
for (column in names(table)) {
    values <- table[[column]]
    texts <- unique(as.character(values))
    shown <- if (is.character(values)) vapply(texts, hex, "")[match(values, texts)]
        else if (is.integer(values)) as.character(values) else sprintf("%.17g", values)
    cat(column, class(values), shown, "\\n")
}
cat("end\\n")
"""


def with_r(jobs):
    script = "".join(f"setwd({json.dumps(j['folder'])})\n{j['r']}\n{j['line']}\n{R_DUMP}" for j in jobs)
    with tempfile.NamedTemporaryFile("w", suffix=".R", encoding="utf-8") as f:
        f.write(script)
        f.flush()
        done = subprocess.run(["Rscript", "--vanilla", f.name], capture_output=True, text=True, encoding="utf-8")
    found, columns = [], []
    kinds = {"character": "string", "integer": "integer", "numeric": "number"}
    reads = {"character": lambda x: bytes.fromhex(x[1:]).decode("utf-8"), "integer": int, "numeric": float}
    for line in done.stdout.splitlines():
        column, *rest = line.split()
        if column == "end" and not rest:
            found.append({"columns": columns})
            columns = []
        else:
            values = [None if x == "NA" else reads[rest[0]](x) for x in rest[1:]]
            columns.append([column, kinds.get(rest[0], rest[0]), values])
    assert done.returncode == 0 and len(found) == len(jobs), done.stderr[-2000:]
    return found


def cells_of_sheet(path):
    """The rows of the first sheet of an .ods file: str, float or None a cell."""
    office, table, text = ("{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}" % x for x in ("office", "table", "text"))

    def said(element):
        parts = [element.text or ""]
        for child in element:
            n = int(child.get(text + "c", "1"))
            parts.append({text + "s": " " * n, text + "tab": "\t", text + "line-break": "\n"}.get(child.tag, said(child)))
            parts.append(child.tail or "")
        return "".join(parts)

    def value(cell):
        kind = cell.get(office + "value-type")
        if kind == "string":
            return "\n".join(said(p) for p in cell.findall(text + "p"))
        return None if kind is None else float(cell.get(office + "value")) if kind == "float" else f"a {kind}"

    sheet = ElementTree.fromstring(zipfile.ZipFile(path).read("content.xml")).find(f".//{table}table")
    for row in sheet.iter(table + "table-row"):
        cells = []
        for cell in row:
            cells += [value(cell)] * min(int(cell.get(table + "number-columns-repeated", "1")), 64)
        for _ in range(min(int(row.get(table + "number-rows-repeated", "1")), 10000)):
            yield cells


def with_libreoffice(jobs):
    found = []
    with tempfile.TemporaryDirectory() as home:
        for j in jobs:
            # A profile of its own, so that it neither finds nor leaves settings.
            line = j["line"].replace("soffice ", f"soffice -env:UserInstallation=file://{home}/profile ", 1)
            line = line.replace("--convert-to ods ", f"--convert-to ods --outdir {home} ", 1)
            done = subprocess.run(["sh", "-c", line], cwd=j["folder"], capture_output=True, text=True)
            path = Path(home) / (Path(j["file"]).stem + ".ods")
            assert path.exists(), f"{j['file']}: {done.stdout[-500:]} {done.stderr[-500:]}"
            header, *rows = cells_of_sheet(path)
            path.unlink()
            header = [name for name in header if name is not None]
            rows = [(row + [None] * len(header))[:len(header)] for row in rows]
            while rows and rows[-1].count(None) == len(header):
                rows.pop()
            found.append({"columns": [[c, None, list(cells)] for c, cells in zip(header, zip(*rows))]})
    return found


# ------------------------------------------------------------------------------------------- comparison

def as_lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


# What docs/reading.md says that a reader makes of a cell; of others every cell is as written.
def of_pandas(cell):
    return None if cell == "" else cell


def of_r(cell, kind):
    return as_lines(cell or "") if kind == "string" else cell


def of_libreoffice(cell):
    if isinstance(cell, str):
        return re.sub(r"[\x00-\x08\x0b-\x1f]", "", as_lines(cell)) or None
    return cell


def same(reader, kind, expected, found):
    if reader == "pandas":
        expected = of_pandas(expected)
    elif reader == "R":
        expected = of_r(expected, kind)
        if isinstance(expected, float) and isinstance(found, float):
            return abs(expected - found) <= math.ulp(expected)
        if isinstance(expected, int) and isinstance(found, float):
            expected = float(expected)  # a seed
    elif reader == "LibreOffice":
        expected = of_libreoffice(expected)
        if isinstance(found, float) and isinstance(expected, (int, float)):
            return math.isclose(expected, found, rel_tol=1e-14, abs_tol=0)
    return type(expected) is type(found) and expected == found


def first_difference(reader, kinds, expected, found):
    if "error" in found:
        return found["error"]
    names = [c for c, _, _ in found["columns"]]
    if names != list(expected):
        return f"columns are {names}, expected {list(expected)}"
    for column, kind, values in found["columns"]:
        wanted = "number" if reader == "R" and column == "seed" else kinds[column]
        if kind not in (None, wanted):
            return f"{column}: read as {kind}, expected {wanted}"
        if len(values) != len(expected[column]):
            return f"{column}: {len(values)} rows, expected {len(expected[column])}"
        for row, (e, f) in enumerate(zip(expected[column], values)):
            if not same(reader, kinds[column], e, f):
                return f"{column}, row {row}: found {f!r}, expected {e!r}"
    return None


def check_document(kinds, expected):
    """The JSON document's own cells are of their column's types."""
    python = {"string": str, "integer": int, "number": float}
    for column, values in expected.items():
        for row, value in enumerate(values):
            if value is not None and type(value) is not python[kinds[column]]:
                return f"{column}, row {row}: {value!r} is no {kinds[column]}"
    return None


def check_reader(reader, read, keys, runs, lines, tables, kinds, line=None):
    jobs = [job(key, lines, tables, line or reader) for key in keys]
    try:
        found = read(jobs)
    except AssertionError as e:
        report(f"{reader}_reads", str(e) or "it ended early")
        return
    for key, j, f in zip(keys, jobs, found):
        fault = first_difference(reader, kinds[j["name"]], runs.expected[key], f)
        report(f"{reader}_reads_{key[0].name}_{Path(key[1]).stem}", fault)


def check_join(python, runs, lines, tables):
    """The documented join gives every row of per_example its names."""
    folder = next(f for f, file in runs.expected if f.name == "single0" and file == "metrics/per_example.csv")
    j = job((folder, "metrics/per_example.csv"), lines, tables, "DuckDB")
    j["also"], j["query"] = [job((folder, "metrics/rows.csv"), lines, tables, "DuckDB")], lines["join"]
    found = {c: v for c, _, v in with_python(python, "duckdb", [j])[0].get("columns", [])}
    rows = runs.expected[folder, "metrics/rows.csv"]
    names = dict(zip(rows["row"], rows["id"]))
    n = len(runs.expected[folder, "metrics/per_example.csv"]["row"])
    wrong = [(r, i) for r, i in zip(found.get("row", []), found.get("id", [])) if names[r] != i]
    report("rows_join_with_per_example", wrong[:3] or (len(found.get("row", [])) != n and f"{len(found.get('row', []))} rows, expected {n}"))


def check_guess(python, runs, lines, tables, kinds):
    """A DuckDB that is told nothing takes no column of numbers for whole ones; one that is empty at first may become text."""
    keys = [k for k in runs.expected if (k[0].name, Path(k[1]).stem) in (("zeros", "per_example"), ("mended", "layer_matrix"))]
    jobs = [job(key, lines, tables, "DuckDB") for key in keys]
    for key, j, found in zip(keys, jobs, with_python(python, "guess", jobs)):
        guessed = {c: (kind, values) for c, kind, values in found.get("columns", [])}
        for column, expected in runs.expected[key].items():
            if kinds[j["name"]][column] == "number" and None not in expected:
                kind, values = guessed.get(column, (found.get("error"), None))
                report(f"guessed_{column}_of_{key[0].name}_is_not_rounded", values != expected and f"read as {kind}")


# ------------------------------------------------------------------------------------------------- whole

def python_with(module):
    for python in ("python3", "/usr/bin/python3"):
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0:
            return python
    return None


def version(python, module):
    return subprocess.run([python, "-c", f"import {module}; print({module}.__version__)"], capture_output=True, text=True).stdout.strip()


def pandas_line(v):
    return "pandas" if tuple(map(int, v.split(".")[:2])) >= (3, 1) else "pandas before 3.1"


def main():
    program, build = os.path.realpath(sys.argv[1]), Path(sys.argv[2])
    lines, tables, kinds = documented_lines(), documented_tables(), kinds_of_tables()
    with tempfile.TemporaryDirectory() as scratch:
        runs = make_runs(program, Path(scratch), tables)
        seen = {Path(file).stem for _, file in runs.expected}
        rest = sorted(set(kinds) - seen - {"head_matrix", "group_matrix", "recovery_matrix", "compat_matrix"})
        report("every_table_is_there", rest and f"none of {rest}")
        keys = sorted(runs.expected, key=str)
        for key in keys:
            fault = check_document(kinds[tables[Path(key[1]).stem][0]], runs.expected[key])
            report(f"document_of_{key[0].name}_{Path(key[1]).stem}", fault)
        check = lambda reader, read, which=keys, line=None: check_reader(reader, read, which, runs, lines, tables, kinds, line)

        if python := python_with("pandas"):
            check("pandas", lambda jobs: with_python(python, "pandas", jobs), line=pandas_line(version(python, "pandas")))
        else:
            skip("pandas_reads", "no Python with pandas")
        made = subprocess.run(["tools/readers.sh", str(build / "readers")], capture_output=True, text=True)
        if made.returncode == 0:
            newest = os.path.abspath(made.stdout.strip())
            check("pandas", lambda jobs: with_python(newest, "pandas", jobs), line=pandas_line(version(newest, "pandas")))
            check("polars", lambda jobs: with_python(newest, "polars", jobs))
            check("DuckDB", lambda jobs: with_python(newest, "duckdb", jobs))
            check_join(newest, runs, lines, tables)
            check_guess(newest, runs, lines, tables, kinds)
        else:
            skip("newest_pandas_polars_and_duckdb_read", "they cannot be installed: " + (made.stderr.strip().splitlines() or ["?"])[-1])
        if shutil.which("Rscript"):
            check("R", with_r)
        else:
            skip("R_reads", "no Rscript")
        if shutil.which("soffice"):
            small = [k for k in keys if k[0].name in ("attn", "hand") or (k[0].name == "joint" and "rows" in k[1])]
            check("LibreOffice", with_libreoffice, small)
        else:
            skip("LibreOffice_reads", "no soffice")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


main()
