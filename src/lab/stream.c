#include "lab/stream.h"

#include <assert.h>
#include <stdlib.h>

#include "lab/kept.h"
#include "lab/stream_lists.h"

size_t stream_row_floats(const struct model_shape *s)
{
    size_t q = (size_t)s->n_heads * s->d_head, kv = (size_t)s->n_kv_heads * s->d_head;
    size_t mlp = (s->gated ? 2 : 1) * (size_t)s->d_mlp;
    return 3 * (size_t)s->d_model + 2 * q + q + 2 * kv + mlp;
}

uint32_t stream_window(const struct model_shape *shape, uint32_t layer)
{
    return shape->window && shape->slides[layer] ? shape->window : NO_WINDOW;
}

uint32_t stash_rows(const struct stash *s, const struct model_shape *shape, const struct trie *t)
{
    return s->site == SITE_PATTERN ? trie_edges(t, false, stream_window(shape, s->layer), NULL)
                                   : t->n_nodes;
}

static uint32_t q_cols(const struct model_shape *s)
{
    return s->n_heads * s->d_head;
}

static uint32_t kv_cols(const struct model_shape *s)
{
    return s->n_kv_heads * s->d_head;
}

static uint32_t rows_per_copy(const struct stream *s)
{
    return s->space == ROWS_READS ? s->pass->trie->n_reads : s->rows.n;
}

// The first `count` entries of an index list.
static struct index index_first(struct index list, uint32_t count)
{
    assert(count <= list.count);
    list.count = count;
    return list;
}

static struct index repeat_list(const struct stream *s, uint32_t copies)
{
    struct index all = s->space == ROWS_READS ? s->repeat_reads : s->repeat_nodes;
    return index_first(all, copies * rows_per_copy(s));
}

static bool alloc_stream(struct stream *s, struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct engine *e = s->pass->engine;
    uint32_t n = s->max_copies * s->rows.n, r = s->max_copies * s->pass->trie->n_reads;
    uint32_t d = shape->d_model, q = q_cols(shape), qkv = q + 2 * kv_cols(shape);
    return e->ops->alloc(e, n, d, &s->resid, err) && e->ops->alloc(e, n, d, &s->h, err)
           && e->ops->alloc(e, s->prefix + n, qkv, &s->qkv, err)
           && e->ops->alloc(e, n, q, &s->z, err) && e->ops->alloc(e, n, shape->d_mlp, &s->up, err)
           && (!shape->gated || e->ops->alloc(e, n, shape->d_mlp, &s->gate, err))
           && e->ops->alloc(e, r, q, &s->read_q, err) && e->ops->alloc(e, r, d, &s->read_x, err);
}

static bool init(struct stream *s, struct abl_err *err)
{
    if (alloc_stream(s, err) && stream_lists_make(s, err))
        return true;
    stream_release(s);
    return false;
}

bool stream_init(struct stream *s, const struct pass *pass, uint32_t max_copies,
                 struct abl_err *err)
{
    *s = (struct stream){ .pass = pass,
                          .max_copies = max_copies,
                          .rows = { NULL, pass->trie->n_nodes } };
    return init(s, err);
}

bool stream_init_tail(struct stream *s, const struct pass *pass, struct row_list rows,
                      uint32_t max_copies, struct abl_err *err)
{
    assert(pass->kept);
    *s = (struct stream){
        .pass = pass, .max_copies = max_copies, .rows = rows, .prefix = pass->trie->n_nodes
    };
    return init(s, err);
}

void stream_release(struct stream *s)
{
    if (!s->pass)
        return;
    struct engine *e = s->pass->engine;
    struct tensor *tensors[] = { &s->resid, &s->h,      &s->qkv,    &s->z,       &s->up,
                                 &s->gate,  &s->read_q, &s->read_x, &s->pattern, &s->pattern_was };
    struct index *lists[] = { &s->all.nodes.start,    &s->all.nodes.rows,     &s->all.reads.start,
                              &s->all.reads.rows,     &s->window.nodes.start, &s->window.nodes.rows,
                              &s->window.reads.start, &s->window.reads.rows,  &s->positions,
                              &s->read_rows,          &s->repeat_nodes,       &s->repeat_reads };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i]->buffer)
            e->ops->release(e, tensors[i]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i]->buffer)
            e->ops->index_release(e, lists[i]);
    edits_release(&s->edits);
    *s = (struct stream){ 0 };
}

bool stream_start(struct stream *s, struct tensor embedded, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    s->copies = 1;
    s->space = ROWS_NODES;
    s->variants = NULL;
    s->x = tensor_rows(s->resid, 0, embedded.rows);
    return e->ops->gather(e, s->x, embedded, repeat_list(s, 1), err);
}

