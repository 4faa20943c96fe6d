// Every estimate that a run's files show, made once: the intact run, single heads, head sets.
#ifndef ABL_REPORT_RESULTS_H
#define ABL_REPORT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "lab/drift.h"
#include "lab/run.h"
#include "report/holdout.h"

// One finished variant.
struct effect {
    size_t variant;
    struct estimate value[N_METRICS]; // under ablation
    struct estimate
        delta[N_METRICS]; // paired with the intact run; q over the list that holds the effect
    struct recovery recovery[N_METRICS]; // of a restored set or a patch
    double percentile
        [N_METRICS]; // of a set: share of its controls with a delta at most as large, in percent; NaN: none
    double p_null
        [N_METRICS]; // of a set: (b + 1) / (n_controls + 1), b controls with |delta| >= its own; NaN: none
    size_t n_controls;
    struct estimate interaction
        [N_METRICS]; // of a set: joint minus sum of singles; n = 0 where a single is missing
};

struct results {
    struct estimate intact[N_METRICS];
    // By role, each in the order of the variants: one head; sets and their controls; restored sets; patches and shams.
    struct effect *heads, *groups, *restored, *patches;
    size_t n_heads, n_groups, n_restored, n_patches;
    struct holdout holdout;
    struct drift drift; // from f32, where the run is in another precision
};

bool results_make(const struct lab *lab, const struct table *table, struct results *out,
                  struct abl_err *err);
void results_release(struct results *r);

// True for the ablation of exactly one head.
bool variant_is_head(const struct variant *v);

#endif
