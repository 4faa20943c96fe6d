"""Open the tables of run directories in pandas and DuckDB, with no option: tests/support/tables.py READER TABLES DIRECTORY…

READER is pandas or duckdb, TABLES docs/schema/tables.json. The columns must be those that it describes, in its order; numbers
must arrive as numbers, empty cells as missing values, and as many rows as summary.json says. Prints a line a table; exit
status 0 only if all pass.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np

# i whole number, n number, s text, p a position: whole numbers and maybe "all"; b is a whole number, 0 or 1.
KINDS = {"integer": "i", "number": "n", "string": "s", "any": "p", "boolean": "b"}


def read_tables(path):
    """Table name -> [(column, kind), …], as docs/schema/tables.json describes them."""
    package = json.loads(Path(path).read_text(encoding="utf-8"))
    return {r["name"]: [(f["name"], KINDS[f["type"]]) for f in r["schema"]["fields"]] for r in package["resources"]}


class Table:
    """What a reader made of a file: names, and by name its kind (i, n or s) and values, None where missing."""

    def __init__(self, names, kinds, values):
        self.names, self.kinds, self.values = names, kinds, values


def with_pandas(path):
    import pandas as pd

    frame = pd.read_csv(path)
    kinds = {c: {"i": "i", "u": "i", "f": "n"}.get(frame[c].dtype.kind, "s") for c in frame.columns}
    values = {c: [None if pd.isna(x) else x for x in frame[c].tolist()] for c in frame.columns}
    return Table(list(frame.columns), kinds, values)


def with_duckdb(path):
    import duckdb

    result = duckdb.connect().execute(f"SELECT * FROM '{path}'")
    names = [d[0] for d in result.description]
    kinds = {d[0]: {"BIGINT": "i", "DOUBLE": "n"}.get(str(d[1]), "s") for d in result.description}
    rows = result.fetchall()
    return Table(names, kinds, {name: [row[i] for row in rows] for i, name in enumerate(names)})


def check_column(name, kind, cells, found, values, reader):
    """cells: the file's own text of the column."""
    if not any(cells):  # nothing tells its type; pandas says number, DuckDB says text
        assert all(v is None for v in values), f"{name}: cells are empty, values are {values[:3]}"
        return
    if kind == "p":
        kind = "s" if "all" in cells else "i"
    if kind == "b":
        assert set(cells) <= {"0", "1", ""}, f"{name}: cells are {set(cells)}"
        kind = "i"
    allowed = {"i": "i", "n": "in", "s": "s"}[kind]
    if kind == "i" and reader == "pandas" and "" in cells:
        allowed = "n"  # its whole numbers know no missing value
    assert found in allowed, f"{name}: read as {found}, expected {allowed}"
    assert len(cells) == len(values), f"{name}: {len(values)} values, expected {len(cells)}"
    for row, (cell, value) in enumerate(zip(cells, values)):
        if cell == "" or value is None:
            same = cell == "" and value is None
        elif kind == "s":
            same = str(value) == cell
        else:  # pandas' quick parser drops the last digits
            same = np.isclose(float(value), float(cell), rtol=1e-12 if reader == "pandas" else 0, atol=0)
        assert same, f"{name}, row {row}: found {value!r}, the file says {cell!r}"


def n_rows(table, summary):
    """How many rows the summary promises; None where it says nothing of the table."""
    count = lambda key: summary["metrics"]["ld"].get(key, {"n_variants": 0})["n_variants"]
    n_metrics = len(summary["metrics"])
    return {
        "baseline": summary["n_rows"],
        "per_example": summary["n_rows"] * summary["n_done"],
        "head_impact": n_metrics * count("heads"),
        "indirect": count("heads"),
        "group_impact": n_metrics * count("groups"),
        "recovery": n_metrics * count("restored"),
        "layer_impact": n_metrics * count("patches"),
    }.get(table)


def check(path, reader, columns):
    with open(path, newline="", encoding="utf-8") as f:
        lines = list(csv.reader(f, strict=True))
    table = {"pandas": with_pandas, "duckdb": with_duckdb}[reader](path)
    assert lines[0] == table.names == [name for name, _ in columns], f"columns are {table.names}"
    summary = path.with_name("summary.json")
    single = path.parent.name == "metrics"
    promised = n_rows(path.stem, json.loads(summary.read_text(encoding="utf-8"))) if single else None
    assert promised in (None, len(lines) - 1), f"{len(lines) - 1} rows, expected {promised}"
    assert len(lines) > 1, "no rows"
    for i, (column, kind) in enumerate(columns):
        check_column(column, kind, [line[i] for line in lines[1:]], table.kinds[column], table.values[column], reader)


def main():
    reader, tables, failed, seen = sys.argv[1], read_tables(sys.argv[2]), 0, set()
    for folder in map(Path, sys.argv[3:]):
        for path in sorted(folder.rglob("*.csv")):
            label = f"{reader}_reads_{folder.name}_{path.parent.parent.name}_{path.stem}"
            try:
                check(path, reader, tables[path.stem])
                seen.add(path.stem)
                print(f"[  PASSED  ] {label}")
            except (AssertionError, KeyError, ValueError) as e:
                failed += 1
                print(f"[  FAILED  ] {label}\n    {e!r}")
    if seen != set(tables):
        failed += 1
        print(f"[  FAILED  ] {reader}_reads_every_table\n    none of {sorted(set(tables) - seen)}")
    sys.exit(failed > 0)


main()
