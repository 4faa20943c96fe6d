#include "analysis/by_group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/estimates.h"
#include "base/size.h"
#include "base/string_index.h"
#include "stats/stats.h"

// Whether no two clusters meet in a group.
static bool groups_are_clusters(const struct prompts *p, uint32_t *cluster_of)
{
    for (uint32_t k = 0; k < p->n_groups; k++)
        cluster_of[k] = UINT32_MAX;
    for (size_t i = 0; i < p->n; i++) {
        uint32_t *of = &cluster_of[p->items[i].group];
        if (*of != UINT32_MAX && *of != p->items[i].cluster)
            return false;
        *of = p->items[i].cluster;
    }
    return true;
}

// Number the units, each of one group: rows of one key.
static bool number_units(const struct prompts *p, bool of_prompts, uint32_t *unit,
                         uint32_t *n_units, struct abl_err *err)
{
    struct string_index met = { 0 };
    struct arena keys = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < p->n; i++) {
        const struct prompt *item = &p->items[i];
        const char *key = of_prompts ? arena_printf(&keys, "%u %s", item->group, item->row->clean)
                                     : arena_printf(&keys, "%u %u", item->group, item->cluster);
        const uint32_t *number
            = key ? string_index_put(&met, key, strlen(key), (uint32_t)met.n) : NULL;
        ok = number || abl_no_memory(err);
        if (ok)
            unit[i] = *number;
    }
    *n_units = (uint32_t)met.n;
    string_index_release(&met);
    arena_release(&keys);
    return ok;
}

bool row_groups_make(const struct prompts *p, double alpha, struct row_groups *out,
                     struct abl_err *err)
{
    struct row_groups g = { .n_groups = p->n_groups, .alpha = alpha };
    *out = (struct row_groups){ 0 };
    if (!p->by)
        return true;
    g.group = calloc(size_max(p->n, 1), sizeof *g.group);
    g.unit = calloc(size_max(p->n, 1), sizeof *g.unit);
    uint32_t *cluster_of = calloc(size_max(p->n_groups, 1), sizeof *cluster_of);
    bool ok = (g.group && g.unit && cluster_of) || abl_no_memory(err);
    for (size_t i = 0; ok && i < p->n; i++)
        g.group[i] = p->items[i].group;
    g.of_prompts = ok && groups_are_clusters(p, cluster_of);
    ok = ok && number_units(p, g.of_prompts, g.unit, &g.n_units, err)
         && grouping_new(g.group, g.unit, p->n, p->n_groups, g.n_units, alpha, &g.grouping, err);
    if (ok) {
        g.column = calloc(size_max(p->n, 1), sizeof *g.column);
        g.room = calloc(size_max(g.n_units, 1), sizeof *g.room);
        ok = (g.column && g.room) || abl_no_memory(err);
    }
    free(cluster_of);
    if (ok)
        *out = g;
    else
        row_groups_release(&g);
    return ok;
}

void row_groups_release(struct row_groups *g)
{
    grouping_free(g->grouping);
    free(g->group);
    free(g->unit);
    free(g->column);
    free(g->room);
    *g = (struct row_groups){ 0 };
}

// How some of the rows fall into the groups. Owned: grouping_free.
static bool group_some(const struct row_groups *g, const struct row_subset *rows,
                       struct grouping **out, struct abl_err *err)
{
    uint32_t *group = calloc(2 * rows->n + 1, sizeof *group),
             *unit = group ? group + rows->n : NULL;
    if (!group)
        return abl_no_memory(err);
    for (size_t i = 0; i < rows->n; i++) {
        group[i] = g->group[rows->at[i]];
        unit[i] = g->unit[rows->at[i]];
    }
    bool ok = grouping_new(group, unit, rows->n, g->n_groups, g->n_units, g->alpha, out, err);
    free(group);
    return ok;
}

