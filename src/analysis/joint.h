// A set of heads ablated at once, against the same heads one by one.
#ifndef ABL_ANALYSIS_JOINT_H
#define ABL_ANALYSIS_JOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"
#include "stats/metrics.h"
#include "stats/stats.h"

// Numbers of the finished variants that ablate one of n heads each, in this way; singles: room for
// n. False where one is missing.
bool joint_singles(const struct results *results, const struct head *heads, size_t n,
                   const struct ablation *how, size_t *singles);

// Delta of the finished variant `joint` less the sum of its single heads' deltas, row by row.
bool estimate_interaction(const struct measured_rows *measured, const struct results *results,
                          size_t joint, const size_t *singles, size_t n_singles, enum metric m,
                          struct estimate *out, struct abl_err *err);

// Deltas: interaction = joint - sum.
struct joint_effect {
    struct estimate joint, sum, interaction;
};

// Of a set that was ablated in this way, as its heads were. ABL_FAILED where one of these is
// missing.
bool joint_effect_make(const struct measured_rows *measured, const struct results *results,
                       const struct head_set *set, const struct ablation *how, enum metric m,
                       struct joint_effect *out, struct abl_err *err);

#endif
