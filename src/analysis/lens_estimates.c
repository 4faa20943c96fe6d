#include "analysis/lens_estimates.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/estimates.h"
#include "stats/ranks.h"

// A point's rows are a run of their own: what they say is compared with nothing. column: (n_rows).
static bool estimate_rows(const struct measured_rows *measured, const struct row_stats *rows,
                          enum metric m, double *column, struct estimate *out, struct abl_err *err)
{
    for (size_t i = 0; i < measured->prompts->n; i++)
        column[i] = metric_value(m, &rows[i], &rows[i]);
    return stats_estimate(measured->rows.resampler, column, false, out, err);
}

static bool estimate_points(const struct measured_rows *measured, const struct lens *lens,
                            double *column, struct lens_point_estimate *out, struct abl_err *err)
{
    for (size_t i = 0; i < lens->n_points; i++) {
        const struct row_stats *rows = lens->points[i].rows;
        if (!estimate_rows(measured, rows, METRIC_LD, column, &out[i].ld, err)
            || !estimate_rows(measured, rows, METRIC_LOGPROB, column, &out[i].logprob, err)
            || !estimate_rows(measured, rows, METRIC_RANK, column, &out[i].rank, err)
            || !estimate_rows(measured, rows, METRIC_ENTROPY, column, &out[i].entropy, err))
            return false;
    }
    return true;
}

static bool estimate_indirect(const struct measured_rows *measured, const struct results *results,
                              size_t variant, const struct lens *lens, const double *share,
                              double *column, struct direct_estimate *out, struct abl_err *err)
{
    const struct row_stats *rows = results->rows + variant * results->n_prompts;
    struct measured_rows own;
    if (!measured_subset(measured, results->variants, variant, 0, &own, err))
        return false;
    for (size_t i = 0; i < own.rows.n; i++) {
        size_t at = measured_row(&own, i);
        column[i] = metric_delta(METRIC_LD, &rows[at], &own.intact[at]) + lens->taken * share[at];
    }
    if (!estimate_delta(&own, results, variant, METRIC_LD, &out->total, err))
        return false;
    if (!isnan(lens->taken))
        return stats_estimate(own.rows.resampler, column, true, &out->indirect, err);
    out->indirect = out->total; // of as many rows, and nothing known
    out->indirect.mean = out->indirect.se = out->indirect.ci_lo = out->indirect.ci_hi = NAN;
    out->indirect.p = out->indirect.q = NAN;
    return true;
}

// q of the indirect effects.
static bool correct_indirect(struct direct_estimate *parts, size_t n_parts, struct abl_err *err)
{
    struct estimate **grid = malloc(n_parts * sizeof *grid);
    size_t n = 0;
    if (!grid)
        return abl_no_memory(err);
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].indirect.n)
            grid[n++] = &parts[i].indirect;
    stats_fdr_among(grid, n);
    free(grid);
    return true;
}

// The variant that ablates a head, in the one way that a run with a lens has.
static size_t variant_of(const struct results *results, struct head h)
{
    const struct variants *v = results->variants;
    return v->n ? variants_find_heads(v, &h, 1, &v->items[0].how) : NO_VARIANT;
}

static bool estimate_parts(const struct measured_rows *measured, const struct results *results,
                           const struct lens *lens, double *column, struct direct_estimate *out,
                           struct abl_err *err)
{
    for (size_t i = 0; i < lens->n_parts; i++) {
        const struct direct_part *p = &lens->parts[i];
        struct head h = { p->layer, p->head };
        if (!stats_estimate(measured->rows.resampler, p->rows, true, &out[i].ld, err))
            return false;
        size_t v = results && p->kind == DIRECT_HEAD ? variant_of(results, h) : NO_VARIANT;
        if (v != NO_VARIANT && results_is_effect(results, v)
            && !estimate_indirect(measured, results, v, lens, p->rows, column, &out[i], err))
            return false;
    }
    return correct_indirect(out, lens->n_parts, err);
}

bool lens_estimates_make(const struct measured_rows *measured, const struct results *results,
                         const struct lens *lens, struct lens_estimates *out, struct abl_err *err)
{
    struct lens_estimates e = { .parts = calloc(lens->n_parts, sizeof *e.parts),
                                .points = calloc(lens->n_points, sizeof *e.points) };
    double *column = malloc((measured->prompts->n + 1) * sizeof *column);
    bool ok = (e.parts && e.points && column) || abl_no_memory(err);
    ok = ok && estimate_parts(measured, results, lens, column, e.parts, err)
         && estimate_points(measured, lens, column, e.points, err);
    free(column);
    if (ok)
        *out = e;
    else
        lens_estimates_release(&e);
    return ok;
}

void lens_estimates_release(struct lens_estimates *e)
{
    free(e->parts);
    free(e->points);
    *e = (struct lens_estimates){ 0 };
}

bool direct_by_size(const struct lens_estimates *e, size_t n, size_t *order, struct abl_err *err)
{
    double *shares = malloc((n + 1) * sizeof *shares);
    if (!shares)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        shares[i] = e->parts[i].ld.mean;
    bool ok = ranks_by_size(shares, n, order, err);
    free(shares);
    return ok;
}
