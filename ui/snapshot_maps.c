// Maps of a snapshot's patches, whose cells are its items.
#include <math.h>
#include <stdlib.h>

#include "report/palette.h"
#include "ui/snapshot.h"

// The recovery that a map's colours go up to.
static bool scale_map(const struct snapshot *p, struct item_map *map, struct abl_err *err)
{
    size_t n = (size_t)map->axes.n_rows * map->axes.n_columns;
    double *values = malloc(2 * n * sizeof *values);
    if (!values)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        size_t at = map->axes.variants[i];
        bool done = at != SIZE_MAX && p->items[at].done;
        values[i] = done ? p->items[at].recovery.ratio.mean : (double)NAN;
    }
    map->scale = palette_scale(values, n, values + n);
    free(values);
    return true;
}

// item_of: for each variant its item.
static bool place_items(struct snapshot *p, struct item_map *map, const size_t *item_of,
                        struct abl_err *err)
{
    size_t n = (size_t)map->axes.n_rows * map->axes.n_columns;
    size_t *items = arena_alloc(&p->arena, n, sizeof *items);
    if (!items)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        size_t v = map->axes.variants[i];
        items[i] = v == NO_VARIANT ? SIZE_MAX : item_of[v];
        if (items[i] == SIZE_MAX)
            continue;
        struct item *one = &p->items[items[i]];
        one->map = map;
        one->row = (uint32_t)(i / map->axes.n_columns);
        one->column = (uint32_t)(i % map->axes.n_columns);
    }
    map->axes.variants = items;
    return scale_map(p, map, err);
}

bool snapshot_put_maps(struct snapshot *p, const struct variants *v, const size_t *item_of,
                       struct abl_err *err)
{
    struct patch_map *maps;
    size_t n;
    if (!patch_maps_make(v, &p->arena, &maps, &n, err))
        return false;
    p->maps = arena_alloc(&p->arena, n, sizeof *p->maps);
    if (!p->maps)
        return abl_no_memory(err);
    for (; p->n_maps < n; p->n_maps++) {
        p->maps[p->n_maps].axes = maps[p->n_maps];
        if (!place_items(p, &p->maps[p->n_maps], item_of, err))
            return false;
    }
    return true;
}