bool stream_branch(struct stream *s, const struct stream *from, bool with_z,
                   const struct variant *const *variants, uint32_t copies, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    s->copies = copies;
    s->space = from->space;
    s->variants = variants;
    struct index repeat = repeat_list(s, copies);
    s->x = tensor_rows(s->space == ROWS_READS ? s->read_x : s->resid, 0, repeat.count);
    s->z_now = tensor_rows(s->z, 0, repeat.count);
    return e->ops->gather(e, s->x, from->x, repeat, err)
           && (!with_z || e->ops->gather(e, s->z_now, from->z_now, repeat, err));
}

bool stream_part(struct stream *s, const uint32_t *from, uint32_t copies, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    uint32_t n = s->rows.n;
    struct index rows = { 0 };
    if (copies == s->copies)
        return true;
    assert(s->space == ROWS_NODES && copies <= s->max_copies);
    uint32_t *list = malloc((size_t)copies * n * sizeof *list);
    if (!list)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < copies * n; i++)
        list[i] = from[i / n] * n + i % n;
    struct tensor was = s->resid;
    s->resid = s->h;
    s->h = was;
    bool ok = e->ops->index_new(e, list, copies * n, &rows, err)
              && e->ops->gather(e, tensor_rows(s->resid, 0, copies * n), s->x, rows, err);
    if (rows.buffer)
        e->ops->index_release(e, &rows);
    free(list);
    s->x = tensor_rows(s->resid, 0, copies * n);
    s->copies = copies;
    return ok;
}

static const struct stash *find_stash(const struct pass *p, uint32_t layer, enum site site)
{
    for (size_t i = 0; i < p->stashes.n; i++)
        if (p->stashes.items[i].layer == layer && p->stashes.items[i].site == site)
            return &p->stashes.items[i];
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
                            .n_rows = rows_per_copy(s),
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
    const struct stash *stash = find_stash(p, layer, site);
    bool at_z = site == SITE_Z;
    assert(!l->donor.n || stash);
    return run_list(s, &l->constant, t, at_z ? p->weights->z_constant : (struct tensor){ 0 }, err)
           && run_list(s, &l->mean, t, p->z_mean, err)
           && run_list(s, &l->donor, t, stash ? stash->t : (struct tensor){ 0 }, err);
}

static bool has_edits(const struct stream *s, uint32_t layer, enum site site)
{
    return s->variants && edits_any(s->variants, s->copies, layer, site);
}

// Whether somebody takes this activation before it goes on.
static bool is_wanted(const struct stream *s, uint32_t layer, enum site site)
{
    return (s->saving && find_stash(s->pass, layer, site))
           || (s->tap && s->tap->sites & 1u << site);
}

// An activation has been computed: keep it for donors if it is asked for, show it, and edit it.
static bool at_site(struct stream *s, uint32_t layer, enum site site, struct tensor t,
                    struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    const struct stash *keep = s->saving ? find_stash(s->pass, layer, site) : NULL;
    if (keep && !e->ops->gather(e, tensor_rows(keep->t, 0, t.rows), t, repeat_list(s, 1), err))
        return false;
    if (s->tap && s->tap->sites & 1u << site && !s->tap->see(s->tap->context, layer, site, t, err))
        return false;
    return !has_edits(s, layer, site) || run_edits(s, layer, site, 0, s->copies, t, err);
}

// x += t, through the edit operation: only for variants that edit a module's output.
static bool add_rows(struct stream *s, struct tensor t, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    struct row_edit *edits = malloc(t.rows * sizeof *edits);
    if (!edits)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < t.rows; i++)
        edits[i]
            = (struct row_edit){ .row = i, .n_cols = t.cols, .source_row = i, .keep = 1, .add = 1 };
    bool ok = e->ops->edit(e, s->x, edits, t.rows, t, err);
    free(edits);
    return ok;
}

// x += in·w + bias, where the module's output is a site of its own.
static bool add_module(struct stream *s, uint32_t layer, enum site site, struct tensor in,
                       const struct weight *w, struct tensor bias, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    bool apart = has_edits(s, layer, site) || is_wanted(s, layer, site);
    struct epilogue onto_x = { .bias = bias, .accumulate = !apart };
    if (!apart)
        return e->ops->linear(e, s->x, in, w, &onto_x, err);
    struct tensor out = tensor_rows(s->h, 0, in.rows);
    return e->ops->linear(e, out, in, w, &onto_x, err) && at_site(s, layer, site, out, err)
           && add_rows(s, out, err);
}

