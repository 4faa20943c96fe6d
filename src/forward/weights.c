#include "forward/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forward/read_back.h"
#include "model/rope.h"

#define NO_STREAMED_LAYER UINT32_MAX

struct loader {
    struct engine *engine;
    const struct model *model;
    struct weights *weights;
    struct abl_err *err;
};

static bool load_vector(struct loader *l, enum model_vector which, uint32_t layer,
                        struct tensor *out)
{
    uint32_t n = model_vector_len(&l->model->shape, which);
    // this family has none
    if (!n)
        return true;
    const struct engine_ops *ops = l->engine->ops;
    return model_read_vector(l->model, which, layer, l->weights->host, l->err)
           && ops->alloc(l->engine, 1, n, out, l->err)
           && ops->upload(l->engine, *out, l->weights->host, l->err);
}

// A norm's gain and, behind it in the list of vectors, its bias.
static bool load_norm(struct loader *l, enum model_vector gain, uint32_t layer,
                      struct norm_args *out)
{
    const struct model_shape *s = &l->model->shape;
    *out = (struct norm_args){ .eps = s->norm_eps, .kind = s->norm, .groups = 1 };
    return load_vector(l, gain, layer, &out->gain)
           && load_vector(l, (enum model_vector)(gain + 1), layer, &out->bias);
}

// The norm of each of n_heads heads of q or k, or of all of them together.
static bool load_head_norm(struct loader *l, enum model_vector gain, uint32_t layer,
                           uint32_t n_heads, struct norm_args *out)
{
    *out = (struct norm_args){ .eps = l->model->shape.norm_eps,
                               .kind = NORM_RMS,
                               .groups = l->model->shape.qk_norm == QK_NORM_WHOLE ? 1 : n_heads };
    return load_vector(l, gain, layer, &out->gain);
}

// A matrix source whose first logical row (of k) changes sign on its way to the device.
static bool read_damaged(void *context, uint32_t first, uint32_t count, float *out,
                         struct abl_err *err)
{
    const struct matrix_source *true_source = context;
    if (!true_source->read(true_source->context, first, count, out, err))
        return false;
    size_t columns = true_source->out_in ? true_source->k : true_source->n;
    if (true_source->out_in)
        for (size_t row = 0; row < count; row++)
            out[row * columns] = -out[row * columns];
    else if (first == 0)
        for (size_t i = 0; i < columns; i++)
            out[i] = -out[i];
    return true;
}

// Columns [first, first + n) of another source.
struct weight_columns {
    struct matrix_source whole;
    uint32_t first, n;
};

static bool read_columns(void *context, uint32_t first, uint32_t count, float *out,
                         struct abl_err *err)
{
    const struct weight_columns *c = context;
    const struct matrix_source *whole = &c->whole;
    if (whole->out_in) // a file row is a column
        return whole->read(whole->context, c->first + first, count, out, err);
    float *rows = malloc((size_t)count * whole->n * sizeof *rows);
    if (!rows)
        return abl_no_memory(err);
    bool ok = whole->read(whole->context, first, count, rows, err);
    for (uint32_t i = 0; ok && i < count; i++)
        memcpy(out + (size_t)i * c->n, rows + (size_t)i * whole->n + c->first, c->n * sizeof *out);
    free(rows);
    return ok;
}

static struct matrix_source source_of(const struct loader *l, enum model_matrix which,
                                      uint32_t layer)
{
    struct matrix_source s;
    model_matrix_source(l->model, which, layer, &s);
    s.stays = l->weights->s.stored;
    return s;
}

