#include "plan/observations.h"

#include <string.h>

#include "base/size.h"
#include "engine/work.h"

// A list with one more, in the arena; experiments add a handful.
static void *longer(struct arena *a, const void *list, size_t n, size_t size, const void *one)
{
    char *out = arena_alloc(a, n + 1, size);
    if (out && n)
        memcpy(out, list, n * size);
    if (out)
        memcpy(out + n * size, one, size);
    return out;
}

bool observations_add(struct observations *o, struct observation one, struct abl_err *err)
{
    struct observation *list = longer(&o->arena, o->items, o->n, sizeof one, &one);
    if (!list)
        return abl_no_memory(err);
    o->items = list;
    o->n++;
    return true;
}

bool observations_add_product(struct observations *o, struct observed_product one,
                              struct abl_err *err)
{
    struct observed_product *list = longer(&o->arena, o->products, o->n_products, sizeof one, &one);
    if (!list)
        return abl_no_memory(err);
    o->products = list;
    o->n_products++;
    return true;
}

void observations_release(struct observations *o)
{
    arena_release(&o->arena);
    *o = (struct observations){ 0 };
}

uint64_t observations_flop(const struct observations *o)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < o->n_products; i++)
        sum = count_add(sum, linear_flop(o->products[i].rows, o->products[i].k, o->products[i].n));
    return sum;
}