// Keep only the read-out rows of x and q; attention then needs no others.
static bool narrow_to_reads(struct stream *s, struct tensor *q, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    struct index rows = index_first(s->read_rows, s->copies * s->pass->trie->n_reads);
    struct tensor read_q = tensor_rows(s->read_q, 0, rows.count);
    struct tensor read_x = tensor_rows(s->read_x, 0, rows.count);
    if (!e->ops->gather(e, read_q, *q, rows, err) || !e->ops->gather(e, read_x, s->x, rows, err))
        return false;
    *q = read_q;
    s->x = read_x;
    s->space = ROWS_READS;
    return true;
}

// Norm the heads of q and k, and turn them by their positions.
static bool place(struct stream *s, const struct layer_weights *w, struct tensor qkv,
                  struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct engine *e = s->pass->engine;
    uint32_t nq = q_cols(shape), nkv = kv_cols(shape);
    struct tensor q = tensor_cols(qkv, 0, nq), k = tensor_cols(qkv, nq, nkv);
    if (shape->qk_norm
        && (!e->ops->norm(e, q, q, &w->q_norm, err) || !e->ops->norm(e, k, k, &w->k_norm, err)))
        return false;
    return !shape->rope.n_dims
           || e->ops->rope(e, tensor_cols(qkv, 0, nq + nkv), s->pass->weights->rope,
                           index_first(s->positions, qkv.rows), shape->d_head, err);
}

static struct contexts layer_contexts(const struct stream *s, uint32_t layer, bool reads,
                                      uint32_t n_queries)
{
    const struct stream_contexts *set
        = s->window.nodes.start.buffer && s->pass->shape->slides[layer] ? &s->window : &s->all;
    struct contexts c = reads ? set->reads : set->nodes;
    c.start = index_first(c.start, n_queries + 1);
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
    const struct stash *keep = s->saving ? find_stash(s->pass, layer, SITE_PATTERN) : NULL;
    bool reads = s->space == ROWS_READS;
    if (keep) {
        uint32_t n = trie_edges(s->pass->trie, reads, stream_window(s->pass->shape, layer), NULL);
        return e->ops->weigh(e, tensor_rows(keep->t, 0, n), &a, err);
    }
    if (s->tap->reads_only && !reads) {
        struct index rows = index_first(s->read_rows, s->pass->trie->n_reads);
        a.q = tensor_rows(s->read_q, 0, rows.count);
        a.contexts = layer_contexts(s, layer, true, rows.count);
        reads = true;
        if (!e->ops->gather(e, a.q, args->q, rows, err))
            return false;
    }
    return pattern_room(s, layer, reads, &s->pattern, &t, err) && e->ops->weigh(e, t, &a, err)
           && s->tap->see(s->tap->context, layer, SITE_PATTERN, t, err);
}

// z of one copy, moved by what its edits change of the pattern.
static bool edit_pattern(struct stream *s, uint32_t layer, uint32_t copy,
                         const struct attend_args *args, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    const struct trie *trie = s->pass->trie;
    uint32_t n = rows_per_copy(s);
    struct attend_args a = *args;
    struct tensor t, was;
    assert(!s->rows.nodes);
    bool reads = s->space == ROWS_READS;
    a.q = tensor_rows(args->q, copy * n, n);
    a.k = tensor_rows(args->k, copy * trie->n_nodes, trie->n_nodes);
    a.v = tensor_rows(args->v, copy * trie->n_nodes, trie->n_nodes);
    a.contexts = layer_contexts(s, layer, reads, n); // of copy 0: rows of a.k
    return pattern_room(s, layer, reads, &s->pattern, &t, err)
           && pattern_room(s, layer, reads, &s->pattern_was, &was, err)
           && e->ops->weigh(e, t, &a, err) && e->ops->weigh(e, was, &a, err)
           && run_edits(s, layer, SITE_PATTERN, copy, 1, t, err)
           && e->ops->mix(e, tensor_rows(s->z_now, copy * n, n), t, was, &a, err);
}

// The pattern, beside the whole of attention: only where somebody takes it, and for variants that edit it.
static bool at_pattern(struct stream *s, uint32_t layer, const struct attend_args *args,
                       struct abl_err *err)
{
    if (is_wanted(s, layer, SITE_PATTERN) && !take_pattern(s, layer, args, err))
        return false;
    for (uint32_t c = 0; s->variants && c < s->copies; c++)
        if (edits_any(&s->variants[c], 1, layer, SITE_PATTERN)
            && !edit_pattern(s, layer, c, args, err))
            return false;
    return true;
}

