#include "forward/stream_parts.h"

#include <stdlib.h>

#include "forward/clean_kv.h"

// x += h, a module's output that is normed, or that somebody takes or edits first: through the edit
// operation, as few need it.
static bool add_apart(struct stream *s, uint32_t layer, enum site site,
                      const struct norm_args *post, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    uint32_t n = s->x.rows;
    struct tensor h = tensor_rows(s->h, 0, n);
    if ((post->gain.buffer && !e->ops->norm(e, h, h, post, err))
        || !stream_at_site(s, layer, site, h, err))
        return false;
    struct row_edit *edits = malloc(n * sizeof *edits);
    if (!edits)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        edits[i]
            = (struct row_edit){ .row = i, .n_cols = h.cols, .source_row = i, .keep = 1, .add = 1 };
    bool ok = e->ops->edit(e, s->x, edits, n, h, err);
    free(edits);
    return ok;
}

static bool is_apart(const struct stream *s, uint32_t layer, enum site site)
{
    return norms_after(s->pass->shape) || stream_edits(s, layer, site)
           || stream_is_wanted(s, layer, site);
}

// h = norm of x, or x itself where the block has none before.
static bool norm_into_h(struct stream *s, const struct norm_args *norm, struct tensor *h,
                        struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    *h = norm->gain.buffer ? tensor_rows(s->h, 0, s->x.rows) : s->x;
    return !norm->gain.buffer || e->ops->norm(e, *h, s->x, norm, err);
}

// Norm the heads of q or k, and turn them by their positions.
static bool place(struct stream *s, uint32_t layer, const struct norm_args *norm, struct tensor t,
                  struct index positions, struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    const struct weights *w = s->pass->weights;
    const struct rope_shape *rope = shape_rope(shape, layer);
    struct tensor table = rope == &shape->rope ? w->rope : w->rope_local;
    struct engine *e = s->pass->engine;
    return (shape->qk_norm == QK_NORM_NONE || e->ops->norm(e, t, t, norm, err))
           && (!rope->n_dims
               || e->ops->rope(e, t, table, stream_first(positions, t.rows), shape->d_head, err));
}

// k and v of x's rows, behind those of the clean stream that they also see.
static bool make_keys(struct stream *s, uint32_t layer, const struct layer_weights *w,
                      struct attend_args *args, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    struct tensor kv = s->lasting ? s->lasting->layers[layer] : s->kv;
    uint32_t n = s->x.rows, cols = kv.cols / 2;
    struct tensor h, all = tensor_rows(kv, 0, s->prefix + n);
    struct tensor own = tensor_rows(kv, s->prefix, n);
    struct tensor own_k = tensor_cols(own, 0, cols), own_v = tensor_cols(own, cols, cols);
    struct epilogue bias = { .bias = w->kv_bias };
    args->k = tensor_cols(all, 0, cols);
    args->v = tensor_cols(all, cols, cols);
    return norm_into_h(s, &w->ln1, &h, err) && e->ops->linear(e, own, h, w->kv, &bias, err)
           && place(s, layer, &w->k_norm, own_k, s->positions, err)
           && stream_at_site(s, layer, SITE_K, own_k, err)
           && stream_at_site(s, layer, SITE_V, own_v, err)
           && (!s->prefix || s->lasting
               || clean_kv_give(s->pass->kept, layer, tensor_rows(args->k, 0, s->prefix),
                                tensor_rows(args->v, 0, s->prefix), err));
}

// q of the rows that go on: of every one, h is what make_keys left.
static bool make_queries(struct stream *s, uint32_t layer, const struct layer_weights *w,
                         struct attend_args *args, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    bool last = layer + 1 == s->pass->shape->n_layers;
    struct epilogue bias = { .bias = w->q_bias };
    bool narrows = last && !s->whole_last_layer;
    if (narrows && !stream_narrow(s, err))
        return false;
    struct tensor h = w->ln1.gain.buffer ? tensor_rows(s->h, 0, s->x.rows) : s->x;
    if (narrows && !norm_into_h(s, &w->ln1, &h, err))
        return false;
    bool reads = s->space == ROWS_READS;
    args->q = tensor_rows(s->q, 0, s->x.rows);
    return e->ops->linear(e, args->q, h, w->q, &bias, err)
           && place(s, layer, &w->q_norm, args->q, reads ? s->read_positions : s->positions, err)
           && stream_at_site(s, layer, SITE_Q, args->q, err);
}

