#include "plan/start_point.h"

#include <string.h>

#include "base/size.h"
#include "plan/row_edits.h"
#include "plan/savings.h"

uint32_t start_point_heads(const struct model_shape *shape, const struct variant *v, uint32_t layer)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        if (e->layer == layer && e->site == SITE_Z && !edit_is_identity(e))
            n += e->head == ALL_HEADS ? shape->n_heads : 1;
    }
    return n;
}

// How far the clean stream may go in a layer and still be what an edit of this site needs.
static enum stage latest_stage(const struct model_shape *shape, enum site site, bool few_heads)
{
    switch (site) {
    case SITE_RESID_PRE:
    case SITE_Q:
    case SITE_K:
    case SITE_V:
    case SITE_PATTERN:
        return STAGE_START;
    case SITE_Z:
        return few_heads ? STAGE_PROJECTED : STAGE_BESIDE;
    case SITE_ATTN_OUT:
        return STAGE_BESIDE;
    case SITE_MLP_OUT:
        return shape->parallel ? STAGE_ATTENDED : STAGE_PROJECTED;
    case SITE_RESID_POST:
    case N_SITES:
        break;
    }
    return STAGE_DONE;
}

struct start_point start_point_of(const struct model_shape *shape, const struct variant *v,
                                  unsigned left_out)
{
    struct start_point b = { variant_first_layer(v), STAGE_START };
    if (b.layer == NO_LAYER)
        return b;
    if (left_out & SAVING_CLEAN_START)
        return (struct start_point){ 0, STAGE_START };
    if (left_out & SAVING_ATTENTION)
        return b;
    // With more, W_O runs faster as a whole.
    bool few_heads = 2 * start_point_heads(shape, v, b.layer) <= shape->n_heads;
    b.stage = left_out & SAVING_LATE_START ? STAGE_ATTENDED : STAGE_DONE;
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        if (e->layer != b.layer || edit_is_identity(e))
            continue;
        enum stage latest = latest_stage(shape, e->site, few_heads);
        b.stage = latest < b.stage ? latest : b.stage;
    }
    return b;
}

// The most variants that any layer branches at once.
static uint32_t widest_branch(const struct model_shape *shape, const struct variants *v,
                              const bool *done, unsigned left_out)
{
    size_t widest = 1;
    for (uint32_t l = 0; l < shape->n_layers; l++) {
        size_t n = 0;
        for (size_t i = 0; i < v->n; i++)
            n += !(done && done[i]) && start_point_of(shape, &v->items[i], left_out).layer == l;
        widest = size_max(widest, n);
    }
    return (uint32_t)size_min(widest, MAX_COPIES);
}

// The edges of one copy, before and after the edits.
static uint64_t pattern_bytes(const struct model_shape *shape, const struct trie *t,
                              const struct variants *v, const bool *done)
{
    bool edited = false;
    for (size_t i = 0; i < v->n && !edited; i++)
        for (size_t k = 0; k < v->items[i].n_edits && !(done && done[i]); k++)
            edited = edited || v->items[i].edits[k].site == SITE_PATTERN;
    uint64_t edges = trie_edges(t, false, NO_WINDOW, NULL);
    return edited ? 2 * edges * shape->n_heads * sizeof(float) : 0;
}

uint32_t start_point_copies(const struct model_shape *shape, const struct memory_budget *budget,
                            const struct trie *t, const struct variants *v, const bool *done,
                            unsigned left_out, uint64_t *bytes)
{
    *bytes = pattern_bytes(shape, t, v, done);
    struct memory_budget streams = memory_budget_left(*budget, *bytes);
    size_t fit = stream_rows_that_fit(shape, &streams);
    uint32_t copies = memory_budget_copies(budget, size_left(fit, t->n_nodes), t->n_nodes);
    uint32_t widest = widest_branch(shape, v, done, left_out);
    return copies < widest ? copies : widest;
}

bool variants_share_rows(const struct variants *v, const bool *done)
{
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; !(done && done[i]) && k < v->items[i].n_edits; k++)
            if (!edit_is_shared(&v->items[i].edits[k]))
                return false;
    return true;
}

uint32_t trie_tail(const struct trie *t, uint32_t tail, uint32_t *nodes)
{
    uint32_t n = 0;
    memset(nodes, 0, t->n_nodes * sizeof *nodes);
    for (uint32_t i = 0; i < t->n_reads; i++) { // first as marks
        uint32_t node = t->reads[i];
        for (uint32_t back = 0; back < tail; back++) {
            nodes[node] = 1;
            if (!t->position[node])
                break;
            node = t->parent[node];
        }
    }
    for (uint32_t node = 0; node < t->n_nodes; node++)
        if (nodes[node])
            nodes[n++] = node;
    return n;
}
