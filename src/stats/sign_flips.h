// Sign-flip permutation over clusters: p of the hypothesis that a column's paired differences are
// symmetric around 0.
#ifndef ABL_STATS_SIGN_FLIPS_H
#define ABL_STATS_SIGN_FLIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

// Sign patterns over clusters, drawn once and shared by every column.
struct flips {
    // (n_groups, n): bit i of byte [g][f]: permutation f turns the sign of cluster 8g + i; a byte
    // picks one of the 256 sums of eight signed clusters, made once per column, so that a
    // permutation is n_groups additions.
    uint8_t *patterns;
    size_t n, n_groups;
    size_t n_first; // that every column is tried with; the others where few of these are as big
    uint32_t n_clusters;
    bool exact; // all sign patterns there are
};

// All 2^n_clusters patterns where there are few clusters, else n_wanted by rng, and more for small
// p. False: no memory. Owned by the caller: flips_release.
bool flips_init(struct flips *f, uint32_t n_clusters, uint32_t n_wanted, struct rng *rng);
void flips_release(struct flips *f);

// Two-sided p of n columns, each given by the sums of its clusters (n, n_clusters): the share of
// patterns with |sum| >= |observed|; NaN without patterns. False: no memory.
bool flips_test(const struct flips *f, const double *sums, size_t n, double *p);

#endif
