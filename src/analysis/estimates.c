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
    size_t rows = measured->rows.n;
    double *columns = calloc(rows ? rows : 1, n * sizeof *columns);
    if (!columns)
        abl_no_memory(err);
    return columns;
}

// Whether rows take from donors that were drawn, of which is known who they are.
static bool has_shares(const struct measured_rows *measured, const struct variant *v)
{
    return ablation_needs(v->how.kind) == NEEDS_RESAMPLED && measured->rows.pairs
           && donor_pairs_donors(measured->rows.pairs) == v->n_runs;
}

// The means over runs, and what donors add (NULL: nothing).
static bool reduce(const struct measured_rows *measured, const struct variant *v,
                   const double *runs, double *column, double *shares, struct abl_err *err)
{
    size_t rows = measured->rows.n;
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t run = 0; run < v->n_runs; run++)
            sum += runs[run * rows + i];
        column[i] = sum / v->n_runs;
    }
    return !shares || donor_shares(measured->rows.pairs, runs, shares, err);
}

// Room for n columns' shares; *out is NULL where donors add nothing.
static bool new_shares(const struct measured_rows *measured, const struct variant *v, size_t n,
                       double **out, struct abl_err *err)
{
    *out = NULL;
    if (!has_shares(measured, v))
        return true;
    *out = calloc((size_t)measured->rows.n_clusters + 1, n * sizeof **out);
    return *out || abl_no_memory(err);
}

bool estimate_runs(const struct measured_rows *measured, const struct variant *v,
                   const double *runs, size_t n, const bool *test, struct estimate *out,
                   struct abl_err *err)
{
    size_t rows = measured->rows.n, n_clusters = measured->rows.n_clusters;
    double *columns = new_columns(measured, n, err), *shares;
    bool ok = columns && new_shares(measured, v, n, &shares, err);
    if (!ok) {
        free(columns);
        return false;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = reduce(measured, v, runs + i * v->n_runs * rows, columns + i * rows,
                    shares ? shares + i * n_clusters : NULL, err);
    ok = ok && stats_estimates(measured->rows.resampler, columns, shares, n, test, out, err);
    free(columns);
    free(shares);
    return ok;
}

// Run by run: (n_runs, rows).
static void fill_runs(const struct measured_rows *measured, const struct results *results,
                      size_t variant, enum metric m, row_function *f, double *runs)
{
    size_t rows = measured->rows.n;
    for (size_t run = 0; run < results->variants->items[variant].n_runs; run++) {
        const struct row_stats *row = results_run(results, variant, run);
        for (size_t i = 0; i < rows; i++) {
            size_t at = measured_row(measured, i);
            runs[run * rows + i] = f(m, &row[at], &measured->intact[at]);
        }
    }
}

// n metrics from the first on.
static bool estimate_variant(const struct measured_rows *measured, const struct results *results,
                             size_t variant, enum metric first, size_t n, row_function *f,
                             const bool *test, struct estimate *out, struct abl_err *err)
{
    const struct variant *v = &results->variants->items[variant];
    struct measured_rows own;
    assert(results->done[variant]);
    if (!measured_subset(measured, results->variants, variant, 0, &own, err))
        return false;
    double *runs = new_columns(&own, n * v->n_runs, err);
    if (!runs)
        return false;
    for (size_t i = 0; i < n; i++)
        fill_runs(&own, results, variant, (enum metric)((size_t)first + i), f,
                  runs + i * v->n_runs * own.rows.n);
    bool ok = estimate_runs(&own, v, runs, n, test, out, err);
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
    for (size_t i = 0; i < measured->rows.n; i++) {
        const struct row_stats *row = &measured->intact[measured_row(measured, i)];
        column[i] = metric_value(m, row, row);
    }
    bool ok = stats_estimate(measured->rows.resampler, column, false, out, err);
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
    size_t n = measured->rows.n, n_runs = results->variants->items[variant].n_runs;
    double all = (double)n * (double)n_runs;
    for (size_t run = 0; run < n_runs; run++) {
        const struct row_stats *damaged, *reference, *patched = results_run(results, variant, run);
        double *above = runs + run * n, *below = above + n_runs * n;
        if (!recovery_rows(measured, results, variant, run, &damaged, &reference))
            return false;
        for (size_t i = 0; i < n; i++) {
            size_t at = measured_row(measured, i);
            double d = metric_value(m, &damaged[at], &measured->intact[at]);
            double f = metric_value(m, &reference[at], &measured->intact[at]);
            double p = metric_value(m, &patched[at], &measured->intact[at]);
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
    size_t n = measured->rows.n;
    double *columns = new_columns(measured, 2, err), *shares = NULL;
    bool ok = columns && new_shares(measured, v, 2, &shares, err);
    for (size_t i = 0; ok && i < 2; i++)
        ok = reduce(measured, v, runs + i * v->n_runs * n, columns + i * n,
                    shares ? shares + i * measured->rows.n_clusters : NULL, err);
    ok = ok
         && stats_ratio(measured->rows.resampler, columns, columns + n, shares, &r->ratio,
                        &r->small, err);
    free(columns);
    free(shares);
    return ok;
}

static const struct recovery no_recovery
    = { NAN, NAN, NAN, { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN }, true };

bool estimate_recovery(const struct measured_rows *measured, const struct results *results,
                       size_t variant, enum metric m, struct recovery *out, struct abl_err *err)
{
    const struct variant *v = &results->variants->items[variant];
    struct measured_rows own;
    struct recovery r = { .reference = 0 };
    if (!measured_subset(measured, results->variants, variant, 0, &own, err))
        return false;
    double *runs = new_columns(&own, 2 * (size_t)v->n_runs, err);
    if (!runs)
        return false;
    bool there = own.rows.n && fill_recovery(&own, results, variant, m, runs, &r);
    bool ok = !there || estimate_ratio(&own, v, runs, &r, err);
    free(runs);
    if (ok)
        *out = there ? r : no_recovery;
    return ok;
}

bool estimate_changed(const struct measured_rows *measured, const struct results *results,
                      size_t variant, enum metric m, struct changed_effect *out,
                      struct abl_err *err)
{
    struct measured_rows own;
    struct recovery r;
    if (!measured_subset(measured, results->variants, variant, ROWS_CHANGED, &own, err)
        || !estimate_delta(&own, results, variant, m, &out->delta, err)
        || !estimate_recovery(&own, results, variant, m, &r, err))
        return false;
    out->recovery = r.ratio.mean;
    return true;
}
