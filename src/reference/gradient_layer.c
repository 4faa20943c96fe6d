#include "reference/gradient_layer.h"

#include <assert.h>
#include <string.h>

#include "reference/reference_back.h"

static size_t qkv_cols(const struct model_shape *s)
{
    return exact_q_cols(s) + 2 * exact_kv_cols(s);
}

bool exact_block_init(struct exact_block *b, const struct model_shape *s, size_t n, struct arena *a,
                      struct abl_err *err)
{
    const struct {
        double **at;
        size_t rows, cols;
    } parts[] = { { &b->resid_pre, n, s->d_model },   { &b->h, n, s->d_model },
                  { &b->raw, n, qkv_cols(s) },        { &b->qkv, n, qkv_cols(s) },
                  { &b->weights, n * n, s->n_heads }, { &b->z, n, exact_q_cols(s) },
                  { &b->attn_raw, n, s->d_model },    { &b->attn_out, n, s->d_model },
                  { &b->mlp_in, n, s->d_model },      { &b->mlp_h, n, s->d_model },
                  { &b->gate, n, s->d_mlp },          { &b->up, n, s->d_mlp },
                  { &b->neurons, n, s->d_mlp },       { &b->mlp_raw, n, s->d_model },
                  { &b->mlp_out, n, s->d_model },     { &b->resid_post, n, s->d_model } };
    b->n = n;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].at = exact_doubles(a, parts[i].rows, parts[i].cols, err);
        if (!*parts[i].at)
            return false;
    }
    return true;
}

// The weights that token i gives in head h to those it sees, from the first on.
static double *seen_weights(const struct exact_block *b, const struct model_shape *s,
                            const struct exact_layer *l, size_t i, size_t h)
{
    return b->weights + (i * b->n + exact_first_seen(s, l, i)) * s->n_heads + h;
}

static void attend(struct exact_block *b, const struct model_shape *s, const struct exact_layer *l)
{
    size_t d = s->d_model, cols = qkv_cols(s), n_q = exact_q_cols(s);
    for (size_t i = 0; i < b->n; i++) {
        exact_norm_row(b->h + i * d, b->resid_pre + i * d, d, &l->ln1);
        exact_times(b->raw + i * cols, b->h + i * d, &l->qkv, l->qkv_bias);
        memcpy(b->qkv + i * cols, b->raw + i * cols, cols * sizeof *b->qkv);
        exact_place(s, l, b->qkv + i * cols, i);
    }
    for (size_t i = 0; i < b->n; i++) {
        for (size_t h = 0; h < s->n_heads; h++) {
            struct exact_attention a = exact_attention_of(s, l, b->qkv, i, h);
            exact_weigh(seen_weights(b, s, l, i, h), &a);
            exact_mix(b->z + i * n_q + h * s->d_head, &a, seen_weights(b, s, l, i, h));
        }
        exact_times(b->attn_raw + i * d, b->z + i * n_q, &l->out, l->out_bias);
        exact_norm_row(b->attn_out + i * d, b->attn_raw + i * d, d, &l->post_attn);
    }
}

static void run_mlp(struct exact_block *b, const struct model_shape *s, const struct exact_layer *l)
{
    size_t d = s->d_model, d_mlp = s->d_mlp;
    for (size_t i = 0; i < b->n; i++) {
        double *gate = b->gate + i * d_mlp, *up = b->up + i * d_mlp;
        exact_norm_row(b->mlp_h + i * d, b->mlp_in + i * d, d, &l->ln2);
        exact_times(up, b->mlp_h + i * d, &l->mlp_in, l->mlp_in_bias);
        if (s->gated)
            exact_times(gate, b->mlp_h + i * d, &l->mlp_gate, l->mlp_gate_bias);
        for (size_t j = 0; j < d_mlp; j++)
            b->neurons[i * d_mlp + j] = s->gated ? exact_activate(s->act, gate[j]) * up[j]
                                                 : exact_activate(s->act, up[j]);
        exact_times(b->mlp_raw + i * d, b->neurons + i * d_mlp, &l->mlp_out, l->mlp_out_bias);
        exact_norm_row(b->mlp_out + i * d, b->mlp_raw + i * d, d, &l->post_mlp);
    }
}

void exact_block_run(struct exact_block *b, const struct model_shape *s,
                     const struct exact_layer *l)
{
    size_t n = b->n * s->d_model;
    attend(b, s, l);
    for (size_t i = 0; i < n; i++)
        b->mlp_in[i] = b->resid_pre[i] + (s->parallel ? 0 : b->attn_out[i]);
    run_mlp(b, s, l);
    for (size_t i = 0; i < n; i++)
        b->resid_post[i] = b->resid_pre[i] + b->attn_out[i] + b->mlp_out[i];
}

// From neurons to the two products that make them, where both are read.
static void neurons_back(double *dgate, double *dup, const struct exact_block *b,
                         const struct model_shape *s, const double *dneurons, size_t first)
{
    for (size_t j = 0; j < s->d_mlp; j++) {
        double gate = b->gate[first + j], up = b->up[first + j];
        if (s->gated) {
            dgate[j] = dneurons[j] * up * exact_activate_slope(s->act, gate);
            dup[j] = dneurons[j] * exact_activate(s->act, gate);
        } else {
            dup[j] = dneurons[j] * exact_activate_slope(s->act, up);
        }
    }
}