// q, or k and v: of which the last layer needs the one for fewer rows than the others.
static bool load_qkv(struct loader *l, uint32_t layer, struct layer_weights *w)
{
    struct weight_columns *parts = l->weights->qkv + 2 * (size_t)layer;
    struct weight **weights[] = { &w->q, &w->kv };
    struct matrix_source whole = source_of(l, MATRIX_QKV, layer);
    uint32_t n_q = l->model->shape.n_heads * l->model->shape.d_head, n_kv = whole.n - n_q;
    parts[0] = (struct weight_columns){ whole, 0, n_q };
    parts[1] = (struct weight_columns){ whole, n_q, n_kv };
    for (size_t i = 0; i < 2; i++) {
        struct matrix_source part = whole;
        part.read = read_columns;
        part.context = &parts[i];
        part.n = parts[i].n;
        if (!l->engine->ops->weight_new(l->engine, &part, weights[i], l->err))
            return false;
    }
    if (!load_vector(l, VECTOR_QKV_BIAS, layer, &w->qkv_bias))
        return false;
    if (w->qkv_bias.buffer) {
        w->q_bias = tensor_cols(w->qkv_bias, 0, n_q);
        w->kv_bias = tensor_cols(w->qkv_bias, n_q, n_kv);
    }
    return true;
}

static bool load_matrix(struct loader *l, enum model_matrix which, uint32_t layer,
                        struct weight **out)
{
    struct matrix_source source = source_of(l, which, layer);
    if (l->weights->s.flags & WEIGHTS_DAMAGED && which == MATRIX_OUT && layer == 0) {
        l->weights->undamaged = source;
        source.read = read_damaged;
        source.context = &l->weights->undamaged;
    }
    return l->engine->ops->weight_new(l->engine, &source, out, l->err);
}

static bool load_layer(struct loader *l, uint32_t layer, struct layer_weights *w)
{
    const struct model_shape *s = &l->model->shape;
    w->attn_scale = s->attn_scale ? 1.0f / sqrtf((float)s->d_head) : 1.0f;
    if (s->attn_scale_layer)
        w->attn_scale /= (float)(layer + 1);
    if (s->score_scale > 0)
        w->attn_scale = (float)s->score_scale;
    return load_norm(l, VECTOR_LN1_GAIN, layer, &w->ln1) && load_qkv(l, layer, w)
           && load_head_norm(l, VECTOR_Q_NORM, layer, s->n_heads, &w->q_norm)
           && load_head_norm(l, VECTOR_K_NORM, layer, s->n_kv_heads, &w->k_norm)
           && load_matrix(l, MATRIX_OUT, layer, &w->out)
           && load_vector(l, VECTOR_OUT_BIAS, layer, &w->out_bias)
           && load_norm(l, VECTOR_POST_ATTN_GAIN, layer, &w->post_attn)
           && load_norm(l, VECTOR_LN2_GAIN, layer, &w->ln2)
           && (!s->gated || load_matrix(l, MATRIX_MLP_GATE, layer, &w->mlp_gate))
           && load_vector(l, VECTOR_MLP_GATE_BIAS, layer, &w->mlp_gate_bias)
           && load_matrix(l, MATRIX_MLP_IN, layer, &w->mlp_in)
           && load_vector(l, VECTOR_MLP_IN_BIAS, layer, &w->mlp_in_bias)
           && load_matrix(l, MATRIX_MLP_OUT, layer, &w->mlp_out)
           && load_vector(l, VECTOR_MLP_OUT_BIAS, layer, &w->mlp_out_bias)
           && load_norm(l, VECTOR_POST_MLP_GAIN, layer, &w->post_mlp);
}

// Spread the values of n_kv_heads heads over the n_heads query heads that read them.
static void spread_heads(const struct model_shape *s, const float *kv, float *out)
{
    uint32_t group = s->n_heads / s->n_kv_heads;
    for (uint32_t h = 0; h < s->n_heads; h++)
        for (uint32_t i = 0; i < s->d_head; i++)
            out[(size_t)h * s->d_head + i] = kv[(size_t)(h / group) * s->d_head + i];
}

