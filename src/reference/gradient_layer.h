// One prompt in one layer with everything that is computed on the way, and the way back.
#ifndef ABL_REFERENCE_GRADIENT_LAYER_H
#define ABL_REFERENCE_GRADIENT_LAYER_H

#include "plan/gradient.h"
#include "reference/reference_attention.h"

// Activations of n tokens, a row each; or the derivatives with respect to them, where mlp_in is
// the MLP's part of resid_mid's and h, attn_raw and so on are met once.
struct exact_block {
    size_t n;
    double *resid_pre;           // (n, d_model)
    double *h;                   // (n, d_model) ln1's output
    double *raw, *qkv;           // (n, q | k | v) before norms and positions, and behind
    double *weights;             // (n, n, n_heads); the keys that a query does not see are 0
    double *z;                   // (n, n_heads * d_head)
    double *attn_raw, *attn_out; // (n, d_model) before and behind the norm behind attention
    double *mlp_in, *mlp_h;      // (n, d_model) before and behind ln2
    double *gate, *up, *neurons; // (n, d_mlp); gate where the MLP has one
    double *mlp_raw, *mlp_out;   // (n, d_model)
    double *resid_post;          // (n, d_model)
};

// Room for n tokens in the arena, all 0.
bool exact_block_init(struct exact_block *b, const struct model_shape *s, size_t n, struct arena *a,
                      struct abl_err *err);

// From resid_pre to resid_post.
void exact_block_run(struct exact_block *b, const struct model_shape *s,
                     const struct exact_layer *l);

// From d->resid_post to d->resid_pre; the rest of d is 0.
void exact_block_back(struct exact_block *d, const struct exact_block *b,
                      const struct model_shape *s, const struct exact_layer *l);

// Where a site of enum site or beyond lies: rows of gradient_site_cols numbers, *stride apart, n of
// them or, of patterns, n * n.
double *exact_block_site(const struct exact_block *b, const struct model_shape *s, size_t site,
                         size_t *stride);

#endif
