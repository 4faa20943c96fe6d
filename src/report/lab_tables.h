// What tinyLab's harness and its orchestrator write, from our run directories: a folder a run, of
// its names, columns and metrics, for its own analysis scripts.
#ifndef ABL_REPORT_LAB_TABLES_H
#define ABL_REPORT_LAB_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/lab_child.h"

// A directory that was named: a single run, or several conditions' (joint) with a run a child.
struct lab_source {
    const char *dir;
    bool joint;
    struct lab_run *runs;
    const char **tags; // of the runs, as the joint run calls them
    size_t n;
};

// Write the folders of all runs below `out` ("lab/runs"), each called as the harness calls it.
// Everything in the arena. ABL_USAGE where a folder of that name is not of our making.
bool lab_tables_write(const struct lab_source *sources, size_t n, const char *out, struct arena *a,
                      struct lab_tables *written, struct abl_err *err);

#endif