bool row_groups_means(struct row_groups *g, const struct measured_rows *measured,
                      const struct results *results, size_t variant, enum metric m,
                      struct group_mean *means, struct heterogeneity *out, struct abl_err *err)
{
    struct measured_rows own;
    struct grouping *some = NULL;
    if (!measured_subset(measured, results->variants, variant, 0, &own, err)
        || (own.rows.at && !group_some(g, &own.rows, &some, err)))
        return false;
    for (size_t i = 0; i < own.rows.n; i++)
        g->column[i] = row_delta(&own, results, variant, measured_row(&own, i), m);
    group_means(some ? some : g->grouping, g->column, g->room, means, out);
    grouping_free(some);
    return true;
}

bool by_group_has(const struct results *results, size_t variant)
{
    enum variant_role role = results->variants->items[variant].role;
    return results_is_effect(results, variant) && role != ROLE_CONTROL && role != ROLE_SHAM;
}

bool heterogeneity_correct(struct heterogeneity *const *found, size_t n, struct abl_err *err)
{
    struct estimate *grid = calloc(size_max(n, 1), sizeof *grid);
    if (!grid)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        grid[i] = (struct estimate){ .p = found[i]->p, .q = NAN };
    bool ok = stats_fdr(grid, n, err);
    for (size_t i = 0; ok && i < n; i++)
        found[i]->q = grid[i].q;
    free(grid);
    return ok;
}

static bool are_of_a_kind(const struct variant *a, const struct variant *b)
{
    return a->role == b->role && ablation_same(&a->how, &b->how);
}

// q of one metric over the variants of a role and a kind of ablation, which stand one kind behind
// the other, or nearly so: each is corrected when its first is met.
static bool correct_all(const struct results *results, struct by_group *g, enum metric m,
                        struct abl_err *err)
{
    const struct variants *all = results->variants;
    struct heterogeneity **list = calloc(size_max(all->n, 1), sizeof *list);
    bool *met = calloc(size_max(all->n, 1), sizeof *met);
    bool ok = (list && met) || abl_no_memory(err);
    for (size_t v = 0; ok && v < all->n; v++) {
        size_t n = 0;
        if (met[v] || !by_group_has(results, v))
            continue;
        for (size_t w = v; w < all->n; w++)
            if (by_group_has(results, w) && are_of_a_kind(&all->items[v], &all->items[w])) {
                met[w] = true;
                list[n++] = &g->found[m][w];
            }
        ok = heterogeneity_correct(list, n, err);
    }
    free(list);
    free(met);
    return ok;
}

bool by_group_make(const struct measured_rows *measured, const struct results *results,
                   struct by_group *out, struct abl_err *err)
{
    static const struct heterogeneity missing
        = { .p = NAN, .q = NAN, .without_lo = NAN, .without_hi = NAN };
    struct by_group g = { 0 };
    size_t n = results->variants->n;
    *out = g;
    if (!measured->prompts->by)
        return true;
    bool ok = row_groups_make(measured->prompts, measured->alpha, &g.rows, err);
    ok = ok
         && ((g.means = calloc(size_max(g.rows.n_groups, 1), sizeof *g.means))
             || abl_no_memory(err));
    for (int m = 0; ok && m < N_METRICS; m++)
        ok = (g.found[m] = calloc(size_max(n, 1), sizeof *g.found[m])) || abl_no_memory(err);
    for (int m = 0; ok && m < N_METRICS; m++)
        for (size_t v = 0; ok && v < n; v++) {
            g.found[m][v] = missing;
            ok = !by_group_has(results, v)
                 || row_groups_means(&g.rows, measured, results, v, (enum metric)m, g.means,
                                     &g.found[m][v], err);
        }
    for (int m = 0; ok && m < N_METRICS; m++)
        ok = correct_all(results, &g, (enum metric)m, err);
    if (ok)
        *out = g;
    else
        by_group_release(&g);
    return ok;
}

void by_group_release(struct by_group *g)
{
    row_groups_release(&g->rows);
    free(g->means);
    for (int m = 0; m < N_METRICS; m++)
        free(g->found[m]);
    *g = (struct by_group){ 0 };
}
