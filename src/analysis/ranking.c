#include "analysis/ranking.h"

#include <stdlib.h>

#include "base/size.h"
#include "stats/ranks.h"

static bool is_ranked(const struct results *results, const struct effect *e)
{
    enum variant_role role = results->variants->items[e->variant].role;
    return role != ROLE_CONTROL && role != ROLE_SHAM;
}

// What a ranking is made with; each has room for n.
struct ranking_room {
    size_t *variants, *order;
    double *deltas;
    const struct effect **effects;
};

static bool room_init(struct ranking_room *w, size_t n)
{
    n = size_max(n, 1);
    *w = (struct ranking_room){ .variants = calloc(n, sizeof *w->variants),
                                .order = calloc(n, sizeof *w->order),
                                .deltas = calloc(n, sizeof *w->deltas),
                                .effects = calloc(n, sizeof(const struct effect *)) };
    return w->variants && w->order && w->deltas && w->effects;
}

static void room_release(struct ranking_room *w)
{
    free(w->variants);
    free(w->order);
    free(w->deltas);
    free(w->effects);
}

bool effect_ranking_make(const struct measured_rows *measured, const struct results *results,
                         const struct effect *effects, size_t n, enum metric m,
                         struct effect_ranking *out, struct abl_err *err)
{
    struct effect_ranking r = { .items = calloc(size_max(n, 1), sizeof *r.items) };
    struct ranking_room w;
    bool ok = (room_init(&w, n) && r.items) || abl_no_memory(err);
    for (size_t i = 0; ok && i < n; i++)
        if (is_ranked(results, &effects[i])) {
            w.variants[r.n] = effects[i].variant;
            w.deltas[r.n] = effects[i].delta[m].mean;
            w.effects[r.n++] = &effects[i];
        }
    ok = ok && ranks_by_size(w.deltas, r.n, w.order, err)
         && stability_make(measured, results, w.variants, r.n, m, &r.stability, err);
    for (size_t i = 0; ok && i < r.n; i++)
        r.items[i] = (struct ranked_effect){ .effect = w.effects[w.order[i]],
                                             .stays = r.stability.stays[w.order[i]] };
    room_release(&w);
    if (ok)
        *out = r;
    else
        effect_ranking_release(&r);
    return ok;
}

void effect_ranking_release(struct effect_ranking *r)
{
    free(r->items);
    stability_release(&r->stability);
    *r = (struct effect_ranking){ 0 };
}

bool top_deltas(const struct measured_rows *measured, const struct results *results, enum metric m,
                struct top_delta *out, size_t room, size_t *n, struct abl_err *err)
{
    size_t n_variants = size_max(results->variants->n, 1), n_done = 0;
    struct top_delta *all = calloc(n_variants, sizeof *all);
    double *deltas = calloc(n_variants, sizeof *deltas);
    size_t *order = calloc(n_variants, sizeof *order);
    bool ok = (all && deltas && order) || abl_no_memory(err);
    for (size_t v = 0; ok && v < results->variants->n; v++) {
        if (!results_is_effect(results, v))
            continue;
        all[n_done].variant = v;
        ok = estimate_delta(measured, results, v, m, &all[n_done].delta, err);
        deltas[n_done] = all[n_done].delta.mean;
        n_done++;
    }
    ok = ok && ranks_by_size(deltas, n_done, order, err);
    if (ok) {
        *n = size_min(n_done, room);
        for (size_t i = 0; i < *n; i++)
            out[i] = all[order[i]];
    }
    free(all);
    free(deltas);
    free(order);
    return ok;
}
