#include "analysis/verdict.h"

#include <math.h>

const char *verdict_name(size_t v)
{
    static const char *const names[] = { [VERDICT_TOO_FEW] = "too few to test",
                                         [VERDICT_UNTESTED] = "not tested",
                                         [VERDICT_CHANCE] = "chance",
                                         [VERDICT_NEGLIGIBLE] = "negligible",
                                         [VERDICT_EFFECT] = "effect" };
    return v < sizeof names / sizeof *names ? names[v] : NULL;
}

enum verdict verdict_of(const struct estimate *e, struct verdict_bar bar)
{
    if (e->n_clusters < LEAST_TESTED_CLUSTERS)
        return VERDICT_TOO_FEW;
    if (isnan(e->q))
        return VERDICT_UNTESTED;
    if (!(e->q < bar.alpha))
        return VERDICT_CHANCE;
    return fabs(e->mean) >= bar.least ? VERDICT_EFFECT : VERDICT_NEGLIGIBLE;
}

bool verdict_is_effect(const struct estimate *e, struct verdict_bar bar)
{
    return verdict_of(e, bar) == VERDICT_EFFECT;
}

enum effect_side effect_side(const struct estimate *e, enum metric m)
{
    switch (metric_info(m)->sense) {
    case SENSE_FOR_TARGET:
        return e->mean < 0 ? SIDE_SUPPORTS : SIDE_OPPOSES;
    case SENSE_AGAINST_TARGET:
        return e->mean > 0 ? SIDE_SUPPORTS : SIDE_OPPOSES;
    case SENSE_UNSURE:
        return e->mean > 0 ? SIDE_SURER : SIDE_LESS_SURE;
    case SENSE_CHANGE:
        break;
    }
    return SIDE_NONE;
}

double least_effect(double share, const struct estimate *intact)
{
    double least = share * fabs(intact->mean);
    return isfinite(least) ? least : 0.0;
}
