#include "forward/stream_parts.h"

#include <assert.h>

static const struct saved_activation *find_saved(const struct pass *p, uint32_t layer,
                                                 enum site site)
{
    for (size_t i = 0; i < p->saved.n; i++)
        if (p->saved.items[i].layer == layer && p->saved.items[i].site == site)
            return &p->saved.items[i];
    return NULL;
}

static bool run_list(struct stream *s, const struct edit_list *l, struct tensor t,
                     struct tensor source, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    return !l->n || e->ops->edit(e, t, l->items, (uint32_t)l->n, source, err);
}

// Edits of copies [first, first + n), whose activation is t.
static bool run_edits(struct stream *s, uint32_t layer, enum site site, uint32_t first, uint32_t n,
                      struct tensor t, struct abl_err *err)
{
    const struct pass *p = s->pass;
    struct edit_job job = { .trie = p->trie,
                            .first_prompt = p->first_prompt,
                            .donors = &p->donors,
                            .has_bos = p->has_bos,
                            .space = s->space,
                            .nodes = s->space == ROWS_READS ? p->trie->reads : s->rows.nodes,
                            .n_rows = stream_copy_rows(s),
                            .variants = s->variants + first,
                            .n_variants = n,
                            .layer = layer,
                            .site = site,
                            .head_cols = site_head_cols(p->shape, site),
                            .n_cols = t.cols,
                            .window = stream_window(p->shape, layer) };
    struct edit_lists *l = &s->edits;
    if (!edits_collect(&job, l, err))
        return false;
    const struct saved_activation *activation = find_saved(p, layer, site);
    bool at_z = site == SITE_Z;
    assert(!l->donor.n || activation);
    return run_list(s, &l->constant, t, at_z ? p->weights->z_constant : (struct tensor){ 0 }, err)
           && run_list(s, &l->mean, t, p->z_mean, err)
           && run_list(s, &l->donor, t, activation ? activation->t : (struct tensor){ 0 }, err);
}

bool stream_edits(const struct stream *s, uint32_t layer, enum site site)
{
    return s->variants && edits_any(s->variants, s->copies, layer, site);
}

bool stream_is_wanted(const struct stream *s, uint32_t layer, enum site site)
{
    return (s->saving && find_saved(s->pass, layer, site))
           || (s->tap && s->tap->sites & 1u << site);
}

bool stream_at_site(struct stream *s, uint32_t layer, enum site site, struct tensor t,
                    struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    const struct saved_activation *keep = s->saving ? find_saved(s->pass, layer, site) : NULL;
    if (keep && !e->ops->gather(e, tensor_rows(keep->t, 0, t.rows), t, stream_repeat(s, 1), err))
        return false;
    if (s->tap && s->tap->sites & 1u << site
        && !s->tap->on_activation(s->tap->context, layer, site, t, err))
        return false;
    return !stream_edits(s, layer, site) || run_edits(s, layer, site, 0, s->copies, t, err);
}

struct contexts stream_contexts_of(const struct stream *s, uint32_t layer, bool reads,
                                   uint32_t n_queries)
{
    const struct stream_contexts *set
        = s->window.nodes.start.buffer && s->pass->shape->slides[layer] ? &s->window : &s->all;
    struct contexts c = reads ? set->reads : set->nodes;
    c.start = stream_first(c.start, n_queries + 1);
    return c;
}

// Room for one copy's edges in this layer: rows of *all, which grows with the layers' windows.
static bool pattern_room(struct stream *s, uint32_t layer, bool reads, struct tensor *all,
                         struct tensor *out, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    uint32_t n = trie_edges(s->pass->trie, reads, stream_window(s->pass->shape, layer), NULL);
    if (all->buffer && all->rows < n)
        e->ops->release(e, all);
    if (!all->buffer && !e->ops->alloc(e, n, s->pass->shape->n_heads, all, err))
        return false;
    *out = tensor_rows(*all, 0, n);
    return true;
}

// Show the pattern, or keep it for donors: of a stream of one copy.
static bool take_pattern(struct stream *s, uint32_t layer, const struct attend_args *args,
                         struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    struct attend_args a = *args;
    struct tensor t;
    const struct saved_activation *keep
        = s->saving ? find_saved(s->pass, layer, SITE_PATTERN) : NULL;
    bool reads = s->space == ROWS_READS;
    if (keep) {
        uint32_t n = trie_edges(s->pass->trie, reads, stream_window(s->pass->shape, layer), NULL);
        return e->ops->weigh(e, tensor_rows(keep->t, 0, n), &a, err);
    }
    if (s->tap->reads_only && !reads) {
        struct index rows = stream_first(s->read_rows, s->pass->trie->n_reads);
        a.q = tensor_rows(s->read_q, 0, rows.count);
        a.contexts = stream_contexts_of(s, layer, true, rows.count);
        reads = true;
        if (!e->ops->gather(e, a.q, args->q, rows, err))
            return false;
    }
    return pattern_room(s, layer, reads, &s->pattern, &t, err) && e->ops->weigh(e, t, &a, err)
           && s->tap->on_activation(s->tap->context, layer, SITE_PATTERN, t, err);
}

// z of one copy, moved by what its edits change of the pattern.
static bool edit_pattern(struct stream *s, uint32_t layer, uint32_t copy,
                         const struct attend_args *args, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    const struct trie *trie = s->pass->trie;
    uint32_t n = stream_copy_rows(s);
    struct attend_args a = *args;
    struct tensor t, was;
    assert(!s->rows.nodes);
    bool reads = s->space == ROWS_READS;
    a.q = tensor_rows(args->q, copy * n, n);
    a.k = tensor_rows(args->k, copy * trie->n_nodes, trie->n_nodes);
    a.v = tensor_rows(args->v, copy * trie->n_nodes, trie->n_nodes);
    a.contexts = stream_contexts_of(s, layer, reads, n); // of copy 0: rows of a.k
    return pattern_room(s, layer, reads, &s->pattern, &t, err)
           && pattern_room(s, layer, reads, &s->pattern_was, &was, err)
           && e->ops->weigh(e, t, &a, err) && e->ops->weigh(e, was, &a, err)
           && run_edits(s, layer, SITE_PATTERN, copy, 1, t, err)
           && e->ops->mix(e, tensor_rows(s->z_now, copy * n, n), t, was, &a, err);
}

bool stream_at_pattern(struct stream *s, uint32_t layer, const struct attend_args *args,
                       struct abl_err *err)
{
    if (stream_is_wanted(s, layer, SITE_PATTERN) && !take_pattern(s, layer, args, err))
        return false;
    for (uint32_t c = 0; s->variants && c < s->copies; c++)
        if (edits_any(&s->variants[c], 1, layer, SITE_PATTERN)
            && !edit_pattern(s, layer, c, args, err))
            return false;
    return true;
}
