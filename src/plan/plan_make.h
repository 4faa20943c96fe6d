// From what a run is asked for to its plan.
#ifndef ABL_PLAN_PLAN_MAKE_H
#define ABL_PLAN_PLAN_MAKE_H

#include <stdbool.h>

#include "base/err.h"
#include "plan/plan.h"
#include "plan/plan_input.h"

// The caller's: plan_release, also after a failure. The shape is borrowed. Where a count does
// not fit 64 bits, ABL_FAILED.
bool plan_make(const struct plan_input *in, struct plan *out, struct abl_err *err);

#endif
