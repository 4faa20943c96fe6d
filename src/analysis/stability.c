#include "analysis/stability.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verdict.h"
#include "analysis/estimates.h"
#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "stats/ranks.h"

// The variants' deltas, and room to work in.
struct ranking {
    size_t n_all;
    double *all;    // (n_all, n_clusters) sums of the paired deltas
    double *rows;   // (n_all, n_clusters) of how many rows; NULL: each variant of all the run's
    double *n_rows; // (n_all) of how many rows altogether
    size_t n;       // variants that are big enough to be ranked
    size_t *kept;   // (n) which they are
    uint32_t n_clusters;
    double *sums;       // (n, n_clusters) theirs
    double *means;      // (n_resamples, n), by resample
    double *first;      // (n) means of one half, and its ranks
    double *second;     // (n) likewise
    double *column;     // (2, n_resamples) means of one variant, and room
    double *rho;        // (STABILITY_HALVINGS)
    double **sorted;    // (n)
    uint32_t *order;    // (n_clusters)
    bool *top;          // (n)
    struct arena arena; // of all these
};

static bool ranking_init(struct ranking *r, const struct measured_rows *measured, size_t n,
                         bool partial, size_t n_resamples)
{
    *r = (struct ranking){ .n_all = n, .n_clusters = measured->prompts->n_clusters };
    size_t room = size_max(n, 1), sums, means;
    if (!size_mul(room, size_max(r->n_clusters, 1), &sums)
        || !size_mul(room, size_max(n_resamples, 1), &means))
        return false;
    r->all = arena_alloc(&r->arena, sums, sizeof *r->all);
    r->rows = partial ? arena_alloc(&r->arena, sums, sizeof *r->rows) : NULL;
    r->n_rows = arena_alloc(&r->arena, room, sizeof *r->n_rows);
    r->kept = arena_alloc(&r->arena, room, sizeof *r->kept);
    r->sums = arena_alloc(&r->arena, sums, sizeof *r->sums);
    r->means = arena_alloc(&r->arena, means, sizeof *r->means);
    r->first = arena_alloc(&r->arena, room, sizeof *r->first);
    r->second = arena_alloc(&r->arena, room, sizeof *r->second);
    r->column = arena_alloc(&r->arena, size_max(n_resamples, 1), 2 * sizeof *r->column);
    r->rho = arena_alloc(&r->arena, STABILITY_HALVINGS, sizeof *r->rho);
    r->sorted = arena_alloc(&r->arena, room, sizeof *r->sorted);
    r->order = arena_alloc(&r->arena, size_max(r->n_clusters, 1), sizeof *r->order);
    r->top = arena_alloc(&r->arena, room, sizeof *r->top);
    return r->all && (r->rows || !partial) && r->n_rows && r->kept && r->sums && r->means
           && r->first && r->second && r->column && r->rho && r->sorted && r->order && r->top;
}

// The size that a mean delta must have to be ranked.
static double least_ranked(const struct measured_rows *measured, enum metric m)
{
    size_t n = measured->prompts->n;
    struct estimate intact = { .mean = 0 };
    for (size_t i = 0; i < n; i++)
        intact.mean += metric_value(m, &measured->intact[i], &measured->intact[i]) / (double)n;
    return least_effect(measured->min_effect, &intact);
}

// What is smaller than matters is in an order that nobody asks about.
static void keep_big_ones(struct ranking *r, double least)
{
    for (size_t v = 0; v < r->n_all; v++) {
        const double *sums = r->all + v * r->n_clusters;
        double total = 0.0;
        for (uint32_t c = 0; c < r->n_clusters; c++)
            total += sums[c];
        if (!(r->n_rows[v] > 0) || fabs(total) < least * r->n_rows[v])
            continue;
        memcpy(r->sums + r->n * r->n_clusters, sums, r->n_clusters * sizeof *sums);
        r->kept[r->n++] = v;
    }
}

// The paired deltas of one variant, over the rows that it tells something of.
static bool add_up(struct ranking *r, const struct measured_rows *measured,
                   const struct results *results, size_t variant, enum metric m, size_t v,
                   struct abl_err *err)
{
    struct measured_rows own;
    size_t first = v * r->n_clusters;
    if (!measured_subset(measured, results->variants, variant, 0, &own, err))
        return false;
    for (size_t i = 0; i < own.rows.n; i++) {
        size_t row = measured_row(&own, i), at = first + own.prompts->items[row].cluster;
        r->all[at] += row_delta(&own, results, variant, row, m);
        if (r->rows)
            r->rows[at] += 1.0;
    }
    r->n_rows[v] = (double)own.rows.n;
    return true;
}

