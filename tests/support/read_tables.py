"""Read tables in Python by the lines of docs/: tests/support/read_tables.py READER, with jobs on standard input.

READER is pandas, polars, duckdb or guess (DuckDB, with no option). A job is {folder, file, name, dtype, sql, line}: it runs in
the folder. Prints a JSON object a job: {columns: [[name, type, values], …]}, type as in docs/schema/tables.json with boolean as
integer, or {error}.
"""

import json
import os
import sys
import warnings


def with_pandas(job):
    import pandas as pd

    scope = {"pd": pd}
    exec(job["dtype"] + "\n" + job["line"], scope)
    table = scope["table"]
    kinds = {"string": "string", "str": "string", "float64": "number"}
    kind = lambda dtype: "integer" if "Int" in str(dtype) else kinds.get(str(dtype), str(dtype))
    value = lambda x: None if pd.isna(x) else getattr(x, "item", lambda: x)()  # older ones give numpy's numbers
    return [(c, kind(table[c].dtype), [value(x) for x in table[c].tolist()]) for c in table.columns]


def with_polars(job):
    import polars as pl

    scope = {"pl": pl}
    exec(job["dtype"] + "\n" + job["line"], scope)
    table = scope["table"]
    kinds = {"String": "string", "Float64": "number"}
    kind = lambda dtype: "integer" if "Int" in str(dtype) else kinds.get(str(dtype), str(dtype))
    return [(c, kind(table[c].dtype), table[c].to_list()) for c in table.columns]


def of_duckdb(result):
    kinds = {"VARCHAR": "string", "DOUBLE": "number", "BIGINT": "integer", "UBIGINT": "integer", "TINYINT": "integer"}
    names = [(d[0], kinds.get(str(d[1]), str(d[1]))) for d in result.description]
    rows = result.fetchall()
    return [(name, kind, [row[i] for row in rows]) for i, (name, kind) in enumerate(names)]


def with_duckdb(job):
    import duckdb

    database = duckdb.connect()
    database.execute(job["sql"])
    database.execute(job["line"])
    for other in job.get("also", []):
        database.execute(other["sql"])
        database.execute(other["line"])
    return of_duckdb(database.execute(job.get("query") or f"SELECT * FROM {job['name']}"))


def with_guess(job):
    import duckdb

    return of_duckdb(duckdb.connect().execute(f"SELECT * FROM '{job['file']}'"))


def plain(x):
    """What JSON can say of a guess: a date is none of ours."""
    return x if x is None or isinstance(x, (str, int, float)) else repr(x)


def main():
    read = {"pandas": with_pandas, "polars": with_polars, "duckdb": with_duckdb, "guess": with_guess}[sys.argv[1]]
    warnings.simplefilter("error")
    start = os.getcwd()
    for job in json.load(sys.stdin):
        os.chdir(job["folder"])
        try:
            found = {"columns": [(c, kind, [plain(x) for x in values]) for c, kind, values in read(job)]}
        except Exception as e:  # whatever a library raises is what the suite reports
            found = {"error": repr(e)}
        os.chdir(start)
        print(json.dumps(found))


main()
