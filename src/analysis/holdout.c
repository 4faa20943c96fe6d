#include "analysis/holdout.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/estimates.h"
#include "base/size.h"
#include "stats/ranks.h"

enum side { DISCOVERY, HELDOUT, N_SIDES };

struct maker {
    const struct measured_rows *measured;
    const struct results *results;
    double *column; // (rows)
    struct abl_err *err;
};

static const char *const kinds[HOLDOUT_KINDS] = { "head", "set", "restored", "patch" };

// What a variant is ranked with; HOLDOUT_KINDS: nothing.
static int kind_of(enum variant_role role)
{
    switch (role) {
    case ROLE_HEAD:
        return 0;
    case ROLE_SET:
        return 1;
    case ROLE_RESTORED:
        return 2;
    case ROLE_PATCH:
        return 3;
    case ROLE_CONTROL:
    case ROLE_SHAM:
    case ROLE_REPEAT:
        break;
    }
    return HOLDOUT_KINDS;
}

// The ways of ablation that variants have, in their order.
static struct ablations list_ways(const struct variants *v)
{
    struct ablations ways = { .n = 0 };
    for (size_t i = 0, k; i < v->n; i++) {
        for (k = 0; k < ways.n && !ablation_same(&ways.items[k], &v->items[i].how);)
            k++;
        if (k == ways.n && k < MAX_ABLATIONS)
            ways.items[ways.n++] = v->items[i].how;
    }
    return ways;
}

static bool is_listed(const struct maker *m, size_t v, const struct holdout_list *list)
{
    const struct variant *one = &m->results->variants->items[v];
    int kind = kind_of(one->role);
    return kind < HOLDOUT_KINDS && list->kind == kinds[kind] && ablation_same(&one->how, &list->how)
           && results_is_effect(m->results, v);
}

static const unsigned flags_of[N_SIDES]
    = { [DISCOVERY] = ROWS_DISCOVERY, [HELDOUT] = ROWS_HELDOUT };

// Rows and clusters of a side.
static void count_side(const struct maker *m, enum side side, struct holdout *out)
{
    const struct measured_rows *measured = m->measured;
    const struct prompts *p = measured->prompts;
    for (uint32_t c = 0; c < p->n_clusters; c++)
        out->n_clusters[side] += measured->held_out[c] == (side == HELDOUT);
    for (size_t i = 0; i < p->n; i++)
        out->n_rows[side] += measured->held_out[p->items[i].cluster] == (side == HELDOUT);
}

static bool estimate_on(struct maker *m, enum side side, size_t variant, enum metric metric,
                        struct estimate *out)
{
    struct measured_rows own;
    if (!measured_subset(m->measured, m->results->variants, variant, flags_of[side], &own, m->err))
        return false;
    for (size_t i = 0; i < own.rows.n; i++)
        m->column[i] = row_delta(&own, m->results, variant, measured_row(&own, i), metric);
    return stats_estimate(own.rows.resampler, m->column, metric_is_signed(metric), out, m->err);
}

// Ranks, choice and confirmation; order and grid: room for n places and pointers.
static void choose_in(struct holdout_row *rows, size_t n, double alpha, const size_t *order,
                      struct estimate **grid)
{
    size_t top = size_min(HOLDOUT_TOP, n / 2), n_chosen = 0;
    for (size_t i = 0; i < n; i++)
        grid[i] = &rows[i].discovery;
    stats_fdr_among(grid, n);
    for (size_t i = 0; i < n; i++)
        rows[order[i]].rank = (uint32_t)i + 1;
    for (size_t i = 0; i < n; i++) {
        rows[i].chosen = rows[i].discovery.n && rows[i].heldout.n
                         && (rows[i].rank <= top || rows[i].discovery.q < alpha);
        if (rows[i].chosen)
            grid[n_chosen++] = &rows[i].heldout;
    }
    stats_fdr_among(grid, n_chosen);
    for (size_t i = 0; i < n; i++) {
        struct holdout_row *r = &rows[i];
        r->confirmed = r->chosen && r->heldout.q < alpha && r->heldout.mean * r->discovery.mean > 0;
    }
}

