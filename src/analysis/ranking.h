// Effects in the order of their size.
#ifndef ABL_ANALYSIS_RANKING_H
#define ABL_ANALYSIS_RANKING_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/effects.h"
#include "analysis/stability.h"
#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"

struct ranked_effect {
    const struct effect *effect; // borrowed
    double stays;                // as in struct stability
};

struct effect_ranking {
    struct ranked_effect *items; // (n) the largest |delta| first
    size_t n;
    struct stability stability;
};

// The effects of one list by |delta| of a metric; controls and shams were
// not chosen by anyone and are not ranked. What is no number comes last,
// equal ones in the order of the variants. Owned: effect_ranking_release.
bool effect_ranking_make(const struct measured_rows *measured, const struct results *results,
                         const struct effect *effects, size_t n, enum metric m,
                         struct effect_ranking *out, struct abl_err *err);
void effect_ranking_release(struct effect_ranking *r);

// A finished variant and what it changes.
struct top_delta {
    size_t variant;
    struct estimate delta;
};

// The `room` largest |delta| of a metric among all finished variants; *n of them.
bool top_deltas(const struct measured_rows *measured, const struct results *results, enum metric m,
                struct top_delta *out, size_t room, size_t *n, struct abl_err *err);

#endif
