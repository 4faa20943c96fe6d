// A model's weights on a device, as the forward pass names them. Where they are larger than the
// memory that they may take, the last layers stay and the others come and go one at a time: a
// variant that branches at layer l needs only l and those behind it.
#ifndef ABL_FORWARD_WEIGHTS_H
#define ABL_FORWARD_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/engine.h"
#include "model/model.h"
#include "plan/weights_fit.h"

// One block. Vectors are (1, n); a missing one is the zero tensor, and a norm without a gain is
// none.
struct layer_weights {
    struct norm_args ln1, ln2;            // of (1, d_model)
    struct norm_args post_attn, post_mlp; // of what the modules give
    struct norm_args q_norm, k_norm;      // of (1, d_head), a head each, or of all heads together
    struct tensor qkv_bias;               // (1, (n_heads + 2 n_kv_heads) * d_head)
    struct tensor q_bias, kv_bias;        // its columns, borrowed
    // (1, columns of the matrix)
    struct tensor out_bias, mlp_gate_bias, mlp_in_bias, mlp_out_bias;
    struct weight *q;        // (d_model, n_heads * d_head); NULL: not loaded
    struct weight *kv;       // (d_model, 2 n_kv_heads * d_head): k | v
    struct weight *out;      // (n_heads * d_head, d_model)
    struct weight *mlp_gate; // (d_model, d_mlp); NULL where the MLP is not gated
    struct weight *mlp_in;   // (d_model, d_mlp)
    struct weight *mlp_out;  // (d_mlp, d_model)
    float attn_scale;        // of q·k
};

enum weights_flags {
    WEIGHTS_DAMAGED = 1 << 0, // negate the first row of layer 0's W_O: what `verify` must notice
};

struct weights_settings {
    struct engine *engine;     // borrowed for the weights' life
    const struct model *model; // likewise
    uint32_t n_positions;      // of the longest prompt
    uint64_t mem;              // bytes that matrices may take
    bool stored;               // they take none: they stay in the model's files
    unsigned flags;
};

struct weights {
    struct weights_settings s;
    struct layer_weights *layers;
    uint32_t first_kept;     // layers from here on stay once they are loaded
    uint32_t streamed_layer; // the loaded one of those before, NO_STREAMED_LAYER = none
    struct norm_args final;
    struct weight *unembed;   // (d_model, n_vocab)
    struct logit_args logits; // what becomes of what it gives
    // (n_positions, rope.n_dims) cosines | sines; none with learned positions; and those of layers
    // that slide, where they are others
    struct tensor rope, rope_local;
    struct tensor lean; // (n_heads, n_positions) of ALiBi, or none
    // c_h of every head, what z_h is when the norm's output is its bias alone: (n_layers, n_heads *
    // d_head). A layer's row is there once the layer has been loaded.
    struct tensor z_constant;
    bool *has_constant;             // (n_layers)
    struct weight_columns *qkv;     // (n_layers, 2): of q, and of k and v, in the files
    struct matrix_source undamaged; // with WEIGHTS_DAMAGED
    float *host;                    // room for the longest vector, and for a row of z twice
    struct arena arena;
};

// Load what stays but the layers, which follow when they are first asked for. Owned by the caller:
// weights_free.
bool weights_open(const struct weights_settings *s, struct weights **out, struct abl_err *err);
void weights_free(struct weights *w);

// See to it that positions up to this many can be turned.
bool weights_reach(struct weights *w, uint32_t n_positions, struct abl_err *err);

// A layer, loaded if it is not there. Another one may be dropped: use it before asking for the
// next.
bool weights_layer(struct weights *w, uint32_t layer, const struct layer_weights **out,
                   struct abl_err *err);

#endif
