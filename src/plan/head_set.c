#include "plan/head_set.h"

#include "plan/head_syntax.h"

bool head_set_part(const struct head_set *set, bool has, const struct model_shape *shape,
                   struct arena *a, struct head_set *out, struct abl_err *err)
{
    size_t n = 0;
    struct head *heads = arena_alloc(a, (size_t)shape->n_layers * shape->n_heads, sizeof *heads);
    if (!heads)
        return abl_no_memory(err);
    for (uint32_t layer = 0; layer < shape->n_layers; layer++)
        for (uint32_t head = 0; head < shape->n_heads; head++)
            if (head_set_has(set, (struct head){ layer, head }) == has)
                heads[n++] = (struct head){ layer, head };
    *out = (struct head_set){ heads, n };
    return true;
}
