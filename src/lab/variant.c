#include "lab/variant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lab/select.h"

uint32_t site_head_cols(const struct model_shape *s, enum site site)
{
    return site == SITE_Q || site == SITE_K || site == SITE_V || site == SITE_Z ? s->d_head : 0;
}

uint32_t site_cols(const struct model_shape *s, enum site site)
{
    uint32_t n_heads = site == SITE_K || site == SITE_V ? s->n_kv_heads : s->n_heads;
    return site_head_cols(s, site) ? n_heads * s->d_head : s->d_model;
}

// The edit that ablates one head everywhere: z becomes scale·(z − c) + c.
static struct edit head_edit(struct head h, struct ablation how)
{
    bool folded = how.value_bias == VALUE_BIAS_FOLDED;
    return (struct edit){ .site = SITE_Z,
                          .layer = h.layer,
                          .head = h.head,
                          .position = ALL_POSITIONS,
                          .op = EDIT_SCALE,
                          .factor = how.scale,
                          .source = folded ? SOURCE_CONSTANT : SOURCE_NONE };
}

// Append the joint ablation of a set unless the list has it already; room for it is the caller's business.
static bool add_set(struct variants *v, const struct head_set *set, struct ablation how,
                    struct abl_err *err)
{
    const char *label = head_set_label(set, &v->arena);
    if (!label)
        return abl_no_memory(err);
    if (variants_find(v, label) != SIZE_MAX)
        return true;
    struct edit *edits = arena_alloc(&v->arena, set->n, sizeof *edits);
    if (!edits)
        return abl_no_memory(err);
    for (size_t i = 0; i < set->n; i++)
        edits[i] = head_edit(set->heads[i], how);
    v->items[v->n++] = (struct variant){ .label = label, .edits = edits, .n_edits = set->n };
    return true;
}

static bool variants_init(struct variants *v, size_t cap, struct abl_err *err)
{
    *v = (struct variants){ 0 };
    v->items = arena_alloc(&v->arena, cap, sizeof *v->items);
    return v->items || abl_no_memory(err);
}

bool variants_heads(const struct head *heads, size_t n, struct ablation how, struct variants *out,
                    struct abl_err *err)
{
    struct variants v;
    if (!variants_init(&v, n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct head one = heads[i];
        if (!add_set(&v, &(struct head_set){ .heads = &one, .n = 1 }, how, err)) {
            variants_release(&v);
            return false;
        }
    }
    *out = v;
    return true;
}

bool variants_sets(const struct head_set *sets, size_t n, struct ablation how, struct variants *out,
                   struct abl_err *err)
{
    size_t cap = n;
    for (size_t i = 0; i < n; i++)
        cap += sets[i].n;
    struct variants v;
    if (!variants_init(&v, cap, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sets[i].n && ok; j++)
            ok = add_set(&v, &(struct head_set){ .heads = &sets[i].heads[j], .n = 1 }, how, err);
    for (size_t i = 0; i < n && ok; i++)
        ok = add_set(&v, &sets[i], how, err);
    if (!ok) {
        variants_release(&v);
        return false;
    }
    *out = v;
    return true;
}

void variants_release(struct variants *v)
{
    arena_release(&v->arena);
    *v = (struct variants){ 0 };
}

size_t variants_find(const struct variants *v, const char *label)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->items[i].label, label) == 0)
            return i;
    return SIZE_MAX;
}

bool edit_is_identity(const struct edit *e)
{
    switch (e->op) {
    case EDIT_SCALE:
        return e->factor == 1.0f;
    case EDIT_ADD:
        return e->factor == 0.0f || e->source == SOURCE_NONE;
    case EDIT_SET:
        return false;
    }
    assert(false && "known op");
    return false;
}

uint32_t variant_first_layer(const struct variant *v)
{
    uint32_t first = NO_LAYER;
    for (size_t i = 0; i < v->n_edits; i++)
        if (!edit_is_identity(&v->edits[i]) && v->edits[i].layer < first)
            first = v->edits[i].layer;
    return first;
}
