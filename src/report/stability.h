// How far the ranking of heads hangs on the sample of prompts.
#ifndef ABL_REPORT_STABILITY_H
#define ABL_REPORT_STABILITY_H

#include <stdbool.h>

#include "base/err.h"
#include "report/results.h"

enum { STABILITY_HALVINGS = 20 };

// Rank correlation of the heads' mean deltas between two random halves of the clusters, averaged over
// STABILITY_HALVINGS halvings drawn by the run's seed. NaN with fewer than 4 clusters or 3 heads.
bool stability_split_half(const struct lab *lab, const struct table *t, const struct results *r,
                          enum metric m, double *out, struct abl_err *err);

#endif
