#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "session/estimates.h"

// One value per prompt, then its estimate.
static bool estimate(const struct session *session, const double *values, bool test,
                     struct estimate *out, struct abl_err *err)
{
    return stats_estimate(session->resampler, values, test, out, err);
}

// A metric under a variant (n_prompts), or what the variant changes of it.
static void fill_column(const struct session *session, const struct results *t, size_t variant,
                        enum metric m, bool value, double *column)
{
    const struct row_stats *rows = t->rows + variant * t->n_prompts;
    for (size_t i = 0; i < t->n_prompts; i++)
        column[i] = value ? metric_value(m, &rows[i], &session->intact[i])
                          : metric_delta(m, &rows[i], &session->intact[i]);
}

bool estimate_metric(const struct session *session, const struct results *t, size_t variant,
                     enum metric m, bool value, struct estimate *out, struct abl_err *err)
{
    assert(t->done[variant]);
    double *column = malloc(t->n_prompts * sizeof *column);
    if (!column)
        return abl_no_memory(err);
    fill_column(session, t, variant, m, value, column);
    bool ok = estimate(session, column, !value, out, err);
    free(column);
    return ok;
}

bool estimate_metrics(const struct session *session, const struct results *t, size_t variant,
                      bool value, struct estimate out[N_METRICS], struct abl_err *err)
{
    assert(t->done[variant]);
    double *columns = calloc(t->n_prompts, N_METRICS * sizeof *columns);
    if (!columns)
        return abl_no_memory(err);
    for (int m = 0; m < N_METRICS; m++)
        fill_column(session, t, variant, (enum metric)m, value, columns + (size_t)m * t->n_prompts);
    bool ok = stats_estimates(session->resampler, columns, N_METRICS, !value, out, err);
    free(columns);
    return ok;
}

bool estimate_intact(const struct session *session, enum metric m, struct estimate *out,
                     struct abl_err *err)
{
    size_t n = session->prompts->n;
    double *column = malloc(n * sizeof *column);
    if (!column)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        column[i] = metric_value(m, &session->intact[i], &session->intact[i]);
    bool ok = estimate(session, column, false, out, err);
    free(column);
    return ok;
}

bool estimate_interaction(const struct session *session, const struct results *t, size_t joint,
                          const size_t *singles, size_t n_singles, enum metric m,
                          struct estimate *out, struct abl_err *err)
{
    double *column = malloc(t->n_prompts * sizeof *column);
    if (!column)
        return abl_no_memory(err);
    for (size_t i = 0; i < t->n_prompts; i++) {
        column[i] = metric_delta(m, &t->rows[joint * t->n_prompts + i], &session->intact[i]);
        for (size_t k = 0; k < n_singles; k++)
            column[i]
                -= metric_delta(m, &t->rows[singles[k] * t->n_prompts + i], &session->intact[i]);
    }
    bool ok = estimate(session, column, true, out, err);
    free(column);
    return ok;
}

// The rows that a recovery starts from and aims at; false where they are not there.
static bool recovery_rows(const struct session *session, const struct results *t, size_t variant,
                          const struct row_stats **damaged, const struct row_stats **reference)
{
    const struct variant *v = &t->variants->items[variant];
    if (v->role == ROLE_RESTORED) {
        *damaged = t->rows + v->parent * t->n_prompts;
        *reference = session->intact;
        return t->done[v->parent];
    }
    *damaged = session->intact;
    *reference = session->other;
    return session->other != NULL;
}

bool estimate_recovery(const struct session *session, const struct results *t, size_t variant,
                       enum metric m, struct recovery *out, struct abl_err *err)
{
    const struct row_stats *damaged, *reference, *patched = t->rows + variant * t->n_prompts;
    double n = (double)t->n_prompts, *above = malloc(2 * t->n_prompts * sizeof *above);
    double *below = above ? above + t->n_prompts : NULL;
    struct recovery r = { .reference = NAN, .damaged = NAN, .patched = NAN, .small = true };
    r.ratio = (struct estimate){ .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN };
    if (!above)
        return abl_no_memory(err);
    bool ok = true;
    if (recovery_rows(session, t, variant, &damaged, &reference)) {
        r.reference = r.damaged = r.patched = 0;
        for (size_t i = 0; i < t->n_prompts; i++) {
            double d = metric_value(m, &damaged[i], &session->intact[i]);
            double f = metric_value(m, &reference[i], &session->intact[i]);
            double p = metric_value(m, &patched[i], &session->intact[i]);
            above[i] = p - d;
            below[i] = f - d;
            r.reference += f / n;
            r.damaged += d / n;
            r.patched += p / n;
        }
        ok = stats_ratio(session->resampler, above, below, &r.ratio, &r.small, err);
    }
    free(above);
    if (ok)
        *out = r;
    return ok;
}
