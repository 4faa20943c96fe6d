// A run's effects as sums over clusters: little enough to be kept, and all that the difference of
// two runs takes.
#ifndef ABL_ANALYSIS_CLUSTER_SUMS_H
#define ABL_ANALYSIS_CLUSTER_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "session/measured_rows.h"
#include "stats/metrics.h"
#include "stats/stats.h"

struct cluster_sums {
    char rows[SHA256_HEX]; // which rows stand in which clusters
    uint32_t n_clusters;
    size_t n;       // effects; 0: nothing is here
    double *n_rows; // (n_clusters) rows of each
    double *sums;   // (n, n_clusters); NaN of an effect that is not there
};

// Room for n effects, all missing, over rows of the file of that SHA-256. Owned:
// cluster_sums_release; nothing to release on failure.
bool cluster_sums_init(const struct measured_rows *measured, const char *data_sha256, size_t n,
                       struct cluster_sums *out, struct abl_err *err);
void cluster_sums_release(struct cluster_sums *s);
bool cluster_sums_copy(const struct cluster_sums *from, struct cluster_sums *out);

// Effect `at`: what a finished variant changes of a metric.
void cluster_sums_take(struct cluster_sums *s, size_t at, const struct measured_rows *measured,
                       const struct results *results, size_t variant, enum metric m);

// Whether two runs are over the same rows in the same clusters.
bool cluster_sums_same_rows(const struct cluster_sums *a, const struct cluster_sums *b);

// Effect `at` of a minus that of b, both with effects: paired by cluster over the same rows, else
// as of two samples (Welch 1947). Interval and p are Student's, of the ratio estimator's
// linearised error over clusters; q stays NaN. Uncertainty is NaN as in struct estimate, the mean
// too where one of the effects is missing.
struct estimate cluster_sums_difference(const struct cluster_sums *a, const struct cluster_sums *b,
                                        size_t at, double alpha);

#endif
