// The shape of a transformer: its sizes, what kinds of parts it has, and which weights.
#ifndef ABL_MODEL_SHAPE_H
#define ABL_MODEL_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/matrix.h"

enum { MODEL_MAX_LAYERS = 512, MODEL_MAX_WIDTH = 1 << 17 };

// Where a block norms: what its modules read, what they give before it is added, or both.
enum norm_place { NORM_BEFORE, NORM_AFTER, NORM_BOTH };

// What is normed (RMS) of q and of k before they are turned.
enum qk_norm { QK_NORM_NONE, QK_NORM_HEADS, QK_NORM_WHOLE };

enum rope_kind { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN, ROPE_LONG };

enum { MAX_LONG_PAIRS = 256 };

// Rotary positions (Su et al. 2021) and how their frequencies are stretched beyond the
// context of training.
struct rope_shape {
    uint32_t n_dims; // the first of each head's, in pairs; 0: the model has learned positions
    enum rope_kind kind;
    double theta, factor;
    double original_ctx;
    double low_freq_factor, high_freq_factor; // llama3
    double beta_fast, beta_slow;              // yarn (Peng et al. 2023)
    bool truncate;                            // yarn: ramp between whole dimensions
    double scale; // of cosines and sines: yarn's and long's attention factor, else 1
    double divisors[MAX_LONG_PAIRS]; // long (Ding et al. 2024): of each pair's frequency
};

struct model_shape {
    char arch[32]; // "gpt2"
    uint32_t n_layers, n_heads, n_kv_heads, d_head, d_model, d_mlp, n_ctx;
    uint32_t n_vocab; // rows of the unembedding; ids at or above it do not exist
    float norm_eps;
    enum norm_kind norm;
    enum norm_place norm_place;
    enum act act;
    bool gated;    // the MLP is act(x·W_gate) x·W_in
    bool parallel; // attention and MLP read the same residual stream
    enum qk_norm qk_norm;
    bool norm_bias;  // LayerNorms have one
    bool embed_norm; // a LayerNorm of W_E's rows, before all else
    bool alibi;      // scores lean with the key's position (Press et al. 2022)
    bool qkv_bias, out_bias, mlp_bias, unembed_bias;
    struct rope_shape rope;
    struct rope_shape rope_local;    // of layers that slide; n_dims 0: as the others
    bool unplaced[MODEL_MAX_LAYERS]; // layers without positions
    uint32_t window; // tokens that a sliding layer's query sees, itself included; 0: all
    bool slides[MODEL_MAX_LAYERS]; // with a window: the layers that it holds for
    bool attn_scale;               // divide q·k by sqrt(d_head)
    bool attn_scale_layer;         // and by layer + 1 (scale_attn_by_inverse_layer_idx)
    double score_scale;            // above 0: multiply q·k by it instead
    float score_cap, logit_cap;    // above 0: x becomes cap · tanh(x / cap)
    float embed_scale;             // W_E enters times it
    float residual_scale;          // so do the modules' outputs
    float logit_scale;             // and the final norm's output the unembedding
    bool tied;                     // W_U is W_E transposed
    bool has_value_bias;           // b_V or ln1 bias: folded and head value bias differ
};

// A layer's rotary positions; n_dims 0: it has none.
static inline const struct rope_shape *shape_rope(const struct model_shape *s, uint32_t layer)
{
    static const struct rope_shape none = { 0 };
    if (s->unplaced[layer])
        return &none;
    return s->rope_local.n_dims && s->slides[layer] ? &s->rope_local : &s->rope;
}

static inline bool norms_before(const struct model_shape *s)
{
    return s->norm_place != NORM_AFTER;
}

static inline bool norms_after(const struct model_shape *s)
{
    return s->norm_place != NORM_BEFORE;
}

// b_V, or a bias of the norm that values are made from.
static inline bool shape_has_value_bias(const struct model_shape *s)
{
    return s->qkv_bias || (s->norm_bias && norms_before(s));
}

// Where a matrix of the model lies. n_layers of most of them.
enum model_matrix {
    MATRIX_QKV, // q | k | v
    MATRIX_OUT,
    MATRIX_MLP_GATE,
    MATRIX_MLP_IN,
    MATRIX_MLP_OUT,
    MATRIX_UNEMBED,
};
enum model_vector {
    VECTOR_LN1_GAIN,
    VECTOR_LN1_BIAS,
    VECTOR_QKV_BIAS,
    VECTOR_Q_NORM,
    VECTOR_K_NORM,
    VECTOR_OUT_BIAS,
    VECTOR_POST_ATTN_GAIN, // of the norms behind attention and MLP
    VECTOR_POST_ATTN_BIAS,
    VECTOR_LN2_GAIN,
    VECTOR_LN2_BIAS,
    VECTOR_MLP_GATE_BIAS,
    VECTOR_MLP_IN_BIAS,
    VECTOR_MLP_OUT_BIAS,
    VECTOR_POST_MLP_GAIN,
    VECTOR_POST_MLP_BIAS,
    VECTOR_FINAL_GAIN,
    VECTOR_FINAL_BIAS,
    VECTOR_UNEMBED_BIAS, // (n_vocab)
    VECTOR_EMBED_GAIN,
    VECTOR_EMBED_BIAS,
};

#endif