// Means of a variant in the resamples.
static void resample(struct ranking *r, const struct measured_rows *measured, size_t v,
                     size_t n_resamples)
{
    const struct resampler *all = measured->rows.resampler;
    double *rows = r->column + n_resamples; // the mean of 1 where the variant has a row, else 0
    stats_resampled(all, r->sums + v * r->n_clusters, n_resamples, r->column);
    if (r->rows)
        stats_resampled(all, r->rows + r->kept[v] * r->n_clusters, n_resamples, rows);
    for (size_t b = 0; b < n_resamples; b++)
        r->means[b * r->n + v] = r->rows ? r->column[b] / rows[b] : r->column[b];
}

static bool fill(struct ranking *r, const struct measured_rows *measured,
                 const struct results *results, const size_t *variants, enum metric m,
                 size_t n_resamples, struct abl_err *err)
{
    for (size_t v = 0; v < r->n_all; v++)
        if (!add_up(r, measured, results, variants[v], m, v, err))
            return false;
    keep_big_ones(r, least_ranked(measured, m));
    for (size_t v = 0; v < r->n; v++)
        resample(r, measured, v, n_resamples);
    return true;
}

// Whether a variant tells nothing of some rows.
static bool find_partial(const struct measured_rows *measured, const struct results *results,
                         const size_t *variants, size_t n, bool *out, struct abl_err *err)
{
    *out = false;
    for (size_t v = 0; v < n && !*out; v++) {
        struct measured_rows own;
        if (!measured_subset(measured, results->variants, variants[v], 0, &own, err))
            return false;
        *out = own.rows.at;
    }
    return true;
}

// Sums stand for means where all variants of a half share their number of rows: ranks do not see
// the factor.
static double halve(struct ranking *r)
{
    for (size_t v = 0; v < r->n; v++) {
        double sums[2] = { 0.0, 0.0 }, rows[2] = { 0.0, 0.0 };
        for (uint32_t c = 0; c < r->n_clusters; c++) {
            size_t half = c >= r->n_clusters / 2;
            sums[half] += r->sums[v * r->n_clusters + r->order[c]];
            if (r->rows)
                rows[half] += r->rows[r->kept[v] * r->n_clusters + r->order[c]];
        }
        r->first[v] = r->rows ? sums[0] / rows[0] : sums[0];
        r->second[v] = r->rows ? sums[1] / rows[1] : sums[1];
    }
    return ranks_spearman(r->first, r->second, r->n, r->sorted);
}

static void find_halves(struct ranking *r, uint64_t seed, struct stability *out)
{
    struct rng rng;
    rng_seed(&rng, seed);
    double total = 0.0;
    uint32_t n = 0;
    for (int i = 0; i < STABILITY_HALVINGS; i++) {
        rng_shuffle(&rng, r->order, r->n_clusters);
        double rho = halve(r);
        if (isnan(rho)) // all variants alike in one half: there is no ranking to compare
            continue;
        total += rho;
        r->rho[n++] = rho;
    }
    if (!n)
        return;
    double mean = total / n;
    out->split_half = mean;
    out->split_half_lo = ranks_quantile(r->rho, n, 0.025);
    out->split_half_hi = ranks_quantile(r->rho, n, 0.975);
    out->spearman_brown = mean > 0.0 ? 2.0 * mean / (1.0 + mean) : NAN;
    out->n_halvings = n;
}

// Largest size first, what is no number last; of equals the earlier variant,
// so that there is one order.
static int by_size(const void *a, const void *b)
{
    const double *x = *(const double *const *)a, *y = *(const double *const *)b;
    double dx = isnan(*x) ? -1.0 : fabs(*x), dy = isnan(*y) ? -1.0 : fabs(*y);
    if (dx > dy || dx < dy)
        return dx > dy ? -1 : 1;
    return (x > y) - (x < y);
}

// sorted[0..k) becomes pointers to the k largest of means, in order: by insertion, as nearly all
// are too small to enter.
static void find_top(double *means, size_t k, struct ranking *r)
{
    for (size_t v = 0, n = 0; v < r->n; v++) {
        double *at = &means[v];
        if (n == k && (!k || by_size(&at, &r->sorted[k - 1]) > 0))
            continue;
        size_t i = n < k ? n++ : k - 1;
        for (; i && by_size(&at, &r->sorted[i - 1]) < 0; i--)
            r->sorted[i] = r->sorted[i - 1];
        r->sorted[i] = at;
    }
}

