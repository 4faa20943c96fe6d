// Places in a layer where activations are edited and looked at: a row each.
#ifndef ABL_PLAN_SITE_H
#define ABL_PLAN_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "model/shape.h"

// How wide an activation is.
enum site_width {
    WIDTH_MODEL,    // d_model, no heads
    WIDTH_HEADS,    // d_head for each head
    WIDTH_KV_HEADS, // d_head for each kv head
    WIDTH_WEIGHTS,  // a column for each head
};

// In the order in which they are computed. q and k are those that meet each other (normed and
// turned by their positions where the model does that); pattern is what softmax makes of them, and
// has a row for each edge, a query and a key that it sees, and a column for each head; attn_out and
// mlp_out are module outputs, biases included. Constant behind SITE_, name, width.
#define SITE_ROWS(ROW)                                                                             \
    ROW(RESID_PRE, "resid_pre", WIDTH_MODEL)                                                       \
    ROW(Q, "q", WIDTH_HEADS)                                                                       \
    ROW(K, "k", WIDTH_KV_HEADS)                                                                    \
    ROW(V, "v", WIDTH_KV_HEADS)                                                                    \
    ROW(PATTERN, "pattern", WIDTH_WEIGHTS)                                                         \
    ROW(Z, "z", WIDTH_HEADS)                                                                       \
    ROW(ATTN_OUT, "attn_out", WIDTH_MODEL)                                                         \
    ROW(MLP_OUT, "mlp_out", WIDTH_MODEL)                                                           \
    ROW(RESID_POST, "resid_post", WIDTH_MODEL)

#define SITE_CONSTANT(id, name, width) SITE_##id,
enum site { SITE_ROWS(SITE_CONSTANT) N_SITES };
#undef SITE_CONSTANT

// "resid_pre", "q", …: as options, labels and tables spell it; a name_list.
const char *site_name(size_t site);

// Columns of a site, its heads, and columns of one head of it (0: it has no heads).
uint32_t site_cols(const struct model_shape *s, enum site site);
uint32_t site_heads(const struct model_shape *s, enum site site);
uint32_t site_head_cols(const struct model_shape *s, enum site site);

#endif
