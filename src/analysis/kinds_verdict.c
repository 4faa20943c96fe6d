#include "analysis/kinds_verdict.h"

#include <string.h>

static const char *side(const struct estimate *e, enum metric m)
{
    static const char *const words[] = { [SIDE_SUPPORTS] = "supports",
                                         [SIDE_OPPOSES] = "opposes",
                                         [SIDE_SURER] = "makes surer",
                                         [SIDE_LESS_SURE] = "makes less sure",
                                         [SIDE_NONE] = "shapes the prediction" };
    return words[effect_side(e, m)];
}

static const char *stance(const struct estimate *e, enum metric m, struct verdict_bar bar)
{
    switch (verdict_of(e, bar)) {
    case VERDICT_TOO_FEW:
        return "too few clusters to test";
    case VERDICT_UNTESTED:
        return "not tested";
    case VERDICT_CHANCE:
        return "no effect beyond chance";
    case VERDICT_NEGLIGIBLE:
        return "negligible";
    case VERDICT_EFFECT:
        break;
    }
    return side(e, m);
}

// "zero", "zero and mean", "zero, mean and patch": the kinds from `first` on that say the same.
static void put_kinds(const struct kind_effect *effects, size_t n, size_t first, enum metric m,
                      struct verdict_bar bar, struct buf *out)
{
    const char *said = stance(effects[first].e, m, bar);
    size_t left = 0, put = 0;
    for (size_t i = first; i < n; i++)
        left += effects[i].e->n && strcmp(stance(effects[i].e, m, bar), said) == 0;
    for (size_t i = first; i < n; i++) {
        if (!effects[i].e->n || strcmp(stance(effects[i].e, m, bar), said) != 0)
            continue;
        left--;
        buf_printf(out, "%s%s", !put++ ? "" : left ? ", " : " and ", effects[i].kind);
    }
}

static bool is_said_before(const struct kind_effect *effects, size_t i, enum metric m,
                           struct verdict_bar bar)
{
    for (size_t k = 0; k < i; k++)
        if (effects[k].e->n
            && strcmp(stance(effects[k].e, m, bar), stance(effects[i].e, m, bar)) == 0)
            return true;
    return false;
}

void kinds_verdict(const struct kind_effect *effects, size_t n, enum metric m,
                   struct verdict_bar bar, struct buf *out)
{
    size_t n_stances = 0;
    bool matters = false; // under some kind
    for (size_t i = 0; i < n; i++) {
        if (!effects[i].e->n || is_said_before(effects, i, m, bar))
            continue;
        matters = matters || verdict_is_effect(effects[i].e, bar);
        buf_printf(out, "%s%s under ", n_stances++ ? ", " : "", stance(effects[i].e, m, bar));
        put_kinds(effects, n, i, m, bar, out);
    }
    if (n_stances > 1 && matters)
        buf_str(out, ": depends on the kind");
}