bool stream_attend(struct stream *s, uint32_t layer, struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    const struct layer_weights *w;
    if (!weights_layer(s->pass->weights, layer, &w, err))
        return false;
    struct engine *e = s->pass->engine;
    uint32_t n = s->x.rows, nq = q_cols(shape), nkv = kv_cols(shape);
    struct tensor h = tensor_rows(s->h, 0, n), keys = tensor_rows(s->qkv, 0, s->prefix + n);
    struct tensor qkv = tensor_rows(s->qkv, s->prefix, n); // behind the clean stream's
    struct tensor own_k = tensor_cols(qkv, nq, nkv), own_v = tensor_cols(qkv, nq + nkv, nkv);
    struct epilogue bias = { .bias = w->qkv_bias };
    struct attend_args args = { .q = tensor_cols(qkv, 0, nq),
                                .k = tensor_cols(keys, nq, nkv),
                                .v = tensor_cols(keys, nq + nkv, nkv),
                                .n_heads = shape->n_heads,
                                .n_kv_heads = shape->n_kv_heads,
                                .d_head = shape->d_head,
                                .scale = w->attn_scale };
    if (!at_site(s, layer, SITE_RESID_PRE, s->x, err) || !e->ops->norm(e, h, s->x, &w->ln1, err)
        || !e->ops->linear(e, qkv, h, w->qkv, &bias, err) || !place(s, w, qkv, err)
        || !at_site(s, layer, SITE_Q, args.q, err) || !at_site(s, layer, SITE_K, own_k, err)
        || !at_site(s, layer, SITE_V, own_v, err))
        return false;
    if (s->prefix
        && !kept_give(s->pass->kept, layer, tensor_rows(args.k, 0, s->prefix),
                      tensor_rows(args.v, 0, s->prefix), err))
        return false;
    if (layer + 1 == shape->n_layers && !s->wide && !narrow_to_reads(s, &args.q, err))
        return false;
    args.contexts = layer_contexts(s, layer, s->space == ROWS_READS, args.q.rows);
    s->z_now = tensor_rows(s->z, 0, args.q.rows);
    return e->ops->attend(e, s->z_now, &args, err) && at_pattern(s, layer, &args, err);
}

// up = act(norm(x)·W_in), or act(norm(x)·W_gate) norm(x)·W_in: what the MLP's output is made from.
static bool mlp_hidden(struct stream *s, const struct layer_weights *w, struct tensor up,
                       struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct engine *e = s->pass->engine;
    struct tensor h = tensor_rows(s->h, 0, s->x.rows);
    struct epilogue in
        = { .bias = w->mlp_in_bias, .act = shape->gated ? ACT_IDENTITY : shape->act };
    struct epilogue gate = { .bias = w->mlp_gate_bias };
    if (!e->ops->norm(e, h, s->x, &w->ln2, err) || !e->ops->linear(e, up, h, w->mlp_in, &in, err))
        return false;
    if (!shape->gated)
        return true;
    struct tensor g = tensor_rows(s->gate, 0, s->x.rows);
    return e->ops->linear(e, g, h, w->mlp_gate, &gate, err)
           && e->ops->gate(e, up, g, shape->act, err);
}

// x += the MLP of x.
static bool add_mlp(struct stream *s, uint32_t layer, const struct layer_weights *w,
                    struct abl_err *err)
{
    struct tensor up = tensor_rows(s->up, 0, s->x.rows);
    return mlp_hidden(s, w, up, err)
           && add_module(s, layer, SITE_MLP_OUT, up, w->mlp_out, w->mlp_out_bias, err);
}

bool stream_mlp_beside(struct stream *s, uint32_t layer, struct abl_err *err)
{
    const struct layer_weights *w;
    return !s->pass->shape->parallel
           || (weights_layer(s->pass->weights, layer, &w, err) && add_mlp(s, layer, w, err));
}

bool stream_finish_layer(struct stream *s, uint32_t layer, struct abl_err *err)
{
    const struct layer_weights *w;
    return weights_layer(s->pass->weights, layer, &w, err)
           && at_site(s, layer, SITE_Z, s->z_now, err)
           && add_module(s, layer, SITE_ATTN_OUT, s->z_now, w->out, w->out_bias, err)
           && (s->pass->shape->parallel || add_mlp(s, layer, w, err))
           && at_site(s, layer, SITE_RESID_POST, s->x, err);
}

bool stream_final(struct stream *s, struct tensor *out, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    if (s->space != ROWS_READS) {
        struct index rows = index_first(s->read_rows, s->copies * s->pass->trie->n_reads);
        struct tensor read_x = tensor_rows(s->read_x, 0, rows.count);
        if (!e->ops->gather(e, read_x, s->x, rows, err))
            return false;
        s->x = read_x;
        s->space = ROWS_READS;
    }
    struct tensor h = tensor_rows(s->h, 0, s->x.rows);
    if (!e->ops->norm(e, h, s->x, &s->pass->weights->final, err))
        return false;
    *out = h;
    return true;
}