// c_h = ln1 bias·W_V + b_V: the k | v product of a row that is the norm's bias, computed by the
// device itself. Where the norm has no bias it is b_V, and nothing where there is no b_V either.
static bool load_constant(struct loader *l, uint32_t layer)
{
    const struct model_shape *s = &l->model->shape;
    const struct engine_ops *ops = l->engine->ops;
    const struct layer_weights *w = &l->weights->layers[layer];
    uint32_t n = s->n_kv_heads * s->d_head;
    float *v = l->weights->host, *z = v + n;
    struct epilogue with_bias = { .bias = w->kv_bias };
    struct tensor kv = { 0 }, from = w->kv_bias;
    memset(v, 0, n * sizeof *v);
    bool ok = true;
    if (w->ln1.bias.buffer) {
        ok = ops->alloc(l->engine, 1, 2 * n, &kv, l->err)
             && ops->linear(l->engine, kv, w->ln1.bias, w->kv, &with_bias, l->err);
        from = kv;
    }
    if (ok && from.buffer)
        ok = read_back(l->engine, tensor_cols(from, n, n), v, "constant parts of heads", l->err);
    spread_heads(s, v, z);
    ok = ok && ops->upload(l->engine, tensor_rows(l->weights->z_constant, layer, 1), z, l->err);
    if (kv.buffer)
        ops->release(l->engine, &kv);
    l->weights->has_constant[layer] = ok;
    return ok;
}

static bool load_rope(struct loader *l, const struct rope_shape *rope, uint32_t n_positions,
                      struct tensor *out)
{
    const struct engine_ops *ops = l->engine->ops;
    uint32_t n = rope->n_dims, half = n / 2;
    if (!n)
        return true;
    double scale = rope->scale, *frequencies = malloc(half * sizeof *frequencies);
    float *table = malloc((size_t)n_positions * n * sizeof *table);
    bool ok = (frequencies && table) || abl_no_memory(l->err);
    ok = ok && model_rope_frequencies(l->model, rope, frequencies, l->err);
    for (size_t p = 0; ok && p < n_positions; p++)
        for (size_t i = 0; i < half; i++) {
            double angle = (double)p * frequencies[i];
            table[p * n + i] = (float)(scale * cos(angle));
            table[p * n + half + i] = (float)(scale * sin(angle));
        }
    ok = ok && ops->alloc(l->engine, n_positions, n, out, l->err)
         && ops->upload(l->engine, *out, table, l->err);
    free(frequencies);
    free(table);
    return ok;
}

// Scores of ALiBi: slope times the key's position.
static bool load_lean(struct loader *l, uint32_t n_positions)
{
    const struct engine_ops *ops = l->engine->ops;
    uint32_t n = l->model->shape.n_heads;
    if (!l->model->shape.alibi)
        return true;
    float *table = malloc((size_t)n * n_positions * sizeof *table);
    for (uint32_t h = 0; table && h < n; h++)
        for (uint32_t p = 0; p < n_positions; p++)
            table[(size_t)h * n_positions + p] = (float)(alibi_slope(n, h) * p);
    bool ok = (table || abl_no_memory(l->err))
              && ops->alloc(l->engine, n, n_positions, &l->weights->lean, l->err)
              && ops->upload(l->engine, l->weights->lean, table, l->err);
    free(table);
    return ok;
}

// The longest vector, or a row of z behind its values per kv head.
static size_t host_floats(const struct model_shape *s)
{
    size_t longest = 2 * (size_t)s->n_heads * s->d_head;
    for (int v = VECTOR_LN1_GAIN; v <= VECTOR_EMBED_BIAS; v++) {
        size_t n = model_vector_len(s, (enum model_vector)v);
        longest = n > longest ? n : longest;
    }
    return longest;
}

static bool load_ropes(struct loader *l, uint32_t n_positions)
{
    const struct model_shape *s = &l->model->shape;
    return load_rope(l, &s->rope, n_positions, &l->weights->rope)
           && load_rope(l, &s->rope_local, n_positions, &l->weights->rope_local);
}

static bool open_into(struct weights *w, struct abl_err *err)
{
    const struct model_shape *s = &w->s.model->shape;
    struct loader l = { w->s.engine, w->s.model, w, err };
    w->layers = arena_alloc(&w->arena, s->n_layers, sizeof *w->layers);
    w->has_constant = arena_alloc(&w->arena, s->n_layers, sizeof *w->has_constant);
    w->host = arena_alloc(&w->arena, host_floats(s), sizeof *w->host);
    w->qkv = arena_alloc(&w->arena, 2 * (size_t)s->n_layers, sizeof *w->qkv);
    if (!w->layers || !w->has_constant || !w->host || !w->qkv)
        return abl_no_memory(err);
    w->logits.cap = s->logit_cap;
    return load_norm(&l, VECTOR_FINAL_GAIN, 0, &w->final)
           && load_matrix(&l, MATRIX_UNEMBED, 0, &w->unembed)
           && load_vector(&l, VECTOR_UNEMBED_BIAS, 0, &w->logits.bias)
           && load_ropes(&l, w->s.n_positions) && load_lean(&l, w->s.n_positions)
           && w->s.engine->ops->alloc(w->s.engine, s->n_layers, s->n_heads * s->d_head,
                                      &w->z_constant, err);
}

