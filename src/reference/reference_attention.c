#include "reference/reference_attention.h"

#include "model/rope.h"

void exact_place(const struct model_shape *s, const struct exact_layer *l, double *qkv,
                 size_t position)
{
    if (s->qk_norm == QK_NORM_WHOLE) {
        double *k = qkv + exact_q_cols(s);
        exact_norm_row(qkv, qkv, exact_q_cols(s), &l->q_norm);
        exact_norm_row(k, k, exact_kv_cols(s), &l->k_norm);
    }
    for (size_t h = 0; h < s->n_heads + s->n_kv_heads; h++) {
        double *head = qkv + h * s->d_head;
        if (s->qk_norm == QK_NORM_HEADS)
            exact_norm_row(head, head, s->d_head, h < s->n_heads ? &l->q_norm : &l->k_norm);
        exact_turn(head, l->rope, l->frequencies, position);
    }
}

size_t exact_first_seen(const struct model_shape *s, const struct exact_layer *l, size_t i)
{
    size_t window = s->window && s->slides[l->index] ? s->window : SIZE_MAX;
    return i + 1 > window ? i + 1 - window : 0;
}

struct exact_attention exact_attention_of(const struct model_shape *s, const struct exact_layer *l,
                                          const double *qkv, size_t i, size_t h)
{
    size_t stride = exact_q_cols(s) + 2 * exact_kv_cols(s), group = s->n_heads / s->n_kv_heads;
    size_t first = exact_first_seen(s, l, i);
    const double *k = qkv + first * stride + exact_q_cols(s) + h / group * s->d_head;
    return (struct exact_attention){ .q = qkv + i * stride + h * s->d_head,
                                     .k = k,
                                     .v = k + exact_kv_cols(s),
                                     .n_seen = i + 1 - first,
                                     .stride = stride,
                                     .d_head = s->d_head,
                                     .n_heads = s->n_heads,
                                     .scale = l->attn_scale,
                                     .cap = (double)s->score_cap,
                                     .lean = s->alibi ? alibi_slope(s->n_heads, (uint32_t)h) : 0 };
}
