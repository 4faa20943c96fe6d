// How far a ranking of variants by their mean delta hangs on the sample of prompts.
#ifndef ABL_ANALYSIS_STABILITY_H
#define ABL_ANALYSIS_STABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/ranking_chance.h"
#include "base/buf.h"
#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"

enum { STABILITY_HALVINGS = 200, STABILITY_RESAMPLES = 1000, STABILITY_TOP = 10 };

struct stability {
    // Spearman correlation of the mean deltas between two random halves of the clusters: mean over
    // n_halvings halvings that the run's seed draws, and the range that holds 95 % of them. NaN
    // with fewer than 4 clusters or 3 variants.
    double split_half, split_half_lo, split_half_hi;
    // What the mean says of two samples as large as the whole one: 2 rho / (1 + rho) (Spearman
    // 1910, Brown 1910). NaN where rho is not positive.
    double spearman_brown;
    uint32_t n_halvings;
    // The top_k variants with the largest |mean delta|: at most STABILITY_TOP and at most half of
    // all. Over n_resamples of the run's bootstrap resamples (clusters, with replacement): the mean
    // of |A ∩ B| / |A ∪ B| between the resample's top k and the sample's. top_k = 0 and NaN with
    // fewer than 2 variants or clusters, or without resamples.
    uint32_t top_k, n_resamples;
    double top_jaccard;
    // [n_all] share of the resamples that have the variant in their top k, top_k / n by chance; NaN
    // as above, and of what is not ranked
    double *stays;
    size_t n, n_all; // ranked: those whose |mean delta| is at least the least effect; of how many
    struct ranking_chance chance;
};

// Of n finished variants of the table, in any order: `stays` keeps it. Owned: stability_release. A
// few ms for a thousand.
bool stability_make(const struct measured_rows *measured, const struct results *results,
                    const size_t *variants, size_t n, enum metric m, struct stability *out,
                    struct abl_err *err);
void stability_release(struct stability *s);

// Append a line about the ranking by a metric that the run is about: its patches, its sets or its
// heads, whatever there is enough of; nothing where there is none.
void stability_text(const struct measured_rows *measured, const struct results *results,
                    enum metric m, struct buf *out);

#endif
