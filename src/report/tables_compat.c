// compat.csv: tinyLab's four metrics, by its formulas, for runs under --compat tinylab.
#include "report/compat.h"

#include <math.h>

#include "report/columns.h"
#include "report/tables.h"

#define METRIC_NAME(id, name, unit, meaning) [COMPAT_##id] = name,
static const char *const names[N_COMPAT_METRICS] = { COMPAT_METRICS(METRIC_NAME) };

const char *compat_metric_name(size_t m)
{
    return m < N_COMPAT_METRICS ? names[m] : NULL;
}

void compat_means(const struct report *r, size_t variant, double out[N_COMPAT_METRICS])
{
    const struct session *session = r->session;
    const struct results *results = r->results;
    const struct row_stats *rows = results->rows + variant * results->n_prompts;
    // patches: who gives
    const struct row_stats *base = session->other ? session->other : session->intact;
    double n = (double)results->n_prompts;
    for (int m = 0; m < N_COMPAT_METRICS; m++)
        out[m] = 0;
    for (size_t i = 0; i < results->n_prompts; i++) {
        double p = exp((double)rows[i].target_logit - (double)rows[i].lse);
        double was = exp((double)base[i].target_logit - (double)base[i].lse);
        out[COMPAT_LOGIT_DIFF] += ((double)rows[i].target_logit - (double)rows[i].foil_logit) / n;
        out[COMPAT_KL_DIV] += results->tinylab_kl
                                  ? results->tinylab_kl[variant * results->n_prompts + i] / n
                                  : NAN;
        out[COMPAT_ACC_FLIP_RATE] += (rows[i].argmax != session->prompts->items[i].target) / n;
        out[COMPAT_P_DROP] += (was - p) / n;
    }
}

size_t compat_sweep(const struct report *r, double out[N_COMPAT_METRICS])
{
    const struct results *results = r->results;
    enum variant_role role = r->settings->experiment->swept;
    double sum[N_COMPAT_METRICS] = { 0 };
    size_t n = 0;
    for (size_t v = 0; v < results->variants->n; v++) {
        double means[N_COMPAT_METRICS];
        if (!results->done[v] || results->variants->items[v].role != role)
            continue;
        compat_means(r, v, means);
        for (int m = 0; m < N_COMPAT_METRICS; m++)
            sum[m] += means[m];
        n++;
    }
    for (int m = 0; m < N_COMPAT_METRICS; m++)
        out[m] = n ? sum[m] / (double)n : NAN;
    return n;
}

static void put_rows(const struct report *r, const struct effects *effects, struct sheet *s)
{
    (void)effects;
    const struct results *results = r->results;
    for (size_t v = 0; v < results->variants->n; v++) {
        const struct variant *variant = &results->variants->items[v];
        double means[N_COMPAT_METRICS];
        if (!results->done[v] || variant->role == ROLE_CONTROL || variant->role == ROLE_SHAM)
            continue;
        compat_means(r, v, means);
        sheet_row(s, &(struct table_row){ .report = r, .variant = variant, .item = means });
    }
}

static double mean(const struct table_row *row, enum compat_metric m)
{
    return ((const double *)row->item)[m];
}

#define MEAN_CELL(id, name, unit, meaning) CELL(cell_##id, number, mean(row, COMPAT_##id))
COMPAT_METRICS(MEAN_CELL)

#define MEAN_COLUMN(id, name, unit, meaning) { name, CELL_NUMBER, unit, meaning, cell_##id },
static const struct column columns[]
    = { CONDITION_COLUMN, VARIANT_COLUMN, COMPAT_METRICS(MEAN_COLUMN) };

static bool is_compat(const struct report *r)
{
    return conventions_of(r->settings->compat)->own_metrics;
}

const struct table table_compat = {
    .name = "compat",
    .row = "tinyLab's metrics under a variant, means over rows by its formulas",
    COLUMNS(columns),
    .roles = ANY_ROLE,
    .is_of = is_compat,
    .when = "--compat",
    .put_rows = put_rows,
};