static bool choose(struct holdout_row *rows, size_t n, double alpha, struct abl_err *err)
{
    double *deltas = calloc(size_max(n, 1), sizeof *deltas);
    size_t *order = calloc(size_max(n, 1), sizeof *order);
    struct estimate **grid = calloc(size_max(n, 1), sizeof *grid);
    bool ok = (deltas && order && grid) || abl_no_memory(err);
    for (size_t i = 0; ok && i < n; i++)
        deltas[i] = rows[i].discovery.mean;
    ok = ok && ranks_by_size(deltas, n, order, err);
    if (ok)
        choose_in(rows, n, alpha, order, grid);
    free(deltas);
    free(order);
    free(grid);
    return ok;
}

static bool fill_list(struct maker *m, struct holdout_list *list)
{
    const struct results *results = m->results;
    for (size_t v = 0; v < results->variants->n; v++)
        list->n += is_listed(m, v, list);
    for (int k = 0; k < N_METRICS; k++) {
        struct holdout_row *row = calloc(size_max(list->n, 1), sizeof *row);
        list->rows[k] = row;
        if (!row)
            return abl_no_memory(m->err);
        for (size_t v = 0; v < results->variants->n; v++) {
            if (!is_listed(m, v, list))
                continue;
            row->variant = v;
            if (!estimate_on(m, DISCOVERY, v, (enum metric)k, &row->discovery)
                || !estimate_on(m, HELDOUT, v, (enum metric)k, &row->heldout))
                return false;
            row++;
        }
        if (!choose(list->rows[k], list->n, m->measured->alpha, m->err))
            return false;
    }
    return true;
}

bool holdout_make(const struct measured_rows *measured, const struct results *results,
                  struct holdout *out, struct abl_err *err)
{
    *out = (struct holdout){ .made = measured->held_out != NULL };
    if (!out->made)
        return true;
    struct maker m = { .measured = measured, .results = results, .err = err };
    m.column = calloc(size_max(results->n_prompts, 1), sizeof *m.column);
    bool ok = m.column || abl_no_memory(err);
    count_side(&m, DISCOVERY, out);
    count_side(&m, HELDOUT, out);
    struct ablations ways = list_ways(results->variants);
    for (size_t i = 0; ok && i < HOLDOUT_KINDS * ways.n; i++) {
        out->lists[i] = (struct holdout_list){ .kind = kinds[i / ways.n] };
        out->lists[i].how = ways.items[i % ways.n];
        ok = fill_list(&m, &out->lists[i]);
    }
    free(m.column);
    if (!ok)
        holdout_release(out);
    return ok;
}

void holdout_release(struct holdout *h)
{
    for (int i = 0; i < HOLDOUT_LISTS; i++)
        for (int m = 0; m < N_METRICS; m++)
            free(h->lists[i].rows[m]);
    *h = (struct holdout){ 0 };
}

bool holdout_judge(const struct holdout_list *list, enum metric m, struct holdout_verdict *out,
                   struct abl_err *err)
{
    struct holdout_verdict v = { .discovery = 0, .heldout = 0 };
    double *deltas = calloc(size_max(list->n, 1), 2 * sizeof *deltas);
    double **room = calloc(size_max(list->n, 1), sizeof *room);
    if (!deltas || !room) {
        free(deltas);
        free(room);
        return abl_no_memory(err);
    }
    size_t n = 0; // of which both sides tell something
    for (size_t i = 0; i < list->n; i++) {
        const struct holdout_row *r = &list->rows[m][i];
        if (r->discovery.n && r->heldout.n) {
            deltas[n] = r->discovery.mean;
            deltas[list->n + n++] = r->heldout.mean;
        }
        v.n_chosen += r->chosen;
        v.n_confirmed += r->confirmed;
        v.discovery += r->chosen ? fabs(r->discovery.mean) : 0.0;
        v.heldout += r->chosen ? copysign(1.0, r->discovery.mean) * r->heldout.mean : 0.0;
    }
    v.discovery = v.n_chosen ? v.discovery / (double)v.n_chosen : NAN;
    v.heldout = v.n_chosen ? v.heldout / (double)v.n_chosen : NAN;
    v.spearman = ranks_spearman(deltas, deltas + list->n, n, room);
    free(deltas);
    free(room);
    *out = v;
    return true;
}
