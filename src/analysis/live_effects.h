// The effects of a run that is under way: of one metric, each made when its variant has finished.
#ifndef ABL_ANALYSIS_LIVE_EFFECTS_H
#define ABL_ANALYSIS_LIVE_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/estimates.h"
#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"

struct live_effect {
    bool made;
    double value; // mean of the metric itself
    struct estimate delta;
    struct recovery recovery; // as estimate_recovery
    bool has_changed;         // it is a patch
    struct changed_effect changed;
};

struct live_effects {
    struct live_effect *items; // (n), by variant
    size_t n;
};

// For n variants, none made. Owned: live_effects_release.
bool live_effects_init(struct live_effects *e, size_t n, struct abl_err *err);
void live_effects_release(struct live_effects *e);

// Those of another metric are wanted.
void live_effects_forget(struct live_effects *e);

// Make what has finished since the last call.
bool live_effects_update(struct live_effects *e, const struct measured_rows *measured,
                         const struct results *results, enum metric m, struct abl_err *err);

// q over n variants' deltas, which are made.
bool live_effects_correct(struct live_effects *e, const size_t *variants, size_t n,
                          struct abl_err *err);

#endif
