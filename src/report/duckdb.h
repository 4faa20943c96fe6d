// DuckDB, where it can be had: Parquet is its business. It runs in a process of its own, the CLI or
// Python's module, whichever is there; we do without it otherwise.
#ifndef ABL_REPORT_DUCKDB_H
#define ABL_REPORT_DUCKDB_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

// Read lab_tables.sql of the data folder; file_bytes_release it.
bool duckdb_file(const char *data_dir, struct file_bytes *out, struct abl_err *err);

// Append the statement called `name` of that file's text, with `to` as text of SQL in the place of
// {table}, and `from` in that of {pattern}, as DuckDB reads paths, where * ? [ have a meaning.
// ABL_FAILED where the file has no such statement.
bool duckdb_statement(const char *file, const char *name, const char *from, const char *to,
                      struct buf *out, struct abl_err *err);

// Run SQL. *found is false, and nothing was run, where there is no DuckDB. Errors say what it said.
bool duckdb_run(const struct buf *sql, bool *found, struct abl_err *err);

#endif
