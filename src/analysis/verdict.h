// What an effect's numbers come to: whether it was tested, is told from chance, and is big enough
// to matter. Files, figures and the explorer ask here, so that they never disagree.
#ifndef ABL_ANALYSIS_VERDICT_H
#define ABL_ANALYSIS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/metrics.h"
#include "stats/stats.h"

enum verdict {
    VERDICT_TOO_FEW,    // clusters to test anything
    VERDICT_UNTESTED,   // it has no q
    VERDICT_CHANCE,     // as big as chance makes them
    VERDICT_NEGLIGIBLE, // told from chance, and smaller than what counts
    VERDICT_EFFECT,
};

// What an effect must reach: q below alpha, and a size of at least `least` in its metric's unit.
struct verdict_bar {
    double alpha, least;
};

// "too few to test", "not tested", "chance", "negligible", "effect"; a name_list.
const char *verdict_name(size_t v);

enum verdict verdict_of(const struct estimate *e, struct verdict_bar bar);

// Whether it is VERDICT_EFFECT.
bool verdict_is_effect(const struct estimate *e, struct verdict_bar bar);

// What an ablation's effect says that the ablated part does: the reverse of what its loss does.
enum effect_side {
    SIDE_SUPPORTS,
    SIDE_OPPOSES,
    SIDE_SURER, // makes the model
    SIDE_LESS_SURE,
    SIDE_NONE, // the metric tells of a change alone
};
enum effect_side effect_side(const struct estimate *e, enum metric m);

// The least size that counts of a metric: that share of the intact run's |mean|; 0 where there is
// no mean.
double least_effect(double share, const struct estimate *intact);

#endif
