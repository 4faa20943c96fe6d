// compat.csv: tinyLab's metrics, by its formulas, for runs under --compat tinylab.
#include "report/compat.h"

#include <math.h>

#include "plan/head_syntax.h"
#include "report/columns.h"
#include "report/tables.h"

#define METRIC_NAME(id, name, type, unit, meaning) [COMPAT_##id] = name,
static const char *const names[N_COMPAT_METRICS] = { COMPAT_METRICS(METRIC_NAME) };

const char *compat_metric_name(size_t m)
{
    return m < N_COMPAT_METRICS ? names[m] : NULL;
}

// Sums over rows, but of max_abs_delta the largest.
static void add_row(const struct report *r, size_t variant, size_t row,
                    double sum[N_COMPAT_METRICS])
{
    const struct session *session = r->session;
    const struct results *results = r->results;
    const struct tinylab_row none = { NAN, NAN, NAN, NAN, NAN };
    size_t cell = variant * results->n_prompts + row;
    const struct row_stats *a = &results->rows[cell];
    // patches: who gives
    const struct row_stats *c = session->other ? &session->other[row] : &session->intact[row];
    const struct tinylab_row *t = results->tinylab ? &results->tinylab[cell] : &none;
    double p = metric_value(METRIC_PROB, a, a), was = metric_value(METRIC_PROB, c, c);
    double intact = session->tinylab ? session->tinylab->intact[row] : NAN;
    bool higher = !(t->max_delta <= sum[COMPAT_MAX_ABS_DELTA]); // NAN too
    sum[COMPAT_LOGIT_DIFF] += (double)a->target_logit - (double)a->foil_logit;
    sum[COMPAT_KL_DIV] += t->kl;
    sum[COMPAT_ACC_FLIP_RATE]
        += !id_list_has(prompt_targets(&session->prompts->items[row]), a->argmax);
    sum[COMPAT_P_DROP] += was - p;
    sum[COMPAT_MAX_ABS_DELTA] = higher ? t->max_delta : sum[COMPAT_MAX_ABS_DELTA];
    sum[COMPAT_SEQ_LOGPROB_DIFF] += t->seq_target - t->seq_foil;
    sum[COMPAT_SEQ_P_DROP] += intact - t->seq_target;
    sum[COMPAT_SEQ_KL_MEAN] += t->seq_kl;
}

// Summed first, so that a share of all rows is 1 to the bit.
void compat_means(const struct report *r, size_t variant, double out[N_COMPAT_METRICS])
{
    size_t n = r->results->n_prompts;
    for (int m = 0; m < N_COMPAT_METRICS; m++)
        out[m] = 0;
    for (size_t i = 0; i < n; i++)
        add_row(r, variant, i, out);
    for (int m = 0; m < N_COMPAT_METRICS; m++)
        out[m] /= m == COMPAT_MAX_ABS_DELTA ? 1 : (double)n;
}

// How often a variant counts among what was swept: once for each seed that drew its head.
static size_t times_drawn(const struct session *session, const struct variant *v)
{
    if (!session->n_draws || v->role != ROLE_HEAD)
        return 1;
    size_t n = 0;
    for (size_t i = 0; i < session->n_draws; i++)
        n += head_set_has(&session->draws[i].heads, v->nodes.heads[0]);
    return n;
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
        size_t times = times_drawn(r->session, &results->variants->items[v]);
        compat_means(r, v, means);
        for (int m = 0; m < N_COMPAT_METRICS; m++)
            sum[m] += (double)times * means[m];
        n += times;
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
        bool beside = variant->role != r->settings->experiment->swept
                      && (variant->role == ROLE_CONTROL || variant->role == ROLE_SHAM
                          || variant->role == ROLE_REPEAT);
        if (!results->done[v] || beside)
            continue;
        compat_means(r, v, means);
        sheet_row(s, &(struct table_row){ .report = r, .variant = variant, .item = means });
    }
}

static double mean(const struct table_row *row, enum compat_metric m)
{
    return ((const double *)row->item)[m];
}

#define MEAN_CELL(id, name, type, unit, meaning) CELL(cell_##id, number, mean(row, COMPAT_##id))
COMPAT_METRICS(MEAN_CELL)

#define MEAN_COLUMN(id, name, type, unit, meaning) { name, type, unit, meaning, cell_##id },
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
