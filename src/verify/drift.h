// How far a run whose products are not in f32 is from the same run in f32: measured, not promised.
#ifndef ABL_VERIFY_DRIFT_H
#define ABL_VERIFY_DRIFT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "session/session.h"
#include "stats/metrics.h"

// Absolute differences of one metric over rows and variants.
struct difference {
    double max, mean;
};

struct drift {
    size_t n_rows, n_variants; // compared, the intact run not counted; n_rows 0: nothing was
    struct difference value[N_METRICS], delta_ld;
};

// Run every row under eight of the finished variants, at equal steps through them, again on the cpu
// in f32, and compare. It loads the weights a second time. *out is empty where the session's engine
// computes in f32.
bool drift_measure(const struct session *session, const struct results *t, struct drift *out,
                   struct abl_err *err);

#endif
