// The experiments: each is a file that turns settings into a list of variants, and a row here.
#ifndef ABL_EXPERIMENTS_EXPERIMENTS_H
#define ABL_EXPERIMENTS_EXPERIMENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "plan/plan.h"
#include "plan/variant.h"
#include "session/experiment.h"
#include "session/readings.h"
#include "session/session.h"

// In the order in which people see them; the first is what is run where nothing is said. heads is
// experiment_heads, which its file defines.
#define EXPERIMENTS(ROW)                                                                           \
    ROW(heads)                                                                                     \
    ROW(sets)                                                                                      \
    ROW(patch)                                                                                     \
    ROW(partial)                                                                                   \
    ROW(lens)                                                                                      \
    ROW(attn)                                                                                      \
    ROW(ov)                                                                                        \
    ROW(sham)

#define DECLARE_EXPERIMENT(name) extern const struct experiment experiment_##name;
EXPERIMENTS(DECLARE_EXPERIMENT)
#undef DECLARE_EXPERIMENT

#define COUNT_EXPERIMENT(name) +1
enum { N_EXPERIMENTS = EXPERIMENTS(COUNT_EXPERIMENT) };
#undef COUNT_EXPERIMENT

extern const struct experiment *const experiments[N_EXPERIMENTS];

// By its name; NULL: there is none.
const struct experiment *experiment_named(const char *name);

// The variants that the settings' experiment asks for. The caller's: variants_release.
bool experiment_variants(const struct session *session, struct variants *out, struct abl_err *err);

// The whole run's plan on a device: the intact runs, these variants, and what the experiment reads.
// The caller's: plan_release, also after a failure.
bool experiment_plan(const struct session *session, const struct device_info *device,
                     const struct variants *v, struct plan *out, struct abl_err *err);

// What the settings' experiment reads; nothing for those that only ablate. `t` is the finished
// table of its variants. Owned by the caller: readings_release, also after a failure.
// ABL_INTERRUPTED when cancelled (NULL = never).
bool experiment_read(struct session *session, const struct results *t, atomic_bool *cancel,
                     struct readings *out, struct abl_err *err);

#endif
