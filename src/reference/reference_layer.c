#include "reference/reference_layer.h"

#include <math.h>
#include <stdlib.h>

// c_h = b_V + ln1 bias·W_V of the kv head that query head h reads.
static bool find_constants(const struct model_shape *s, struct exact_layer *l, struct abl_err *err)
{
    size_t group = s->n_heads / s->n_kv_heads;
    double *bias = exact_doubles(&l->arena, s->d_model, 1, err);
    double *qkv = exact_doubles(&l->arena, l->qkv.n, 1, err);
    l->constant = exact_doubles(&l->arena, exact_q_cols(s), 1, err);
    if (!bias || !qkv || !l->constant)
        return false;
    for (size_t i = 0; l->ln1.bias && i < s->d_model; i++)
        bias[i] = (double)l->ln1.bias[i];
    exact_times(qkv, bias, &l->qkv, l->qkv_bias);
    const double *v = qkv + exact_q_cols(s) + exact_kv_cols(s);
    for (size_t h = 0; h < s->n_heads; h++)
        for (size_t i = 0; i < s->d_head; i++)
            l->constant[h * s->d_head + i] = v[h / group * s->d_head + i];
    return true;
}

bool exact_read_layer(const struct model *m, uint32_t index, struct exact_layer *l,
                      struct abl_err *err)
{
    const struct model_shape *s = &m->shape;
    struct arena *a = &l->arena;
    l->index = index;
    l->attn_scale = s->attn_scale ? 1.0 / sqrt((double)s->d_head) : 1.0;
    if (s->attn_scale_layer)
        l->attn_scale /= index + 1.0;
    if (s->score_scale > 0)
        l->attn_scale = s->score_scale;
    l->rope = shape_rope(s, index);
    l->frequencies = exact_doubles(a, l->rope->n_dims / 2 + 1, 1, err);
    return l->frequencies
           && (!l->rope->n_dims || model_rope_frequencies(m, l->rope, l->frequencies, err))
           && exact_read_matrix(m, MATRIX_QKV, index, a, &l->qkv, err)
           && exact_read_matrix(m, MATRIX_OUT, index, a, &l->out, err)
           && (!s->gated || exact_read_matrix(m, MATRIX_MLP_GATE, index, a, &l->mlp_gate, err))
           && exact_read_matrix(m, MATRIX_MLP_IN, index, a, &l->mlp_in, err)
           && exact_read_matrix(m, MATRIX_MLP_OUT, index, a, &l->mlp_out, err)
           && exact_read_norm(m, VECTOR_LN1_GAIN, true, index, a, &l->ln1, err)
           && exact_read_norm(m, VECTOR_LN2_GAIN, true, index, a, &l->ln2, err)
           && exact_read_norm(m, VECTOR_POST_ATTN_GAIN, true, index, a, &l->post_attn, err)
           && exact_read_norm(m, VECTOR_POST_MLP_GAIN, true, index, a, &l->post_mlp, err)
           && exact_read_norm(m, VECTOR_Q_NORM, false, index, a, &l->q_norm, err)
           && exact_read_norm(m, VECTOR_K_NORM, false, index, a, &l->k_norm, err)
           && exact_read_vector(m, VECTOR_QKV_BIAS, index, a, &l->qkv_bias, err)
           && exact_read_vector(m, VECTOR_OUT_BIAS, index, a, &l->out_bias, err)
           && exact_read_vector(m, VECTOR_MLP_GATE_BIAS, index, a, &l->mlp_gate_bias, err)
           && exact_read_vector(m, VECTOR_MLP_IN_BIAS, index, a, &l->mlp_in_bias, err)
           && exact_read_vector(m, VECTOR_MLP_OUT_BIAS, index, a, &l->mlp_out_bias, err)
           && find_constants(s, l, err);
}

bool exact_embed(const struct model *m, const struct prompt *p, double *x, struct abl_err *err)
{
    size_t d = m->shape.d_model;
    float *row = malloc(d * sizeof *row);
    bool ok = row || abl_no_memory(err);
    for (uint32_t i = 0; ok && i < p->n_ids; i++) {
        ok = model_embed(m, p->ids[i], i, row, err);
        for (size_t j = 0; ok && j < d; j++)
            x[i * d + j] = (double)row[j];
    }
    free(row);
    return ok;
}
