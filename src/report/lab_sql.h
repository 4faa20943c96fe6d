// What DuckDB is told to do about tinyLab's tables: lab_tables.sql of the data folder.
#ifndef ABL_REPORT_LAB_SQL_H
#define ABL_REPORT_LAB_SQL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

// Read the file; file_bytes_release it.
bool lab_sql_read(const char *data_dir, struct file_bytes *out, struct abl_err *err);

// Append the statement called `name` of that file's text, with `to` as text of SQL in the place of
// {table}, and `from` in that of {pattern}, as DuckDB reads paths, where * ? [ have a meaning.
// ABL_FAILED where the file has no such statement.
bool lab_sql_statement(const char *file, const char *name, const char *from, const char *to,
                       struct buf *out, struct abl_err *err);

#endif
