#include "analysis/live_effects.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool live_effects_init(struct live_effects *e, size_t n, struct abl_err *err)
{
    struct live_effect *items = calloc(n ? n : 1, sizeof *items);
    if (!items)
        return abl_no_memory(err);
    *e = (struct live_effects){ .items = items, .n = n };
    return true;
}

void live_effects_release(struct live_effects *e)
{
    free(e->items);
    *e = (struct live_effects){ 0 };
}

void live_effects_forget(struct live_effects *e)
{
    if (e->items)
        memset(e->items, 0, e->n * sizeof *e->items);
}

// The mean of the metric itself.
static bool mean_value(const struct measured_rows *measured, const struct results *results,
                       size_t variant, enum metric m, double *out, struct abl_err *err)
{
    struct measured_rows own;
    double sum = 0;
    if (!measured_subset(measured, results->variants, variant, 0, &own, err))
        return false;
    for (size_t i = 0; i < own.rows.n; i++)
        sum += row_value(&own, results, variant, measured_row(&own, i), m);
    *out = own.rows.n ? sum / (double)own.rows.n : (double)NAN;
    return true;
}

bool live_effects_update(struct live_effects *e, const struct measured_rows *measured,
                         const struct results *results, enum metric m, struct abl_err *err)
{
    for (size_t v = 0; v < e->n; v++) {
        struct live_effect *one = &e->items[v];
        if (one->made || !results_is_effect(results, v))
            continue;
        one->has_changed = results->variants->items[v].role == ROLE_PATCH;
        if (!estimate_delta(measured, results, v, m, &one->delta, err)
            || !estimate_recovery(measured, results, v, m, &one->recovery, err)
            || !mean_value(measured, results, v, m, &one->value, err)
            || (one->has_changed && !estimate_changed(measured, results, v, m, &one->changed, err)))
            return false;
        one->made = true;
    }
    return true;
}

bool live_effects_correct(struct live_effects *e, const size_t *variants, size_t n,
                          struct abl_err *err)
{
    struct estimate **grid = malloc((n + 1) * sizeof *grid);
    if (!grid)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        assert(e->items[variants[i]].made);
        grid[i] = &e->items[variants[i]].delta;
    }
    stats_fdr_among(grid, n);
    free(grid);
    return true;
}
