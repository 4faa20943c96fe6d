// The rows of a run of tinyLab's harness, seed by seed, and what it makes of them.
#ifndef ABL_REPORT_LAB_ROWS_H
#define ABL_REPORT_LAB_ROWS_H

#include "base/buf.h"
#include "report/doc.h"
#include "report/lab_child.h"

// A component of a child and the one of our runs that it was read from, for one of the seeds.
struct lab_row {
    const char *seed;
    const struct lab_run *run;
    const struct lab_component *component;
};

// All of a child's in the order of the harness: seed by seed, component by component, and of these
// scale by scale. A seed that was not run, as it changes nothing, has the rows of the first one. In
// the arena.
bool lab_rows(const struct lab_child *c, struct arena *a, struct lab_row **rows, size_t *n,
              struct abl_err *err);

// The impact table as CSV; with `condition` the child's rows alone, as a matrix of several has
// them. False when memory is out.
bool lab_put_impact(const struct lab_child *c, const struct lab_row *rows, size_t n,
                    bool with_condition, bool with_header, struct buf *out);

// The table of what rows of the data predict, as CSV.
bool lab_put_examples(const struct lab_child *c, const struct lab_row *rows, size_t n,
                      struct buf *out);

// metrics/summary.json: each metric's mean over components, and over seeds.
void lab_add_summary(struct doc *d, cJSON *to, const struct lab_child *c,
                     const struct lab_row *rows, size_t n);

#endif
