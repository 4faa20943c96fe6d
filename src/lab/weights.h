// A model's weights on a device, as the forward pass names them.
#ifndef ABL_LAB_WEIGHTS_H
#define ABL_LAB_WEIGHTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/engine.h"
#include "model/model.h"

// One pre-norm block. Vectors are (1, n); a missing one is the zero tensor.
struct layer_weights {
    struct norm_args ln1, ln2;       // of (1, d_model)
    struct norm_args q_norm, k_norm; // of (1, d_head), a head each; gain none: the family has none
    struct tensor qkv_bias, out_bias, mlp_gate_bias, mlp_in_bias,
        mlp_out_bias;        // (1, columns of the matrix)
    struct weight *qkv;      // (d_model, (n_heads + 2 n_kv_heads) * d_head): q | k | v
    struct weight *out;      // (n_heads * d_head, d_model)
    struct weight *mlp_gate; // (d_model, d_mlp); NULL where the MLP is not gated
    struct weight *mlp_in;   // (d_model, d_mlp)
    struct weight *mlp_out;  // (d_mlp, d_model)
    float attn_scale;        // of q·k
};

struct weights {
    struct engine *engine; // borrowed
    struct layer_weights *layers;
    uint32_t n_layers;
    struct norm_args final;
    struct weight *unembed; // (d_model, n_vocab)
    struct tensor rope; // (n_positions, rope.n_dims) cosines | sines; none with learned positions
    // c_h of every head, what z_h is when the norm's output is its bias alone: (n_layers, n_heads * d_head).
    struct tensor z_constant;
    struct arena arena;
};

enum weights_flags {
    WEIGHTS_DAMAGED = 1 << 0, // negate the first row of layer 0's W_O: what `verify` must notice
};

// Load everything; engine and model are borrowed for the weights' life. n_positions: of the longest prompt.
// Owned by the caller: weights_free.
bool weights_load(struct engine *engine, const struct model *model, uint32_t n_positions,
                  unsigned flags, struct weights **out, struct abl_err *err);
void weights_free(struct weights *w);

#endif
