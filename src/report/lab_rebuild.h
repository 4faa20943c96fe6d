// What holds over several run directories of tinyLab's, as its orchestrator writes it.
#ifndef ABL_REPORT_LAB_REBUILD_H
#define ABL_REPORT_LAB_REBUILD_H

#include "report/lab_child.h"

// Join the runs of `dirs` (lab_own_is) in the folder `out`. sql: the text of lab_tables.sql, which
// reads Parquet; *n_unread: the runs whose table is Parquet where there is no DuckDB. Runs are
// called by their conditions, and where several models ran over one, by "model:condition".
// Everything in the arena.
bool lab_rebuild(const char *const *dirs, size_t n, const char *out, const char *sql,
                 struct arena *a, struct lab_tables *written, size_t *n_unread,
                 struct abl_err *err);

#endif
