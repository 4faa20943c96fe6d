// Run directories that tinyLab's harness itself wrote, or lab-tables as it does.
#ifndef ABL_REPORT_LAB_OWN_H
#define ABL_REPORT_LAB_OWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/lab_child.h"

// Whether the folder is such a one: a config that is none of ours, and a summary.
bool lab_own_is(const char *dir);

// The folders of the runs that `dir` stands for, in the arena: those of its conditions, which lie
// beside it, or itself.
bool lab_own_runs(const char *dir, struct arena *a, const char ***runs, size_t *n,
                  struct abl_err *err);

// The table of a run without its ending: "<dir>/metrics/head_impact" or layer_impact, in the arena,
// NULL where it has none; *parquet: there is no CSV of it, but Parquet.
bool lab_own_table(const char *dir, struct arena *a, const char **table, bool *parquet,
                   struct abl_err *err);

// Read a run: its config, its summary, and its table from the CSV file `csv` (NULL: without).
// Everything in the arena.
bool lab_own_read(const char *dir, const char *csv, struct arena *a, struct lab_child *out,
                  struct abl_err *err);

#endif
