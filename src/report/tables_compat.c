// tinyLab's four metrics, by its formulas, for runs under --compat tinylab.
#include "report/compat.h"

#include <math.h>

#include "report/tables.h"

static const char *const names[N_COMPAT_METRICS] = { [COMPAT_LOGIT_DIFF] = "logit_diff",
                                                     [COMPAT_KL_DIV] = "kl_div",
                                                     [COMPAT_ACC_FLIP_RATE] = "acc_flip_rate",
                                                     [COMPAT_P_DROP] = "p_drop" };

const char *compat_metric_name(enum compat_metric m)
{
    return names[m];
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
        out[COMPAT_KL_DIV] += results->clamped_kl
                                  ? results->clamped_kl[variant * results->n_prompts + i] / n
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

void tables_write_compat(const struct report *r, const struct effects *effects,
                         enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "condition", "variant", "logit_diff", "kl_div", "acc_flip_rate", "p_drop", NULL };
    const struct results *results = r->results;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t v = 0; v < results->variants->n; v++) {
        double means[N_COMPAT_METRICS];
        enum variant_role role = results->variants->items[v].role;
        if (!results->done[v] || role == ROLE_CONTROL || role == ROLE_SHAM)
            continue;
        compat_means(r, v, means);
        sheet_text(&s, r->session->data->name);
        sheet_text(&s, results->variants->items[v].label);
        for (int m = 0; m < N_COMPAT_METRICS; m++)
            sheet_number(&s, means[m]);
    }
    sheet_end(&s);
}
