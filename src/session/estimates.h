// What finished variants say, with its uncertainty.
#ifndef ABL_SESSION_ESTIMATES_H
#define ABL_SESSION_ESTIMATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "session/session.h"
#include "stats/metrics.h"
#include "stats/stats.h"

// Estimate of a metric's paired delta (or, value = true, of the metric itself)
// for a finished variant.
bool estimate_metric(const struct session *session, const struct results *t, size_t variant,
                     enum metric m, bool value, struct estimate *out, struct abl_err *err);

// The same of every metric.
bool estimate_metrics(const struct session *session, const struct results *t, size_t variant,
                      bool value, struct estimate out[N_METRICS], struct abl_err *err);

// The intact baseline's estimate of a metric.
bool estimate_intact(const struct session *session, enum metric m, struct estimate *out,
                     struct abl_err *err);

// joint delta minus the sum of the single heads' deltas, per row, as an estimate. singles: their
// variant indices.
bool estimate_interaction(const struct session *session, const struct results *t, size_t joint,
                          const size_t *singles, size_t n_singles, enum metric m,
                          struct estimate *out, struct abl_err *err);

// Where a row stands between a damaged run and the one it should get back to.
struct recovery {
    double reference, damaged, patched; // means
    struct estimate ratio;              // (patched - damaged) / (reference - damaged) of the means
    bool small;                         // the denominator is not told from 0
};

// Of a finished ROLE_RESTORED variant: from the ablated set back to the intact run. Of a ROLE_PATCH
// one: from the run that is patched into to the one that gives.
bool estimate_recovery(const struct session *session, const struct results *t, size_t variant,
                       enum metric m, struct recovery *out, struct abl_err *err);

#endif
