// What donors add to the uncertainty of rows that take from them: the second level of the
// bootstrap.
//
// Each row i of a run is resampled with donors j, rows of the same run; y_ij is what it gave, and
// a row's value the mean over its own. Row means carry the noise of donors that are drawn for each
// row anew, so that resampling rows holds it, and drawing donors within rows once more would count
// it twice. What row means do not show is that one row gives to many: a donor's own part moves all
// of them together. So a cluster of rows stands at two levels, for what its rows say and for what
// they did as donors of others, and both are drawn with it:
//     s_c = sum of row means of c + lambda B_c
//     B_c = sum of (y_ij - mean) / n_donors, j in c, i not
// lambda^2 = 1 - (sum over pairs of clusters of what they share, squared) / (sum of B_c^2), at
// least 0: of the donors' sums the part that independent noise of as many pairs would make by
// itself is in the row means already. That is the variance of two-way clustering (Cameron, Gelbach
// & Miller 2011) with one and the same sample on either side, as a bootstrap of sums.
#ifndef ABL_STATS_DONOR_SHARES_H
#define ABL_STATS_DONOR_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// A donor that is none of the rows: what rows share through it is in their own means.
#define OUTSIDE_ROW UINT32_MAX

// Who gave to whom, made once per run. Owned: donor_pairs_free.
struct donor_pairs;

// cluster: (n) of each row, below n_clusters. donors[d][i]: row that gives to row i in run d, or
// OUTSIDE_ROW.
bool donor_pairs_new(const uint32_t *cluster, size_t n, uint32_t n_clusters,
                     const uint32_t *const *donors, size_t n_donors, struct donor_pairs **out,
                     struct abl_err *err);
void donor_pairs_free(struct donor_pairs *p);

size_t donor_pairs_donors(const struct donor_pairs *p);

// lambda·B of values (n_donors, n), which sum to 0 over the clusters; all 0 where a value is no
// number. shares: (n_clusters).
bool donor_shares(const struct donor_pairs *p, const double *values, double *shares,
                  struct abl_err *err);

#endif
