#include "analysis/by_group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    struct row_groups g = { .n_groups = p->n_groups };
    *out = (struct row_groups){ 0 };
    if (!p->by)
        return true;
    uint32_t *group = calloc(size_max(p->n, 1), sizeof *group), n_units;
    uint32_t *unit = calloc(size_max(p->n, 1), sizeof *unit);
    uint32_t *cluster_of = calloc(size_max(p->n_groups, 1), sizeof *cluster_of);
    bool ok = (group && unit && cluster_of) || abl_no_memory(err);
    for (size_t i = 0; ok && i < p->n; i++)
        group[i] = p->items[i].group;
    g.of_prompts = ok && groups_are_clusters(p, cluster_of);
    ok = ok && number_units(p, g.of_prompts, unit, &n_units, err)
         && grouping_new(group, unit, p->n, p->n_groups, n_units, alpha, &g.grouping, err);
    if (ok) {
        g.column = calloc(size_max(p->n, 1), sizeof *g.column);
        g.room = calloc(size_max(n_units, 1), sizeof *g.room);
        ok = (g.column && g.room) || abl_no_memory(err);
    }
    free(group);
    free(unit);
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
    free(g->column);
    free(g->room);
    *g = (struct row_groups){ 0 };
}

void row_groups_means(struct row_groups *g, const struct measured_rows *measured,
                      const struct results *results, size_t variant, enum metric m,
                      struct group_mean *means, struct heterogeneity *out)
{
    const struct row_stats *rows = results->rows + variant * results->n_prompts;
    for (size_t i = 0; i < results->n_prompts; i++)
        g->column[i] = metric_delta(m, &rows[i], &measured->intact[i]);
    group_means(g->grouping, g->column, g->room, means, out);
}

bool by_group_has(const struct results *results, size_t variant)
{
    enum variant_role role = results->variants->items[variant].role;
    return results->done[variant] && role != ROLE_CONTROL && role != ROLE_SHAM;
}

// q of one metric over the variants of a role. list: room for all of them.
static void correct(const struct results *results, enum variant_role role,
                    struct heterogeneity *found, struct estimate *room, struct estimate **list)
{
    size_t n = 0;
    for (size_t v = 0; v < results->variants->n; v++) {
        room[v] = (struct estimate){ .p = found[v].p, .q = NAN };
        if (by_group_has(results, v) && results->variants->items[v].role == role)
            list[n++] = &room[v];
    }
    stats_fdr_among(list, n);
    for (size_t i = 0; i < n; i++)
        found[list[i] - room].q = list[i]->q;
}

static bool correct_all(const struct results *results, struct by_group *g, struct abl_err *err)
{
    static const enum variant_role roles[] = { ROLE_HEAD, ROLE_SET, ROLE_RESTORED, ROLE_PATCH };
    size_t n = size_max(results->variants->n, 1);
    struct estimate *room = calloc(n, sizeof *room), **list = calloc(n, sizeof *list);
    bool ok = (room && list) || abl_no_memory(err);
    for (int m = 0; ok && m < N_METRICS; m++)
        for (size_t r = 0; r < sizeof roles / sizeof *roles; r++)
            correct(results, roles[r], g->found[m], room, list);
    free(room);
    free(list);
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
        for (size_t v = 0; v < n; v++) {
            g.found[m][v] = missing;
            if (by_group_has(results, v))
                row_groups_means(&g.rows, measured, results, v, (enum metric)m, g.means,
                                 &g.found[m][v]);
        }
    ok = ok && correct_all(results, &g, err);
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
