// What is swept of a condition, seed by seed.
#ifndef ABL_REPORT_CROSS_SEEDS_H
#define ABL_REPORT_CROSS_SEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "report/cross_matrix.h"

// seeds.csv of n children: their own seeds.csv (drawn: (n)) one below the other, and for each child
// of a condition that has several, the means over what it swept. tables: as cross_invariants has
// them. *any is false where no condition has several seeds.
bool cross_seeds(const struct cross_child *children, size_t n,
                 const struct csv_table *const tables[N_CROSS_MATRICES],
                 const struct csv_table *drawn, struct buf *out, bool *any, struct abl_err *err);

#endif
