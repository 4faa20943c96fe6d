#include "ui/snapshot.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "report/palette.h"

struct snapshot *snapshot_new(uint32_t n_layers, uint32_t n_heads)
{
    size_t n = size_max((size_t)n_layers * n_heads, 1);
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->n_layers = n_layers;
    s->n_heads = n_heads;
    s->states = calloc(n, sizeof *s->states);
    s->cells = calloc(n, sizeof *s->cells);
    s->values = calloc(n, sizeof *s->values);
    if (s->states && s->cells && s->values)
        return s;
    snapshot_free(s);
    return NULL;
}

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    free(s->states);
    free(s->cells);
    free(s->values);
    free(s->by_kind);
    cluster_sums_release(&s->by_cluster);
    forest_release(&s->forest);
    free(s->items);
    arena_release(&s->arena);
    free(s);
}

bool snapshot_kinds(struct snapshot *s, const struct ablations *kinds)
{
    s->kinds = *kinds;
    if (kinds->n < 2)
        return true;
    s->by_kind = calloc(size_max(kinds->n * s->n_layers * s->n_heads, 1), sizeof *s->by_kind);
    return s->by_kind;
}

bool snapshot_items(struct snapshot *s, size_t n)
{
    s->items = calloc(size_max(n, 1), sizeof *s->items);
    s->n_items = s->items ? n : 0;
    return s->items;
}

bool snapshot_rescale(struct snapshot *s, struct abl_err *err)
{
    size_t n = (size_t)s->n_layers * s->n_heads, m = 0;
    double *effects = malloc(2 * size_max(n, 1) * sizeof *effects);
    if (!effects)
        return abl_no_memory(err);
    s->largest = 0;
    for (size_t i = 0; i < n; i++) {
        double effect = s->cells[i].mean;
        if (!cell_is_measured(s->states[i]) || !isfinite(effect))
            continue;
        effects[m++] = effect;
        s->largest = fmax(s->largest, fabs(effect));
    }
    s->scale = palette_scale(effects, m, effects + n);
    free(effects);
    return true;
}

size_t snapshot_rank(const struct snapshot *s, struct head h)
{
    assert(h.layer < s->n_layers && h.head < s->n_heads);
    size_t at = snapshot_at(s, h), n = (size_t)s->n_layers * s->n_heads, larger = 0;
    if (!cell_is_measured(s->states[at]))
        return 0;
    double mine = fabs(s->cells[at].mean);
    for (size_t i = 0; i < n; i++)
        larger += cell_is_measured(s->states[i]) && fabs(s->cells[i].mean) > mine;
    return larger + 1;
}

const struct item *snapshot_direct(const struct snapshot *s, struct head h)
{
    for (size_t i = 0; i < s->n_items; i++)
        if (s->items[i].is_head && s->items[i].head.layer == h.layer
            && s->items[i].head.head == h.head)
            return &s->items[i];
    return NULL;
}
