// A list of variants with its results, and what is estimated from those that have finished.
#ifndef ABL_UI_MEASURED_H
#define ABL_UI_MEASURED_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/live_effects.h"
#include "base/err.h"
#include "session/session.h"

struct measured {
    struct variants variants;
    struct results results;
    bool ready;                  // false: nothing here is filled in
    struct live_effects effects; // of one metric
};

// Make room for the results of the variants, which are there. On failure they are released too.
bool measured_init(struct measured *m, size_t n_prompts, struct abl_err *err);
void measured_release(struct measured *m);

// Estimate what has finished since the last time.
bool measured_estimate(struct measured *m, const struct session *session, enum metric metric,
                       struct abl_err *err);

#endif