static bool attend(struct stream *s, uint32_t layer, const struct layer_weights *w,
                   struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct engine *e = s->pass->engine;
    struct attend_args args = { .n_heads = shape->n_heads,
                                .n_kv_heads = shape->n_kv_heads,
                                .d_head = shape->d_head,
                                .scale = w->attn_scale,
                                .cap = shape->score_cap,
                                .lean = s->pass->weights->lean };
    if (!stream_at_site(s, layer, SITE_RESID_PRE, s->x, err) || !make_keys(s, layer, w, &args, err)
        || !make_queries(s, layer, w, &args, err))
        return false;
    args.contexts = stream_contexts_of(s, layer, s->space == ROWS_READS, args.q.rows);
    s->z_now = tensor_rows(s->z, 0, args.q.rows);
    return e->ops->attend(e, s->z_now, &args, err) && stream_at_pattern(s, layer, &args, err);
}

// up = act(norm(x)·W_in), or act(norm(x)·W_gate) norm(x)·W_in: what the MLP's output is made from.
// h: room for norm(x).
static bool mlp_hidden(struct stream *s, const struct layer_weights *w, struct tensor x,
                       struct tensor h, struct tensor up, struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct engine *e = s->pass->engine;
    struct epilogue in
        = { .bias = w->mlp_in_bias, .act = shape->gated ? ACT_IDENTITY : shape->act };
    struct epilogue gate = { .bias = w->mlp_gate_bias };
    if (!w->ln2.gain.buffer)
        h = x;
    else if (!e->ops->norm(e, h, x, &w->ln2, err))
        return false;
    if (!e->ops->linear(e, up, h, w->mlp_in, &in, err))
        return false;
    if (!shape->gated)
        return true;
    struct tensor g = tensor_rows(s->gate, 0, x.rows);
    return e->ops->linear(e, g, h, w->mlp_gate, &gate, err)
           && e->ops->gate(e, up, g, shape->act, err);
}

// x += the MLP of x, in parts of about as many rows, none more than `up` has.
static bool add_mlp(struct stream *s, uint32_t layer, const struct layer_weights *w,
                    struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    bool apart = is_apart(s, layer, SITE_MLP_OUT);
    struct epilogue out = { .bias = w->mlp_out_bias, .accumulate = !apart };
    uint32_t rows = s->x.rows, parts = (rows + s->up.rows - 1) / s->up.rows;
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t first = (uint32_t)((uint64_t)rows * i / parts);
        uint32_t n = (uint32_t)((uint64_t)rows * (i + 1) / parts) - first;
        struct tensor x = tensor_rows(s->x, first, n), h = tensor_rows(s->h, first, n);
        struct tensor up = tensor_rows(s->up, 0, n);
        if (!mlp_hidden(s, w, x, h, up, err)
            || !e->ops->linear(e, apart ? h : x, up, w->mlp_out, &out, err))
            return false;
    }
    return !apart || add_apart(s, layer, SITE_MLP_OUT, &w->post_mlp, err);
}

static bool mlp_beside(struct stream *s, uint32_t layer, const struct layer_weights *w,
                       struct abl_err *err)
{
    return !s->pass->shape->parallel || add_mlp(s, layer, w, err);
}

// x += z·W_O + bias, normed where the block norms behind.
static bool project(struct stream *s, uint32_t layer, const struct layer_weights *w,
                    struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    bool apart = is_apart(s, layer, SITE_ATTN_OUT);
    struct epilogue out = { .bias = w->out_bias, .accumulate = !apart };
    struct tensor to = apart ? tensor_rows(s->h, 0, s->x.rows) : s->x;
    return stream_at_site(s, layer, SITE_Z, s->z_now, err)
           && e->ops->linear(e, to, s->z_now, w->out, &out, err)
           && (!apart || add_apart(s, layer, SITE_ATTN_OUT, &w->post_attn, err));
}

static bool mlp_behind(struct stream *s, uint32_t layer, const struct layer_weights *w,
                       struct abl_err *err)
{
    return s->pass->shape->parallel || add_mlp(s, layer, w, err);
}

static bool end_layer(struct stream *s, uint32_t layer, const struct layer_weights *w,
                      struct abl_err *err)
{
    (void)w;
    return stream_at_site(s, layer, SITE_RESID_POST, s->x, err);
}

bool stream_step(struct stream *s, uint32_t layer, enum stage stage, struct abl_err *err)
{
    static bool (*const steps[N_STAGES])(struct stream * s, uint32_t layer,
                                         const struct layer_weights *w, struct abl_err *err)
        = { [STAGE_START] = attend,
            [STAGE_ATTENDED] = mlp_beside,
            [STAGE_BESIDE] = project,
            [STAGE_PROJECTED] = mlp_behind,
            [STAGE_DONE] = end_layer };
    const struct layer_weights *w;
    return weights_layer(s->pass->weights, layer, &w, err) && steps[stage](s, layer, w, err);
}

bool stream_layer(struct stream *s, uint32_t layer, enum stage stage, struct abl_err *err)
{
    for (int at = (int)stage; at < N_STAGES; at++)
        if (!stream_step(s, layer, (enum stage)at, err))
            return false;
    return true;
}