static void mlp_back(struct exact_block *d, const struct exact_block *b,
                     const struct model_shape *s, const struct exact_layer *l)
{
    size_t w = s->d_model, d_mlp = s->d_mlp;
    for (size_t i = 0; i < b->n; i++) {
        double *dgate = d->gate + i * d_mlp, *dup = d->up + i * d_mlp, *dh = d->mlp_h + i * w;
        exact_norm_back(d->mlp_raw + i * w, b->mlp_raw + i * w, d->mlp_out + i * w, w,
                        &l->post_mlp);
        exact_times_back(d->neurons + i * d_mlp, d->mlp_raw + i * w, &l->mlp_out);
        neurons_back(dgate, dup, b, s, d->neurons + i * d_mlp, i * d_mlp);
        exact_times_back(dh, dup, &l->mlp_in);
        if (s->gated)
            exact_add_times_back(dh, dgate, &l->mlp_gate);
        exact_norm_back(d->mlp_in + i * w, b->mlp_in + i * w, dh, w, &l->ln2);
    }
}

static void heads_back(struct exact_block *d, const struct exact_block *b,
                       const struct model_shape *s, const struct exact_layer *l, size_t i)
{
    size_t stride = qkv_cols(s), n_q = exact_q_cols(s), group = s->n_heads / s->n_kv_heads;
    for (size_t h = 0; h < s->n_heads; h++) {
        struct exact_attention a = exact_attention_of(s, l, b->qkv, i, h);
        double *dk = d->qkv + exact_first_seen(s, l, i) * stride + n_q + h / group * s->d_head;
        struct exact_attention_back back = { .z = d->z + i * n_q + h * s->d_head,
                                             .weights = seen_weights(d, s, l, i, h),
                                             .q = d->qkv + i * stride + h * s->d_head,
                                             .k = dk,
                                             .v = dk + exact_kv_cols(s) };
        exact_attention_back(&back, &a, seen_weights(b, s, l, i, h));
    }
}

// Adds what reaches resid_pre through attention.
static void attention_back(struct exact_block *d, const struct exact_block *b,
                           const struct model_shape *s, const struct exact_layer *l)
{
    size_t w = s->d_model, cols = qkv_cols(s);
    for (size_t i = 0; i < b->n; i++) {
        exact_norm_back(d->attn_raw + i * w, b->attn_raw + i * w, d->attn_out + i * w, w,
                        &l->post_attn);
        exact_times_back(d->z + i * exact_q_cols(s), d->attn_raw + i * w, &l->out);
        heads_back(d, b, s, l, i);
    }
    for (size_t i = 0; i < b->n; i++) {
        double *dh = d->h + i * w;
        memcpy(d->raw + i * cols, d->qkv + i * cols, cols * sizeof *d->raw);
        exact_place_back(s, l, d->raw + i * cols, b->raw + i * cols, i);
        exact_times_back(dh, d->raw + i * cols, &l->qkv);
        exact_norm_back(dh, b->resid_pre + i * w, dh, w, &l->ln1);
        for (size_t j = 0; j < w; j++)
            d->resid_pre[i * w + j] += dh[j];
    }
}

void exact_block_back(struct exact_block *d, const struct exact_block *b,
                      const struct model_shape *s, const struct exact_layer *l)
{
    size_t n = b->n * s->d_model;
    memcpy(d->mlp_out, d->resid_post, n * sizeof *d->mlp_out);
    mlp_back(d, b, s, l);
    for (size_t i = 0; i < n; i++) {
        d->resid_pre[i] = d->resid_post[i] + d->mlp_in[i];
        d->attn_out[i] = s->parallel ? d->resid_post[i] : d->resid_pre[i];
    }
    attention_back(d, b, s, l);
}

double *exact_block_site(const struct exact_block *b, const struct model_shape *s, size_t site,
                         size_t *stride)
{
    size_t n_q = exact_q_cols(s), n_kv = exact_kv_cols(s);
    double *const at[N_GRADIENT_SITES]
        = { [SITE_RESID_PRE] = b->resid_pre,   [SITE_Q] = b->qkv,
            [SITE_K] = b->qkv + n_q,           [SITE_V] = b->qkv + n_q + n_kv,
            [SITE_PATTERN] = b->weights,       [SITE_Z] = b->z,
            [SITE_ATTN_OUT] = b->attn_out,     [SITE_MLP_OUT] = b->mlp_out,
            [SITE_RESID_POST] = b->resid_post, [GRADIENT_MLP_IN] = b->mlp_in,
            [GRADIENT_NEURONS] = b->neurons };
    assert(site < N_GRADIENT_SITES);
    bool is_part = site == SITE_Q || site == SITE_K || site == SITE_V;
    *stride = is_part ? qkv_cols(s) : gradient_site_cols(s, site);
    return at[site];
}
