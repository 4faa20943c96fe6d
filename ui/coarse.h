// The coarse pass of a long sweep: every variant over a few of the rows, before all of them.
#ifndef ABL_UI_COARSE_H
#define ABL_UI_COARSE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "session/sample.h"
#include "session/session.h"
#include "ui/measured.h"

struct coarse {
    bool tried;                // prepared, if it pays
    struct row_sample *sample; // NULL where it does not pay
    struct results results;    // of the sweep's variants over its rows
    struct live_effects effects;
    double seconds; // spent here
};

// Sample the rows where `fine`, the sweep over all of them, takes so long that its outline is worth
// a pass of its own. Once: later calls do nothing. Its variants outlive the coarse pass.
bool coarse_prepare(struct coarse *c, const struct session *session, const struct measured *fine,
                    struct abl_err *err);

// Run what is left, less what `fine` has finished by now. Options as of sweep_run.
bool coarse_run(struct coarse *c, const struct measured *fine, atomic_bool *cancel,
                const atomic_uint *wanted, session_progress *progress, void *context,
                struct abl_err *err);
bool coarse_is_complete(const struct coarse *c);

// Estimate what has finished since the last time, of one metric.
bool coarse_estimate(struct coarse *c, const struct session *session, enum metric metric,
                     struct abl_err *err);
void coarse_forget(struct coarse *c);

#endif
