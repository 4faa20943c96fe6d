// How a layer's tokens see one another: what stands between the product by W_QKV and z.
#ifndef ABL_REFERENCE_REFERENCE_ATTENTION_H
#define ABL_REFERENCE_REFERENCE_ATTENTION_H

#include <stddef.h>

#include "reference/reference_layer.h"

// Norm the heads of q and k of one token, and turn them by its position.
void exact_place(const struct model_shape *s, const struct exact_layer *l, double *qkv,
                 size_t position);

// The first token that token i of the layer sees.
size_t exact_first_seen(const struct model_shape *s, const struct exact_layer *l, size_t i);

// Head h at token i; qkv: (n_ids, q | k | v), borrowed.
struct exact_attention exact_attention_of(const struct model_shape *s, const struct exact_layer *l,
                                          const double *qkv, size_t i, size_t h);

#endif
