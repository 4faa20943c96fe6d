#include "analysis/invariants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const struct place *x, const struct place *y)
{
    int order = 0;
    for (int k = 0; k < PLACE_KEYS && x->keys[k] && !order; k++)
        order = strcmp(x->keys[k], y->keys[k]);
    return order;
}

static int largest_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    double dx = fabs(x->delta), dy = fabs(y->delta);
    if (dx > dy || dx < dy)
        return dx > dy ? -1 : 1;
    return compare_keys(x, y);
}

static int highest_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->delta > y->delta || x->delta < y->delta)
        return x->delta > y->delta ? -1 : 1;
    return compare_keys(x, y);
}

static int by_keys(const void *a, const void *b)
{
    return compare_keys(a, b);
}

void places_keep_top(struct place *all, size_t n, enum place_order order, struct places *out)
{
    qsort(all, n, sizeof *all, order == BY_VALUE ? highest_first : largest_first);
    out->n = n < INVARIANT_TOP ? n : INVARIANT_TOP;
    memcpy(out->items, all, out->n * sizeof *all);
}

void places_average(struct place *all, size_t *n)
{
    qsort(all, *n, sizeof *all, by_keys);
    size_t kept = 0;
    for (size_t from = 0, to; from < *n; from = to) {
        struct place one = all[from];
        for (to = from + 1; to < *n && !compare_keys(&one, &all[to]); to++)
            one.delta += all[to].delta;
        one.delta /= (double)(to - from);
        all[kept++] = one;
    }
    *n = kept;
}

const struct place *places_find(const struct places *list, const struct place *p)
{
    for (size_t i = 0; i < list->n; i++)
        if (!compare_keys(p, &list->items[i]))
            return &list->items[i];
    return NULL;
}

bool place_is_everywhere(const struct place *p, const struct places *lists, size_t n,
                         bool *one_sign)
{
    *one_sign = true;
    for (size_t i = 0; i < n; i++) {
        const struct place *other = places_find(&lists[i], p);
        if (!other)
            return false;
        *one_sign = *one_sign && (other->delta > 0) == (p->delta > 0);
    }
    return true;
}
