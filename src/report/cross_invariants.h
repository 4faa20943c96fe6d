// What several conditions have in common: places that are among the strongest of each.
#ifndef ABL_REPORT_CROSS_INVARIANTS_H
#define ABL_REPORT_CROSS_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/cross_matrix.h"
#include "report/doc.h"

// invariants.json of n children: heads, sets and patched places that are among the INVARIANT_TOP
// largest |delta| of every condition under every kind of ablation that it has, by metric, with one
// sign; those with both signs stand apart under "both_signs". A condition's delta is the mean over
// its seeds.
// Where all children have tinyLab's metrics, "tinylab" holds what it would list: the INVARIANT_TOP
// highest values of every condition. tables[m]: the children's of cross_matrices[m], (n), without
// columns where a child has none. The caller's: doc_release.
bool cross_invariants(const struct cross_child *children, size_t n,
                      const struct csv_table *const tables[N_CROSS_MATRICES], struct doc *out,
                      struct abl_err *err);

#endif
