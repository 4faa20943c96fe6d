// Uncertainty of paired differences: cluster bootstrap, sign flips, false discovery rate.
#ifndef ABL_STATS_STATS_H
#define ABL_STATS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// With fewer clusters no pattern of signs is rarer than 1 in 16: nothing can be told from chance at
// the usual levels, so nothing is tested.
enum { LEAST_TESTED_CLUSTERS = 6 };

// The mean of a column over rows, with its uncertainty. NaN where it is not defined (n_clusters <
// 2: se, ci; n_clusters < LEAST_TESTED_CLUSTERS: p).
struct estimate {
    double mean;
    double se;           // standard deviation of the bootstrap means
    double ci_lo, ci_hi; // expanded percentile interval
    double p;            // two-sided, sign-flip over clusters; of mean = 0
    double q;            // Benjamini-Hochberg over the grid; NaN until stats_fdr
    uint32_t n, n_clusters;
};

// Which rows are resampled together. Built once per run, shared by every column (read only).
struct resampler;

// cluster[i] in 0..n_clusters-1 for each of n rows; n_boot resamples of clusters (with replacement)
// are drawn by seed and kept as counts, so that every cell of a grid sees the same resamples.
// alpha: 0.05 gives 95 % intervals.
bool resampler_new(const uint32_t *cluster, size_t n, uint32_t n_clusters, uint32_t n_boot,
                   uint64_t seed, double alpha, struct resampler **out, struct abl_err *err);
void resampler_free(struct resampler *r);

// Estimate from one value per row. A bootstrap mean is (sum of resampled clusters' sums) / (sum of
// their sizes). The interval lies between two percentiles of those means, widened for few clusters
// (Hesterberg 2015): the outer share is Phi(-sqrt(n / (n - 1)) t(alpha / 2, n - 1)) with n the Kish
// number of clusters; between order statistics it is linear (type 7). p counts sign flips of
// cluster sums with |sum| >= |observed|: all 2^n_clusters of them when n_clusters <= 12, else
// n_boot random ones with (b + 1) / (n + 1), and where b < 10 in all 32768 of them, so that one
// real effect among a thousand heads can stand out. test: whether p is wanted: of differences that
// would be as often above 0 as below if nothing happened; otherwise p is NaN.
bool stats_estimate(const struct resampler *r, const double *values, bool test,
                    struct estimate *out, struct abl_err *err);

// The same of n columns (n, rows), which is faster than one by one. test: (n) of each; NULL: none.
// shares: (n, clusters) what is drawn with a cluster beside its rows' values, of sum 0
// (stats/donor_shares.h); NULL: nothing.
bool stats_estimates(const struct resampler *r, const double *values, const double *shares,
                     size_t n, const bool *test, struct estimate *out, struct abl_err *err);

// Estimate of a ratio of means, sum(above) / sum(below), resampled over the same
// clusters (Efron & Tibshirani 1993, chapter 10). p and q stay NaN. *small: the
// interval of the denominator's own mean holds 0, so that the ratio says little;
// it has no interval where a resample's denominator is 0. shares: (2, clusters)
// of above and below, as in stats_estimates.
bool stats_ratio(const struct resampler *r, const double *above, const double *below,
                 const double *shares, struct estimate *out, bool *small, struct abl_err *err);

// A column's mean in each of the first n resamples (at most n_boot),
// from the sums of its values by cluster.
void stats_resampled(const struct resampler *r, const double *sums, size_t n, double *means);
uint32_t resampler_n_boot(const struct resampler *r);

// Fill q of each estimate with a p (Benjamini & Hochberg 1995); others keep NaN.
bool stats_fdr(struct estimate *grid, size_t n, struct abl_err *err);

// The same of estimates that lie apart. Reorders the list.
void stats_fdr_among(struct estimate **list, size_t n);

#endif
