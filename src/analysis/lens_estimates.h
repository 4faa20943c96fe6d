// What the logit lens and the direct effects say over the rows, and what later parts do about a
// head's loss.
#ifndef ABL_ANALYSIS_LENS_ESTIMATES_H
#define ABL_ANALYSIS_LENS_ESTIMATES_H

#include <stdbool.h>

#include "base/err.h"
#include "experiments/lens.h"
#include "session/measured_rows.h"
#include "session/session.h"
#include "stats/stats.h"

struct direct_estimate {
    struct estimate ld; // the part's share of ld
    // Of a head that was ablated as well; n = 0 elsewhere. total: what its ablation does to ld.
    // indirect: total less what the ablation takes from the head's own share, which is what later
    // parts do about it, the final norm's scale included. Where total is negative, a positive one
    // repairs (McGrath et al. 2023). NaN where lens_taken is; q over the heads.
    struct estimate total, indirect;
};

struct lens_point_estimate {
    struct estimate ld, logprob, rank, entropy;
};

struct lens_estimates {
    struct direct_estimate *parts;      // (lens->n_parts)
    struct lens_point_estimate *points; // (lens->n_points)
};

// results: of the variants that ran beside the lens, NULL: none did. Owned: lens_estimates_release.
bool lens_estimates_make(const struct measured_rows *measured, const struct results *results,
                         const struct lens *lens, struct lens_estimates *out, struct abl_err *err);
void lens_estimates_release(struct lens_estimates *e);

// order[0] … order[n-1]: the n parts from the largest |share of ld| down.
bool direct_by_size(const struct lens_estimates *e, size_t n, size_t *order, struct abl_err *err);

#endif
