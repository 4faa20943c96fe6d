// DuckDB, where it can be had: Parquet is its business. It runs in a process of its own, the CLI or
// Python's module, whichever is there; we do without it otherwise.
#ifndef ABL_REPORT_DUCKDB_H
#define ABL_REPORT_DUCKDB_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

// Append the statement called `name` of an SQL file's text, with `table` as text of SQL in the
// place of {table}, and in that of {pattern} as DuckDB reads paths, where * ? [ have a meaning.
// ABL_FAILED where the file has no such statement.
bool duckdb_statement(const char *file, const char *name, const char *table, struct buf *out,
                      struct abl_err *err);

// Run SQL. *found is false, and nothing was run, where there is no DuckDB. Errors say what it said.
bool duckdb_run(const struct buf *sql, bool *found, struct abl_err *err);

#endif