static void find_tops(struct ranking *r, size_t n_resamples, struct stability *out)
{
    size_t k = size_min(STABILITY_TOP, r->n / 2);
    double jaccard = 0.0;
    for (size_t v = 0; v < r->n; v++) {
        out->stays[r->kept[v]] = 0.0;
        r->first[v] = 0.0;
        for (uint32_t c = 0; c < r->n_clusters; c++)
            r->first[v] += r->sums[v * r->n_clusters + c];
        if (r->rows)
            r->first[v] /= r->n_rows[r->kept[v]];
    }
    find_top(r->first, k, r);
    for (size_t i = 0; i < k; i++)
        r->top[r->sorted[i] - r->first] = true;
    for (size_t b = 0; b < n_resamples; b++) {
        double *means = r->means + b * r->n;
        size_t shared = 0;
        find_top(means, k, r);
        for (size_t i = 0; i < k; i++) {
            size_t v = (size_t)(r->sorted[i] - means);
            out->stays[r->kept[v]] += 1.0;
            shared += r->top[v];
        }
        jaccard += (double)shared / (double)(2 * k - shared);
    }
    for (size_t v = 0; v < r->n; v++) // a count is exact where a sum of shares is not
        out->stays[r->kept[v]] /= (double)n_resamples;
    out->top_k = (uint32_t)k;
    out->n_resamples = (uint32_t)n_resamples;
    out->top_jaccard = jaccard / (double)n_resamples;
}

// From sums over a variant's own rows to what they would be over all of the run's.
static void weigh_alike(struct ranking *r)
{
    double most = 0.0;
    for (size_t v = 0; v < r->n_all; v++)
        most = fmax(most, r->n_rows[v]);
    for (size_t v = 0; r->rows && v < r->n_all; v++)
        for (uint32_t c = 0; c < r->n_clusters && r->n_rows[v] > 0; c++)
            r->all[v * r->n_clusters + c] *= most / r->n_rows[v];
}

bool stability_make(const struct measured_rows *measured, const struct results *results,
                    const size_t *variants, size_t n, enum metric m, struct stability *out,
                    struct abl_err *err)
{
    struct stability s = { .split_half = NAN,
                           .split_half_lo = NAN,
                           .split_half_hi = NAN,
                           .spearman_brown = NAN,
                           .top_jaccard = NAN,
                           .chance = { NAN, NAN },
                           .stays = calloc(size_max(n, 1), sizeof *s.stays),
                           .n_all = n };
    size_t n_resamples = size_min(resampler_n_boot(measured->rows.resampler), STABILITY_RESAMPLES);
    struct ranking r = { 0 };
    bool partial;
    bool ok = find_partial(measured, results, variants, n, &partial, err)
              && ((s.stays && ranking_init(&r, measured, n, partial, n_resamples))
                  || abl_no_memory(err))
              && fill(&r, measured, results, variants, m, n_resamples, err);
    if (ok) {
        for (size_t v = 0; v < n; v++)
            s.stays[v] = NAN;
        s.n = r.n;
        if (r.n_clusters >= 4 && r.n >= 3)
            find_halves(&r, measured->seed, &s);
        if (r.n_clusters >= 2 && r.n >= 2 && n_resamples)
            find_tops(&r, n_resamples, &s);
        weigh_alike(&r);
        ok = ranking_chance(r.all, n, r.n_clusters, r.n, s.top_k, measured->seed, &s.chance, err);
    }
    arena_release(&r.arena);
    if (!ok) {
        free(s.stays);
        return false;
    }
    *out = s;
    return true;
}

void stability_release(struct stability *s)
{
    free(s->stays);
    *s = (struct stability){ 0 };
}

// The ranking that the run is about: finished variants of the first of these roles that has enough
// of them to rank, under the run's first kind of ablation.
static size_t list_ranked(const struct results *results, size_t *out)
{
    static const enum variant_role roles[] = { ROLE_PATCH, ROLE_SET, ROLE_HEAD };
    const struct variant *first = results->variants->items;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        size_t n = 0;
        for (size_t v = 0; v < results->variants->n; v++)
            if (results_is_effect(results, v) && results->variants->items[v].role == roles[i]
                && ablation_same(&results->variants->items[v].how, &first->how))
                out[n++] = v;
        if (n >= 3)
            return n;
    }
    return 0;
}

void stability_text(const struct measured_rows *measured, const struct results *results,
                    enum metric m, struct buf *out)
{
    size_t *ranked = calloc(results->variants->n + 1, sizeof *ranked);
    size_t n = ranked ? list_ranked(results, ranked) : 0;
    struct stability s = { .n = 0 };
    struct abl_err ignored;
    bool made = n && stability_make(measured, results, ranked, n, m, &s, &ignored);
    if (made && s.n < 3)
        buf_printf(out, "ranking by delta_%s: %zu of %zu reach the least effect, too few to rank\n",
                   metric_info(m)->name, s.n, n);
    else if (made && !isnan(s.split_half))
        buf_printf(out,
                   "ranking of %zu of %zu by delta_%s: halves of the clusters agree %.2f [%.2f, "
                   "%.2f] (Spearman; %.2f by chance), top %" PRIu32 " of resamples overlap %.2f "
                   "(Jaccard; %.2f by chance)\n",
                   s.n, n, metric_info(m)->name, s.split_half, s.split_half_lo, s.split_half_hi,
                   s.chance.split_half, s.top_k, s.top_jaccard, s.chance.top_jaccard);
    stability_release(&s);
    free(ranked);
}
