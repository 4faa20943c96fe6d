#include "analysis/estimates.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// What is estimated of a row: metric_value or metric_delta.
typedef double row_function(enum metric m, const struct row_stats *row,
                            const struct row_stats *intact);

static double mean_over_runs(const struct measured_rows *measured, const struct results *results,
                             size_t variant, size_t row, enum metric m, row_function *f)
{
    uint32_t n = results->variants->items[variant].n_runs;
    double sum = 0;
    for (uint32_t run = 0; run < n; run++)
        sum += f(m, &results_run(results, variant, run)[row], &measured->intact[row]);
    return sum / n;
}

double row_value(const struct measured_rows *measured, const struct results *results,
                 size_t variant, size_t row, enum metric m)
{
    return mean_over_runs(measured, results, variant, row, m, metric_value);
}

double row_delta(const struct measured_rows *measured, const struct results *results,
                 size_t variant, size_t row, enum metric m)
{
    return mean_over_runs(measured, results, variant, row, m, metric_delta);
}

static double *new_columns(const struct measured_rows *measured, size_t n, struct abl_err *err)
{
    size_t rows = measured->prompts->n;
    double *columns = calloc(rows ? rows : 1, n * sizeof *columns);
    if (!columns)
        abl_no_memory(err);
    return columns;
}

// Whether rows take from donors that were drawn, of which is known who they are.
static bool has_shares(const struct measured_rows *measured, const struct variant *v)
{
    return ablation_needs(v->how.kind) == NEEDS_RESAMPLED && measured->pairs
           && donor_pairs_donors(measured->pairs) == v->n_runs;
}

// The means over runs, and what donors add (NULL: nothing).
static bool reduce(const struct measured_rows *measured, const struct variant *v,
                   const double *runs, double *column, double *shares, struct abl_err *err)
{
    size_t rows = measured->prompts->n;
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t run = 0; run < v->n_runs; run++)
            sum += runs[run * rows + i];
        column[i] = sum / v->n_runs;
    }
    return !shares || donor_shares(measured->pairs, runs, shares, err);
}

// Room for n columns' shares; *out is NULL where donors add nothing.
static bool new_shares(const struct measured_rows *measured, const struct variant *v, size_t n,
                       double **out, struct abl_err *err)
{
    *out = NULL;
    if (!has_shares(measured, v))
        return true;
    *out = calloc((size_t)measured->prompts->n_clusters + 1, n * sizeof **out);
    return *out || abl_no_memory(err);
}

