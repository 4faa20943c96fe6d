#include "lab/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct loader {
    struct engine *engine;
    const struct model *model;
    struct weights *weights;
    unsigned flags;
    float *host; // room for the longest vector
    struct abl_err *err;
};

static bool load_vector(struct loader *l, enum model_vector which, uint32_t layer,
                        struct tensor *out)
{
    uint32_t n = model_vector_len(&l->model->shape, which);
    if (!n)
        return true; // this family has none
    const struct engine_ops *ops = l->engine->ops;
    return model_read_vector(l->model, which, layer, l->host, l->err)
           && ops->alloc(l->engine, 1, n, out, l->err)
           && ops->upload(l->engine, *out, l->host, l->err);
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

// The norm of each of n_heads heads of q or k.
static bool load_head_norm(struct loader *l, enum model_vector gain, uint32_t layer,
                           uint32_t n_heads, struct norm_args *out)
{
    *out = (struct norm_args){ .eps = l->model->shape.norm_eps,
                               .kind = NORM_RMS,
                               .groups = n_heads };
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

static bool load_matrix(struct loader *l, enum model_matrix which, uint32_t layer,
                        struct weight **out)
{
    struct matrix_source source, true_source;
    model_matrix_source(l->model, which, layer, &source);
    if (l->flags & WEIGHTS_DAMAGED && which == MATRIX_OUT && layer == 0) {
        true_source = source;
        source.read = read_damaged;
        source.context = &true_source;
    }
    return l->engine->ops->weight_new(l->engine, &source, out, l->err);
}

static bool load_layer(struct loader *l, uint32_t layer, struct layer_weights *w)
{
    const struct model_shape *s = &l->model->shape;
    w->attn_scale = s->attn_scale ? 1.0f / sqrtf((float)s->d_head) : 1.0f;
    if (s->attn_scale_layer)
        w->attn_scale /= (float)(layer + 1);
    return load_norm(l, VECTOR_LN1_GAIN, layer, &w->ln1)
           && load_matrix(l, MATRIX_QKV, layer, &w->qkv)
           && load_vector(l, VECTOR_QKV_BIAS, layer, &w->qkv_bias)
           && load_head_norm(l, VECTOR_Q_NORM, layer, s->n_heads, &w->q_norm)
           && load_head_norm(l, VECTOR_K_NORM, layer, s->n_kv_heads, &w->k_norm)
           && load_matrix(l, MATRIX_OUT, layer, &w->out)
           && load_vector(l, VECTOR_OUT_BIAS, layer, &w->out_bias)
           && load_norm(l, VECTOR_LN2_GAIN, layer, &w->ln2)
           && (!s->gated || load_matrix(l, MATRIX_MLP_GATE, layer, &w->mlp_gate))
           && load_vector(l, VECTOR_MLP_GATE_BIAS, layer, &w->mlp_gate_bias)
           && load_matrix(l, MATRIX_MLP_IN, layer, &w->mlp_in)
           && load_vector(l, VECTOR_MLP_IN_BIAS, layer, &w->mlp_in_bias)
           && load_matrix(l, MATRIX_MLP_OUT, layer, &w->mlp_out)
           && load_vector(l, VECTOR_MLP_OUT_BIAS, layer, &w->mlp_out_bias);
}

// Spread the values of n_kv_heads heads over the n_heads query heads that read them.
static void spread_heads(const struct model_shape *s, const float *kv, float *out)
{
    uint32_t group = s->n_heads / s->n_kv_heads;
    for (uint32_t h = 0; h < s->n_heads; h++)
        for (uint32_t i = 0; i < s->d_head; i++)
            out[(size_t)h * s->d_head + i] = kv[(size_t)(h / group) * s->d_head + i];
}

// c_h = ln1 bias·W_V + b_V: the qkv product of a row that is the norm's bias, computed by the device itself. Where the
// norm has no bias it is b_V, and nothing where there is no b_V either.
static bool load_constant(struct loader *l, const struct layer_weights *w, struct tensor qkv,
                          float *kv, float *z, struct tensor to)
{
    const struct model_shape *s = &l->model->shape;
    const struct engine_ops *ops = l->engine->ops;
    uint32_t first_v = (s->n_heads + s->n_kv_heads) * s->d_head, n_v = s->n_kv_heads * s->d_head;
    struct epilogue with_bias = { .bias = w->qkv_bias };
    struct tensor from = w->ln1.bias.buffer ? qkv : w->qkv_bias;
    memset(kv, 0, n_v * sizeof *kv);
    if (w->ln1.bias.buffer && !ops->linear(l->engine, qkv, w->ln1.bias, w->qkv, &with_bias, l->err))
        return false;
    if (from.buffer && !ops->download(l->engine, tensor_cols(from, first_v, n_v), kv, l->err))
        return false;
    spread_heads(s, kv, z);
    return ops->upload(l->engine, to, z, l->err);
}

static bool load_constants(struct loader *l)
{
    const struct model_shape *s = &l->model->shape;
    const struct engine_ops *ops = l->engine->ops;
    struct weights *w = l->weights;
    uint32_t n_z = s->n_heads * s->d_head, n_qkv = (s->n_heads + 2 * s->n_kv_heads) * s->d_head;
    struct tensor qkv = { 0 };
    float *host = malloc(2 * (size_t)n_z * sizeof *host);
    bool ok = (host || abl_no_memory(l->err))
              && ops->alloc(l->engine, s->n_layers, n_z, &w->z_constant, l->err)
              && ops->alloc(l->engine, 1, n_qkv, &qkv, l->err);
    for (uint32_t i = 0; ok && i < s->n_layers; i++)
        ok = load_constant(l, &w->layers[i], qkv, host, host + n_z,
                           tensor_rows(w->z_constant, i, 1));
    if (qkv.buffer)
        ops->release(l->engine, &qkv);
    free(host);
    return ok;
}

static bool load_rope(struct loader *l, uint32_t n_positions)
{
    const struct engine_ops *ops = l->engine->ops;
    uint32_t n = l->model->shape.rope.n_dims, half = n / 2;
    if (!n)
        return true;
    double scale = l->model->shape.rope.scale, *frequencies = malloc(half * sizeof *frequencies);
    float *table = malloc((size_t)n_positions * n * sizeof *table);
    bool ok = (frequencies && table) || abl_no_memory(l->err);
    ok = ok && model_rope_frequencies(l->model, frequencies, l->err);
    for (size_t p = 0; ok && p < n_positions; p++)
        for (size_t i = 0; i < half; i++) {
            double angle = (double)p * frequencies[i];
            table[p * n + i] = (float)(scale * cos(angle));
            table[p * n + half + i] = (float)(scale * sin(angle));
        }
    ok = ok && ops->alloc(l->engine, n_positions, n, &l->weights->rope, l->err)
         && ops->upload(l->engine, l->weights->rope, table, l->err);
    free(frequencies);
    free(table);
    return ok;
}

static size_t longest_vector(const struct model_shape *s)
{
    size_t longest = 0;
    for (int v = VECTOR_LN1_GAIN; v <= VECTOR_FINAL_BIAS; v++) {
        size_t n = model_vector_len(s, (enum model_vector)v);
        longest = n > longest ? n : longest;
    }
    return longest;
}

bool weights_load(struct engine *engine, const struct model *model, uint32_t n_positions,
                  unsigned flags, struct weights **out, struct abl_err *err)
{
    struct weights *w = calloc(1, sizeof *w);
    if (!w)
        return abl_no_memory(err);
    const struct model_shape *s = &model->shape;
    *w = (struct weights){ .engine = engine, .n_layers = s->n_layers };
    w->layers = arena_alloc(&w->arena, s->n_layers, sizeof *w->layers);
    struct loader l = { engine, model, w, flags, NULL, err };
    l.host = malloc(longest_vector(s) * sizeof *l.host);
    bool ok = (w->layers && l.host) || abl_no_memory(err);
    for (uint32_t i = 0; ok && i < s->n_layers; i++)
        ok = load_layer(&l, i, &w->layers[i]);
    ok = ok && load_norm(&l, VECTOR_FINAL_GAIN, 0, &w->final)
         && load_matrix(&l, MATRIX_UNEMBED, 0, &w->unembed) && load_rope(&l, n_positions)
         && load_constants(&l);
    free(l.host);
    if (!ok) {
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
    struct tensor *vectors[] = { &w->ln1.gain,    &w->ln1.bias,    &w->ln2.gain,      &w->ln2.bias,
                                 &w->q_norm.gain, &w->k_norm.gain, &w->mlp_gate_bias, &w->qkv_bias,
                                 &w->out_bias,    &w->mlp_in_bias, &w->mlp_out_bias };
    struct weight *matrices[] = { w->qkv, w->out, w->mlp_gate, w->mlp_in, w->mlp_out };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        release(e, vectors[i]);
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        if (matrices[i])
            e->ops->weight_free(e, matrices[i]);
}

void weights_free(struct weights *w)
{
    if (!w)
        return;
    struct engine *e = w->engine;
    for (uint32_t i = 0; w->layers && i < w->n_layers; i++)
        free_layer(e, &w->layers[i]);
    release(e, &w->final.gain);
    release(e, &w->final.bias);
    release(e, &w->rope);
    release(e, &w->z_constant);
    if (w->unembed)
        e->ops->weight_free(e, w->unembed);
    arena_release(&w->arena);
    free(w);
}
