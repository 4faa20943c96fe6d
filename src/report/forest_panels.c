#include "report/forest_panels.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/printable.h"
#include "base/size.h"
#include "report/number.h"

// A text as it may be shown.
static const char *shown(const char *text, struct arena *a)
{
    struct buf out = { 0 };
    printable_add(&out, text, strlen(text));
    const char *kept = out.failed ? NULL : arena_strndup(a, out.len ? out.data : "", out.len);
    buf_release(&out);
    return kept;
}

// The largest |delta| first, at most FOREST_PANELS of them; returns how many.
static uint32_t largest(const struct results *results, const struct ablation *how,
                        const struct effects *effects, enum metric m,
                        const struct effect *out[FOREST_PANELS])
{
    uint32_t n = 0;
    for (size_t i = 0; i < effects->n_heads; i++) {
        const struct effect *e = &effects->heads[i];
        double size = fabs(e->delta[m].mean);
        if (isnan(size) || !ablation_same(&results->variants->items[e->variant].how, how))
            continue;
        uint32_t at = n;
        while (at && size > fabs(out[at - 1]->delta[m].mean))
            at--;
        for (uint32_t k = n < FOREST_PANELS ? n : FOREST_PANELS - 1; k > at; k--)
            out[k] = out[k - 1];
        if (at < FOREST_PANELS)
            out[at] = e;
        n = n < FOREST_PANELS ? n + 1 : n;
    }
    return n;
}

static const char *caption(const char *label, double p, struct arena *a)
{
    char number[NUMBER_SIZE];
    if (isnan(p))
        return arena_printf(a, "%s", label);
    number_fixed(p, 4, number);
    return arena_printf(a, "%s · groups differ: p %s", label, p < 0.00005 ? "< 0.0001" : number);
}

// Means of the groups, and what all rows say behind them.
static void fill_panel(const struct group_mean *means, uint32_t n, const struct estimate *all,
                       struct estimate *cells)
{
    for (uint32_t k = 0; k < n; k++)
        cells[k] = (struct estimate){ .mean = means[k].mean,
                                      .ci_lo = means[k].ci_lo,
                                      .ci_hi = means[k].ci_hi };
    cells[n] = *all;
}

bool forest_of_effects(const struct report *r, const struct measured_rows *measured,
                       const struct effects *effects, const struct heatmap *m, struct arena *a,
                       struct forest_figure *out)
{
    enum metric metric = r->session->settings.metric;
    const struct prompts *p = r->session->prompts;
    struct row_groups rows = effects->by_group.rows;
    const struct effect *top[FOREST_PANELS];
    uint32_t n = p->n_groups,
             n_panels = largest(r->results, &r->settings->ablation, effects, metric, top);
    const char **names = arena_alloc(a, n, sizeof *names);
    struct estimate *cells = arena_alloc(a, (size_t)size_max(n_panels, 1) * (n + 1), sizeof *cells);
    bool ok = names && cells;
    *out = (struct forest_figure){ .subtitle = m->subtitle,
                                   .quantity = m->quantity,
                                   .n_panels = n_panels,
                                   .n_groups = n,
                                   .groups = names,
                                   .cells = cells };
    for (uint32_t k = 0; ok && k < n; k++)
        ok = (names[k] = shown(p->group_names[k], a));
    for (uint32_t i = 0; ok && i < n_panels; i++) {
        size_t v = top[i]->variant;
        struct heterogeneity found;
        struct abl_err err;
        if (!row_groups_means(&rows, measured, r->results, v, metric, effects->by_group.means,
                              &found, &err))
            return false;
        fill_panel(effects->by_group.means, n, &top[i]->delta[metric], cells + i * (n + 1));
        ok = (out->panels[i] = caption(r->results->variants->items[v].label, found.p, a));
    }
    const char *by = ok ? shown(p->by, a) : NULL;
    out->title = by ? arena_printf(a, "%s · by %s", m->title, by) : NULL;
    return out->title;
}
