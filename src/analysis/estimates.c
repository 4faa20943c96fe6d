#include "analysis/estimates.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// What is estimated of a variant: column[i] is of row i.
typedef void fill_column(const struct measured_rows *measured, const struct row_stats *rows,
                         enum metric m, double *column);

static void fill_values(const struct measured_rows *measured, const struct row_stats *rows,
                        enum metric m, double *column)
{
    for (size_t i = 0; i < measured->prompts->n; i++)
        column[i] = metric_value(m, &rows[i], &measured->intact[i]);
}

static void fill_deltas(const struct measured_rows *measured, const struct row_stats *rows,
                        enum metric m, double *column)
{
    for (size_t i = 0; i < measured->prompts->n; i++)
        column[i] = metric_delta(m, &rows[i], &measured->intact[i]);
}

static double *new_columns(const struct measured_rows *measured, size_t n, struct abl_err *err)
{
    size_t rows = measured->prompts->n;
    double *columns = calloc(rows ? rows : 1, n * sizeof *columns);
    if (!columns)
        abl_no_memory(err);
    return columns;
}

static const struct row_stats *rows_of(const struct results *results, size_t variant)
{
    assert(results->done[variant]);
    return results->rows + variant * results->n_prompts;
}

static bool estimate_one(const struct measured_rows *measured, const struct row_stats *rows,
                         enum metric m, fill_column *fill, bool test, struct estimate *out,
                         struct abl_err *err)
{
    double *column = new_columns(measured, 1, err);
    if (!column)
        return false;
    fill(measured, rows, m, column);
    bool ok = stats_estimate(measured->resampler, column, test, out, err);
    free(column);
    return ok;
}

static bool estimate_all(const struct measured_rows *measured, const struct row_stats *rows,
                         fill_column *fill, const bool test[N_METRICS],
                         struct estimate out[N_METRICS], struct abl_err *err)
{
    double *columns = new_columns(measured, N_METRICS, err);
    if (!columns)
        return false;
    for (int m = 0; m < N_METRICS; m++)
        fill(measured, rows, (enum metric)m, columns + (size_t)m * measured->prompts->n);
    bool ok = stats_estimates(measured->resampler, columns, N_METRICS, test, out, err);
    free(columns);
    return ok;
}

bool estimate_delta(const struct measured_rows *measured, const struct results *results,
                    size_t variant, enum metric m, struct estimate *out, struct abl_err *err)
{
    return estimate_one(measured, rows_of(results, variant), m, fill_deltas, metric_is_signed(m),
                        out, err);
}

bool estimate_values(const struct measured_rows *measured, const struct results *results,
                     size_t variant, struct estimate out[N_METRICS], struct abl_err *err)
{
    return estimate_all(measured, rows_of(results, variant), fill_values, NULL, out, err);
}

bool estimate_deltas(const struct measured_rows *measured, const struct results *results,
                     size_t variant, struct estimate out[N_METRICS], struct abl_err *err)
{
    bool test[N_METRICS];
    for (int m = 0; m < N_METRICS; m++)
        test[m] = metric_is_signed((enum metric)m);
    return estimate_all(measured, rows_of(results, variant), fill_deltas, test, out, err);
}

bool estimate_intact(const struct measured_rows *measured, enum metric m, struct estimate *out,
                     struct abl_err *err)
{
    return estimate_one(measured, measured->intact, m, fill_values, false, out, err);
}

double intact_accuracy(const struct measured_rows *measured)
{
    size_t n = measured->prompts->n, right = 0;
    for (size_t i = 0; i < n; i++)
        right += id_list_has(prompt_targets(&measured->prompts->items[i]),
                             measured->intact[i].argmax);
    return n ? (double)right / (double)n : NAN;
}

// The rows that a recovery starts from and aims at; false where they are not there.
static bool recovery_rows(const struct measured_rows *measured, const struct results *results,
                          size_t variant, const struct row_stats **damaged,
                          const struct row_stats **reference)
{
    const struct variant *v = &results->variants->items[variant];
    if (v->role == ROLE_RESTORED) {
        *damaged = results->rows + v->parent * results->n_prompts;
        *reference = measured->intact;
        return results->done[v->parent];
    }
    *damaged = measured->intact;
    *reference = measured->other;
    return measured->other != NULL;
}

bool estimate_recovery(const struct measured_rows *measured, const struct results *results,
                       size_t variant, enum metric m, struct recovery *out, struct abl_err *err)
{
    const struct row_stats *damaged, *reference, *patched = rows_of(results, variant);
    size_t n = measured->prompts->n;
    struct recovery r = { .reference = NAN, .damaged = NAN, .patched = NAN, .small = true };
    r.ratio = (struct estimate){ .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN };
    double *above = new_columns(measured, 2, err), *below = above ? above + n : NULL;
    if (!above)
        return false;
    bool ok = true;
    if (recovery_rows(measured, results, variant, &damaged, &reference)) {
        r.reference = r.damaged = r.patched = 0;
        for (size_t i = 0; i < n; i++) {
            double d = metric_value(m, &damaged[i], &measured->intact[i]);
            double f = metric_value(m, &reference[i], &measured->intact[i]);
            double p = metric_value(m, &patched[i], &measured->intact[i]);
            above[i] = p - d;
            below[i] = f - d;
            r.reference += f / (double)n;
            r.damaged += d / (double)n;
            r.patched += p / (double)n;
        }
        ok = stats_ratio(measured->resampler, above, below, &r.ratio, &r.small, err);
    }
    free(above);
    if (ok)
        *out = r;
    return ok;
}
