// Orders of values, and what is read off them: quantiles, rank correlation.
#ifndef ABL_STATS_RANKS_H
#define ABL_STATS_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

// order[0] … order[n-1]: places of the values from the largest |value| down,
// what is no number last, equal ones as they stand.
bool ranks_by_size(const double *values, size_t n, size_t *order, struct abl_err *err);

// Quantile p of n >= 1 values by linear interpolation between order statistics (Hyndman & Fan 1996,
// type 7). Reorders v.
double ranks_quantile(double *v, size_t n, double p);

// Spearman rank correlation with mid-ranks; NaN when undefined. Values become ranks, and sorted is
// room for n pointers.
double ranks_spearman(double *a, double *b, size_t n, double **sorted);

#endif
