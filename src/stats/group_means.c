#include "stats/group_means.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stats/stats.h"
#include "stats/student_t.h"

struct grouping {
    size_t n;
    uint32_t n_groups, n_units;
    uint32_t *unit;       // (n) of each row
    uint32_t *group_of;   // (n_units)
    double *rows_of_unit; // (n_units)
    // (n_groups) rows, units, and half an interval's length in standard errors
    double *rows, *units, *t;
};

static void count(struct grouping *g, const uint32_t *group, const uint32_t *unit)
{
    for (size_t i = 0; i < g->n; i++) {
        assert(group[i] < g->n_groups && unit[i] < g->n_units);
        g->unit[i] = unit[i];
        g->group_of[unit[i]] = group[i];
        g->rows_of_unit[unit[i]] += 1.0;
        g->rows[group[i]] += 1.0;
    }
    for (uint32_t u = 0; u < g->n_units; u++)
        g->units[g->group_of[u]] += g->rows_of_unit[u] > 0;
}

// Units of unlike size count as (sum of sizes)^2 / (sum of squared sizes) (Kish 1965).
static void find_quantiles(struct grouping *g, double alpha)
{
    for (uint32_t u = 0; u < g->n_units; u++) // sums of squares, for now
        g->t[g->group_of[u]] += g->rows_of_unit[u] * g->rows_of_unit[u];
    for (uint32_t k = 0; k < g->n_groups; k++) {
        double kish = fmax(g->rows[k] * g->rows[k] / g->t[k], 2.0);
        g->t[k] = g->units[k] < 2 ? (double)NAN : student_quantile(alpha / 2, kish - 1);
    }
}

bool grouping_new(const uint32_t *group, const uint32_t *unit, size_t n, uint32_t n_groups,
                  uint32_t n_units, double alpha, struct grouping **out, struct abl_err *err)
{
    struct grouping *g = calloc(1, sizeof *g);
    if (!g)
        return abl_no_memory(err);
    *g = (struct grouping){ .n = n, .n_groups = n_groups, .n_units = n_units };
    g->unit = calloc(size_max(n, 1), sizeof *g->unit);
    g->group_of = calloc(size_max(n_units, 1), sizeof *g->group_of);
    g->rows_of_unit = calloc(size_max(n_units, 1), sizeof *g->rows_of_unit);
    g->rows = calloc(size_max(n_groups, 1), sizeof *g->rows);
    g->units = calloc(size_max(n_groups, 1), sizeof *g->units);
    g->t = calloc(size_max(n_groups, 1), sizeof *g->t);
    if (!g->unit || !g->group_of || !g->rows_of_unit || !g->rows || !g->units || !g->t) {
        grouping_free(g);
        return abl_no_memory(err);
    }
    count(g, group, unit);
    find_quantiles(g, alpha);
    *out = g;
    return true;
}

void grouping_free(struct grouping *g)
{
    if (!g)
        return;
    free(g->unit);
    free(g->group_of);
    free(g->rows_of_unit);
    free(g->rows);
    free(g->units);
    free(g->t);
    free(g);
}

// Means, standard errors and intervals; sums: of values by unit.
static void fill_means(const struct grouping *g, const double *sums, struct group_mean *means)
{
    double total = 0.0;
    for (uint32_t k = 0; k < g->n_groups; k++)
        means[k]
            = (struct group_mean){ .n = (uint32_t)g->rows[k], .n_units = (uint32_t)g->units[k] };
    for (uint32_t u = 0; u < g->n_units; u++) {
        means[g->group_of[u]].mean += sums[u];
        total += sums[u];
    }
    for (uint32_t k = 0; k < g->n_groups; k++) {
        double left = (double)g->n - g->rows[k];
        means[k].without
            = left > 0 && g->rows[k] > 0 ? (total - means[k].mean) / left : (double)NAN;
        means[k].mean /= g->rows[k];
    }
    for (uint32_t u = 0; u < g->n_units; u++) {
        struct group_mean *m = &means[g->group_of[u]];
        double off = sums[u] - m->mean * g->rows_of_unit[u];
        m->se += off * off;
    }
    for (uint32_t k = 0; k < g->n_groups; k++) {
        struct group_mean *m = &means[k];
        double units = g->units[k];
        m->se = units < 2 ? (double)NAN : sqrt(units / (units - 1) * m->se) / g->rows[k];
        m->ci_lo = m->mean - g->t[k] * m->se;
        m->ci_hi = m->mean + g->t[k] * m->se;
    }
}

// Sums over the groups that have a spread: weight = 1 - units / all units.
struct spread {
    double units, mean;    // all units, mean of the groups' means by units
    double between;        // units · (mean - mean of means)^2
    double within, square; // weight · s^2; its square over units - 1
    double s4, shares, s4_shares;
    uint32_t n;
};

static struct spread add_up(const struct grouping *g, const struct group_mean *means)
{
    struct spread s = { 0 };
    for (uint32_t k = 0; k < g->n_groups; k++)
        if (g->units[k] >= 2) {
            s.units += g->units[k];
            s.mean += g->units[k] * means[k].mean;
            s.n++;
        }
    s.mean /= s.units;
    for (uint32_t k = 0; k < g->n_groups; k++) {
        double units = g->units[k], share = units / s.units;
        if (units < 2)
            continue;
        double s2 = units * means[k].se * means[k].se, away = means[k].mean - s.mean;
        s.between += units * away * away;
        s.within += (1 - share) * s2;
        s.square += (1 - share) * s2 * (1 - share) * s2 / (units - 1);
        s.s4 += s2 * s2;
        s.shares += s2 * share;
        s.s4_shares += s2 * s2 * share;
    }
    return s;
}

static double compare(const struct grouping *g, const struct group_mean *means)
{
    struct spread s = add_up(g, means);
    if (s.n < 2 || s.units < LEAST_TESTED_CLUSTERS || !(s.within > 0) || !isfinite(s.between))
        return NAN;
    double above = s.within * s.within / (s.s4 + s.shares * s.shares - 2 * s.s4_shares);
    double below = s.within * s.within / s.square;
    return fisher_tail(s.between / s.within, above, below);
}

void group_means(const struct grouping *g, const double *values, double *room,
                 struct group_mean *means, struct heterogeneity *out)
{
    memset(room, 0, g->n_units * sizeof *room);
    for (size_t i = 0; i < g->n; i++)
        room[g->unit[i]] += values[i];
    fill_means(g, room, means);
    *out = (struct heterogeneity){
        .p = compare(g, means), .q = NAN, .without_lo = NAN, .without_hi = NAN
    };
    for (uint32_t k = 0; k < g->n_groups; k++) {
        out->without_lo = fmin(out->without_lo, means[k].without); // fmin passes over NaN
        out->without_hi = fmax(out->without_hi, means[k].without);
    }
}
