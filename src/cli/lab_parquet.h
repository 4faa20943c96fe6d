// Parquet of the tables of tinyLab's that commands write.
#ifndef ABL_CLI_LAB_PARQUET_H
#define ABL_CLI_LAB_PARQUET_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"
#include "report/lab_child.h"

// Beside the CSV tables of t; where there is no DuckDB, print the SQL that makes it, and what to do
// with it.
bool lab_parquet(const struct cli *cli, const struct lab_tables *t, struct abl_err *err);

#endif
