// Every estimate that a run's files show, made once: the intact run, single heads, head sets.
#ifndef ABL_ANALYSIS_EFFECTS_H
#define ABL_ANALYSIS_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/by_group.h"
#include "analysis/estimates.h"
#include "analysis/holdout.h"
#include "analysis/lens_estimates.h"
#include "analysis/verdict.h"
#include "base/err.h"
#include "session/session.h"

// What the kinds of ablation of a run say of one head or chosen set, of one metric.
struct agreement {
    uint32_t n_kinds; // under which it has finished; below 2 there is nothing to agree on
    bool sign_agrees; // its delta has one sign under all of them, 0 agreeing with none
    // the first and the last place that it has under a kind, by |delta| among those of its list
    uint32_t rank_min, rank_max;
};

// One finished variant.
struct effect {
    size_t variant;
    struct agreement agreement[N_METRICS]; // the same for each kind; zero of controls and patches
    struct estimate value[N_METRICS];      // under ablation
    // paired with the intact run; q over those of its kind in the list that holds the effect
    struct estimate delta[N_METRICS];
    struct recovery recovery[N_METRICS];      // of a restored set or a patch
    struct changed_effect changed[N_METRICS]; // of a patch or a sham
    // of a set: share of its controls with a delta at most as large, in percent; NaN: none
    double percentile[N_METRICS];
    // of a set: (b + 1) / (n_controls + 1), b controls with |delta| >= its own; NaN: none
    double p_null[N_METRICS];
    size_t n_controls;
    // of a set: joint minus sum of singles; n = 0 where a single is missing
    struct estimate interaction[N_METRICS];
};

struct effects {
    struct estimate intact[N_METRICS];
    struct verdict_bar bar[N_METRICS]; // of deltas
    // By role, each in the order of the variants, one kind of ablation behind the other: one head;
    // sets and their controls; restored sets; patches and shams.
    struct effect *heads, *groups, *restored, *patches;
    size_t n_heads, n_groups, n_restored, n_patches;
    struct holdout holdout;
    struct by_group by_group;   // empty without --by
    struct lens_estimates lens; // empty without a lens
};

// Of the finished variants, and of what the run's lens read (NULL: none). Owned: effects_release.
bool effects_make(const struct measured_rows *measured, const struct results *results,
                  const struct lens *lens, struct effects *out, struct abl_err *err);
void effects_release(struct effects *r);

// The effects of one kind of ablation, a part of all of them that points into them: what is
// corrected, ranked or averaged is of one kind. Patches are of none and stay.
struct effects effects_of_kind(const struct results *results, const struct effects *all,
                               const struct ablation *how);

// A list of effects under one metric: means over it, how many of them differ from the intact run
// after correction, and how many of these are big enough to matter.
struct overall_effect {
    double value, delta;
    size_t n_significant, n_effects;
};

// Of n >= 1 effects.
struct overall_effect effects_overall(const struct effect *effects, size_t n, enum metric m,
                                      struct verdict_bar bar);

// The largest change of a target's or a foil's logit under the run's shams, which change nothing;
// NaN without.
double sham_error(const struct measured_rows *measured, const struct results *results);

#endif
