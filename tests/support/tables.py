"""That the tables of run directories are written as docs/reading.md says: tests/support/tables.py TABLES DIRECTORY…

TABLES is docs/schema/tables.json. The columns must be those that it describes, in its order; every cell must stand as its
column's type does, missing only where one may be; and as many rows as summary.json says. Prints a line a table; exit status 0
only if all pass.
"""

import json
import re
import sys
from pathlib import Path

# A cell, and what ends it: quoted text with quotes doubled, or anything else without a quote.
CELL = re.compile(r'("(?:[^"]|"")*"|[^",\n]*)([,\n])')
FORMS = {
    "string": re.compile(r'"(?:[^"]|"")*"', re.DOTALL),
    "integer": re.compile(r"-?(?:0|[1-9][0-9]*)"),
    "number": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:e-?[1-9][0-9]*)?|e-?[1-9][0-9]*)"),
    "boolean": re.compile(r"[01]"),
}


def read_tables(path):
    """Table name -> [(column, type, whether it may be missing), …], as docs/schema/tables.json describes them."""
    package = json.loads(Path(path).read_text(encoding="utf-8"))
    columns = lambda r: [(f["name"], f["type"], "constraints" not in f) for f in r["schema"]["fields"]]
    return {r["name"]: columns(r) for r in package["resources"]}


def read_lines(path):
    """The cells of each line as they stand, quotes included."""
    text, lines, line, at = path.read_bytes().decode("utf-8"), [], [], 0
    while at < len(text):
        found = CELL.match(text, at)
        assert found, f"no cell of CSV: {text[at:at + 40]!r}"
        line.append(found[1])
        at = found.end()
        if found[2] == "\n":
            lines.append(line)
            line = []
    assert not line, "the last line does not end"
    return lines


def n_rows(table, summary):
    """How many rows the summary promises; None where it says nothing of the table."""
    count = lambda key: summary["metrics"]["ld"].get(key, {"n_variants": 0})["n_variants"]
    n_metrics = len(summary["metrics"])
    return {
        "baseline": summary["n_rows"],
        "rows": summary["n_rows"],
        "per_example": summary["n_rows"] * summary["n_done"],
        "head_impact": n_metrics * count("heads"),
        "indirect": count("heads"),
        "group_impact": n_metrics * count("groups"),
        "recovery": n_metrics * count("restored"),
        "layer_impact": n_metrics * count("patches"),
    }.get(table)


def check(path, columns):
    header, *lines = read_lines(path)
    assert header == [f'"{name}"' for name, _, _ in columns], f"columns are {header}"
    summary = path.with_name("summary.json")
    single = path.parent.name == "metrics"
    promised = n_rows(path.stem, json.loads(summary.read_text(encoding="utf-8"))) if single else None
    assert promised in (None, len(lines)), f"{len(lines)} rows, expected {promised}"
    assert lines, "no rows"
    for n, line in enumerate(lines):
        assert len(line) == len(columns), f"row {n}: {len(line)} cells, expected {len(columns)}"
        for cell, (name, kind, may_miss) in zip(line, columns):
            fits = FORMS[kind].fullmatch(cell) if cell else may_miss
            assert fits, f"row {n}, {name}: found {cell or 'nothing'}, expected {kind}"


def main():
    tables, failed, seen = read_tables(sys.argv[1]), 0, set()
    for folder in map(Path, sys.argv[2:]):
        for path in sorted(folder.rglob("*.csv")):
            label = f"form_of_{folder.name}_{path.parent.parent.name}_{path.stem}"
            try:
                check(path, tables[path.stem])
                seen.add(path.stem)
                print(f"[  PASSED  ] {label}")
            except (AssertionError, KeyError, ValueError) as e:
                failed += 1
                print(f"[  FAILED  ] {label}\n    {e!r}")
    if seen != set(tables):
        failed += 1
        print(f"[  FAILED  ] every_table_is_seen\n    none of {sorted(set(tables) - seen)}")
    sys.exit(failed > 0)


main()
