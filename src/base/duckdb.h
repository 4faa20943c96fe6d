// DuckDB, where it can be had: Parquet is its business. It runs in a process of its own, the CLI or
// Python's module, whichever is there; we do without it otherwise.
#ifndef ABL_BASE_DUCKDB_H
#define ABL_BASE_DUCKDB_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

// Append a path as text of SQL; a pattern is what DuckDB reads, where * ? [ have a meaning.
void duckdb_put_path(struct buf *out, const char *path, bool pattern);

// Run SQL. *found is false, and nothing was run, where there is no DuckDB. Errors say what it said.
bool duckdb_run(const struct buf *sql, bool *found, struct abl_err *err);

#endif
