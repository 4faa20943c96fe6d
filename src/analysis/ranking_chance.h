// How stable a ranking looks where there is nothing to rank: what stability's figures are read
// against.
#ifndef ABL_ANALYSIS_RANKING_CHANCE_H
#define ABL_ANALYSIS_RANKING_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CHANCE_DRAWS = 200 };

// NaN where there is no such figure.
struct ranking_chance {
    double split_half;  // Spearman, between halves of the clusters
    double top_jaccard; // between the sample's top k and a resample's
};

// sums: (n, n_clusters) of paired deltas. Means over CHANCE_DRAWS draws by the seed, in each of
// which every cluster's sign is a coin's, the same for all variants: they keep their correlations
// and sizes, and none has an effect. As of the real sample, only the n_kept largest are ranked:
// among those chosen for their size both halves agree somewhat, whatever they are of.
bool ranking_chance(const double *sums, size_t n, uint32_t n_clusters, size_t n_kept, size_t top_k,
                    uint64_t seed, struct ranking_chance *out, struct abl_err *err);

#endif