bool estimate_runs(const struct measured_rows *measured, const struct variant *v,
                   const double *runs, size_t n, const bool *test, struct estimate *out,
                   struct abl_err *err)
{
    size_t rows = measured->prompts->n, n_clusters = measured->prompts->n_clusters;
    double *columns = new_columns(measured, n, err), *shares;
    bool ok = columns && new_shares(measured, v, n, &shares, err);
    if (!ok) {
        free(columns);
        return false;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = reduce(measured, v, runs + i * v->n_runs * rows, columns + i * rows,
                    shares ? shares + i * n_clusters : NULL, err);
    ok = ok && stats_estimates(measured->resampler, columns, shares, n, test, out, err);
    free(columns);
    free(shares);
    return ok;
}

// Run by run: (n_runs, rows).
static void fill_runs(const struct measured_rows *measured, const struct results *results,
                      size_t variant, enum metric m, row_function *f, double *runs)
{
    size_t rows = measured->prompts->n;
    for (size_t run = 0; run < results->variants->items[variant].n_runs; run++) {
        const struct row_stats *row = results_run(results, variant, run);
        for (size_t i = 0; i < rows; i++)
            runs[run * rows + i] = f(m, &row[i], &measured->intact[i]);
    }
}

// n metrics from the first on.
static bool estimate_variant(const struct measured_rows *measured, const struct results *results,
                             size_t variant, enum metric first, size_t n, row_function *f,
                             const bool *test, struct estimate *out, struct abl_err *err)
{
    const struct variant *v = &results->variants->items[variant];
    assert(results->done[variant]);
    double *runs = new_columns(measured, n * v->n_runs, err);
    if (!runs)
        return false;
    for (size_t i = 0; i < n; i++)
        fill_runs(measured, results, variant, (enum metric)((size_t)first + i), f,
                  runs + i * v->n_runs * measured->prompts->n);
    bool ok = estimate_runs(measured, v, runs, n, test, out, err);
    free(runs);
    return ok;
}

bool estimate_delta(const struct measured_rows *measured, const struct results *results,
                    size_t variant, enum metric m, struct estimate *out, struct abl_err *err)
{
    bool test = metric_is_signed(m);
    return estimate_variant(measured, results, variant, m, 1, metric_delta, &test, out, err);
}

bool estimate_values(const struct measured_rows *measured, const struct results *results,
                     size_t variant, struct estimate out[N_METRICS], struct abl_err *err)
{
    return estimate_variant(measured, results, variant, (enum metric)0, N_METRICS, metric_value,
                            NULL, out, err);
}

bool estimate_deltas(const struct measured_rows *measured, const struct results *results,
                     size_t variant, struct estimate out[N_METRICS], struct abl_err *err)
{
    bool test[N_METRICS];
    for (int m = 0; m < N_METRICS; m++)
        test[m] = metric_is_signed((enum metric)m);
    return estimate_variant(measured, results, variant, (enum metric)0, N_METRICS, metric_delta,
                            test, out, err);
}

bool estimate_intact(const struct measured_rows *measured, enum metric m, struct estimate *out,
                     struct abl_err *err)
{
    double *column = new_columns(measured, 1, err);
    if (!column)
        return false;
    for (size_t i = 0; i < measured->prompts->n; i++)
        column[i] = metric_value(m, &measured->intact[i], &measured->intact[i]);
    bool ok = stats_estimate(measured->resampler, column, false, out, err);
    free(column);
    return ok;
}

double intact_accuracy(const struct measured_rows *measured)
{
    size_t n = measured->prompts->n, right = 0;
    for (size_t i = 0; i < n; i++)
        right += id_list_has(prompt_targets(&measured->prompts->items[i]),
                             measured->intact[i].argmax);
    return n ? (double)right / (double)n : NAN;
}

// The rows that run `run` of a recovery starts from and aims at; false where they are not there.
static bool recovery_rows(const struct measured_rows *measured, const struct results *results,
                          size_t variant, size_t run, const struct row_stats **damaged,
                          const struct row_stats **reference)
{
    const struct variant *v = &results->variants->items[variant];
    if (v->role == ROLE_RESTORED) {
        *damaged = results_run(results, v->parent, run);
        *reference = measured->intact;
        return results_is_effect(results, v->parent);
    }
    *damaged = measured->intact;
    *reference = measured->other;
    return measured->other != NULL;
}

// Above and below the line of a recovery, run by run: (2, n_runs, rows); and means. False where
// rows are missing.
static bool fill_recovery(const struct measured_rows *measured, const struct results *results,
                          size_t variant, enum metric m, double *runs, struct recovery *r)
{
    size_t n = measured->prompts->n, n_runs = results->variants->items[variant].n_runs;
    double all = (double)n * (double)n_runs;
    for (size_t run = 0; run < n_runs; run++) {
        const struct row_stats *damaged, *reference, *patched = results_run(results, variant, run);
        double *above = runs + run * n, *below = above + n_runs * n;
        if (!recovery_rows(measured, results, variant, run, &damaged, &reference))
            return false;
        for (size_t i = 0; i < n; i++) {
            double d = metric_value(m, &damaged[i], &measured->intact[i]);
            double f = metric_value(m, &reference[i], &measured->intact[i]);
            double p = metric_value(m, &patched[i], &measured->intact[i]);
            above[i] = p - d;
            below[i] = f - d;
            r->reference += f / all;
            r->damaged += d / all;
            r->patched += p / all;
        }
    }
    return true;
}

static bool estimate_ratio(const struct measured_rows *measured, const struct variant *v,
                           const double *runs, struct recovery *r, struct abl_err *err)
{
    size_t n = measured->prompts->n;
    double *columns = new_columns(measured, 2, err), *shares = NULL;
    bool ok = columns && new_shares(measured, v, 2, &shares, err);
    for (size_t i = 0; ok && i < 2; i++)
        ok = reduce(measured, v, runs + i * v->n_runs * n, columns + i * n,
                    shares ? shares + i * measured->prompts->n_clusters : NULL, err);
    ok = ok
         && stats_ratio(measured->resampler, columns, columns + n, shares, &r->ratio, &r->small,
                        err);
    free(columns);
    free(shares);
    return ok;
}

bool estimate_recovery(const struct measured_rows *measured, const struct results *results,
                       size_t variant, enum metric m, struct recovery *out, struct abl_err *err)
{
    static const struct recovery missing
        = { NAN, NAN, NAN, { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN }, true };
    const struct variant *v = &results->variants->items[variant];
    struct recovery r = { .reference = 0 };
    double *runs = new_columns(measured, 2 * (size_t)v->n_runs, err);
    if (!runs)
        return false;
    bool there = fill_recovery(measured, results, variant, m, runs, &r);
    bool ok = !there || estimate_ratio(measured, v, runs, &r, err);
    free(runs);
    if (ok)
        *out = there ? r : missing;
    return ok;
}