bool weights_open(const struct weights_settings *s, struct weights **out, struct abl_err *err)
{
    struct weights *w = calloc(1, sizeof *w);
    if (!w)
        return abl_no_memory(err);
    *w = (struct weights){ .s = *s, .streamed_layer = NO_STREAMED_LAYER };
    if (!s->stored)
        w->first_kept
            = weights_fit_of(&s->model->shape, s->engine->info.precision, s->mem).n_streamed;
    if (!open_into(w, err)) {
        weights_free(w);
        return false;
    }
    *out = w;
    return true;
}

static void release(struct engine *e, struct tensor *t)
{
    if (t->buffer)
        e->ops->release(e, t);
}

static void free_layer(struct engine *e, struct layer_weights *w)
{
    struct tensor *vectors[]
        = { &w->ln1.gain,       &w->ln1.bias,      &w->ln2.gain,     &w->ln2.bias,
            &w->q_norm.gain,    &w->k_norm.gain,   &w->qkv_bias,     &w->out_bias,
            &w->mlp_gate_bias,  &w->mlp_in_bias,   &w->mlp_out_bias, &w->post_attn.gain,
            &w->post_attn.bias, &w->post_mlp.gain, &w->post_mlp.bias };
    struct weight *matrices[] = { w->q, w->kv, w->out, w->mlp_gate, w->mlp_in, w->mlp_out };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        release(e, vectors[i]);
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        if (matrices[i])
            e->ops->weight_free(e, matrices[i]);
    *w = (struct layer_weights){ 0 };
}

bool weights_reach(struct weights *w, uint32_t n_positions, struct abl_err *err)
{
    struct loader l = { w->s.engine, w->s.model, w, err };
    if (n_positions <= w->s.n_positions)
        return true;
    release(w->s.engine, &w->rope);
    release(w->s.engine, &w->rope_local);
    if (!load_ropes(&l, n_positions))
        return false;
    w->s.n_positions = n_positions;
    return true;
}

// A layer that failed half-way is given back, so that q alone says whether it is there.
static bool load(struct weights *w, uint32_t layer, struct abl_err *err)
{
    struct loader l = { w->s.engine, w->s.model, w, err };
    if (load_layer(&l, layer, &w->layers[layer])
        && (w->has_constant[layer] || load_constant(&l, layer)))
        return true;
    free_layer(w->s.engine, &w->layers[layer]);
    return false;
}

bool weights_layer(struct weights *w, uint32_t layer, const struct layer_weights **out,
                   struct abl_err *err)
{
    if (!w->layers[layer].q) {
        bool visits = layer < w->first_kept;
        if (visits && w->streamed_layer != NO_STREAMED_LAYER) {
            free_layer(w->s.engine, &w->layers[w->streamed_layer]);
            w->streamed_layer = NO_STREAMED_LAYER;
        }
        if (!load(w, layer, err))
            return false;
        if (visits)
            w->streamed_layer = layer;
    }
    *out = &w->layers[layer];
    return true;
}

void weights_free(struct weights *w)
{
    if (!w)
        return;
    struct engine *e = w->s.engine;
    for (uint32_t i = 0; w->layers && i < w->s.model->shape.n_layers; i++)
        free_layer(e, &w->layers[i]);
    release(e, &w->final.gain);
    release(e, &w->final.bias);
    release(e, &w->logits.bias);
    release(e, &w->rope);
    release(e, &w->rope_local);
    release(e, &w->lean);
    release(e, &w->z_constant);
    if (w->unembed)
        e->ops->weight_free(e, w->unembed);
    arena_release(&w->arena);
    free(w);
}
