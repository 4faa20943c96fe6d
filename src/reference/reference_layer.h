// A layer's weights as the reference multiplies by them.
#ifndef ABL_REFERENCE_REFERENCE_LAYER_H
#define ABL_REFERENCE_REFERENCE_LAYER_H

#include "reference/reference_math.h"
#include "text/prompt.h"

struct exact_layer {
    uint32_t index;
    struct matrix qkv, out, mlp_gate, mlp_in, mlp_out;
    struct exact_norm ln1, ln2, post_attn, post_mlp, q_norm, k_norm;         // gain NULL: none
    float *qkv_bias, *out_bias, *mlp_gate_bias, *mlp_in_bias, *mlp_out_bias; // NULL: none
    double *constant;              // c_h of every head: (n_heads * d_head)
    const struct rope_shape *rope; // the model's
    double *frequencies;           // (rope->n_dims / 2)
    double attn_scale;
    struct arena arena; // everything above
};

static inline size_t exact_q_cols(const struct model_shape *s)
{
    return (size_t)s->n_heads * s->d_head;
}

static inline size_t exact_kv_cols(const struct model_shape *s)
{
    return (size_t)s->n_kv_heads * s->d_head;
}

// Read a layer into an empty l, everything into l->arena, which the caller releases,
// also when it fails.
bool exact_read_layer(const struct model *m, uint32_t index, struct exact_layer *l,
                      struct abl_err *err);

// What enters layer 0: x (n_ids, d_model).
bool exact_embed(const struct model *m, const struct prompt *p, double *x, struct abl_err *err);

#endif
