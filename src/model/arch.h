// What tells one family of transformers from another: a row of a table. Nothing else asks for a
// family's name.
#ifndef ABL_MODEL_ARCH_H
#define ABL_MODEL_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/shape.h"

enum { N_MATRICES = MATRIX_UNEMBED + 1, N_VECTORS = VECTOR_EMBED_BIAS + 1 };

// The whole numbers of config.json.
enum arch_count {
    COUNT_VOCAB,
    COUNT_CTX,
    COUNT_WIDTH,
    COUNT_LAYERS,
    COUNT_HEADS,
    COUNT_KV_HEADS, // 0: as many as heads
    COUNT_HEAD_DIM, // 0: width / heads
    COUNT_MLP,      // 0: 4 · width
    N_COUNTS,
};

enum arch_flag {
    FLAG_SCALE_ATTN,       // divide q·k by sqrt(d_head)
    FLAG_SCALE_ATTN_LAYER, // and by layer + 1
    FLAG_TIED,             // W_U is W_E transposed
    FLAG_PARALLEL,
    FLAG_QKV_BIAS,
    FLAG_OUT_BIAS,
    FLAG_MLP_BIAS,
    FLAG_UNEMBED_BIAS,
    FLAG_MULTI_QUERY, // one head of k and v, else as many as of q, whatever COUNT_KV_HEADS says
    N_FLAGS,
};

// Where config.json keeps a value, and the class default for an absent key. key NULL:
// always the default.
struct arch_count_key {
    const char *key, *wins; // wins: another spelling that overrules it, or NULL
    uint32_t absent;
    bool null_is_none; // null means 0; of other keys it is refused
};

struct arch_flag_key {
    const char *key;
    bool absent;
};

// Numbers of config.json that need not be whole; absent or null: the default, of which 0 is none.
enum arch_number {
    NUMBER_QUERY_SCALE, // q·k is divided by its square root
    NUMBER_SCORE_CAP,
    NUMBER_LOGIT_CAP,
    NUMBER_SCORE_SCALE, // q·k times it
    NUMBER_EMBED_SCALE, // W_E times it
    NUMBER_RESIDUAL_SCALE,
    NUMBER_LOGIT_DIVISOR,
    NUMBER_LOGIT_SCALE,
    N_NUMBERS,
};

struct arch_number_key {
    const char *key;
    double absent;
};

// Rotary positions in config.json, outside of rope_parameters. theta_key NULL: the family has
// learned positions.
struct arch_rope {
    const char *theta_key, *part_key; // part of a head that turns; key NULL: all of it
    double part, theta;               // where the keys are absent; theta 0: 10000
    // theta of layers that slide, 10000 where absent; where it is theta_key, the same theta, never
    // scaled; NULL: as the others
    const char *local_key;
    bool is_long;    // "longrope", and what else the class takes for it (Phi-3)
    bool is_counted; // theta_key counts the dimensions that turn, of base 10000 (GPT-J)
    double theta_v4; // where version 4's class has another one for an absent key
};

// Which layers have the sliding window that config.json gives.
enum arch_window {
    WINDOW_NONE,
    WINDOW_PLAIN, // "sliding_window" in all of them
    WINDOW_ALL,   // likewise, but for those that "layer_types" has full
    WINDOW_EACH,  // those of "layer_types", or all but each window_full-th one
    // those of "layer_types", or from "max_window_layers" on; none unless "use_sliding_window"
    WINDOW_LISTED,
    WINDOW_UNPLACED,  // those without positions; none unless "use_sliding_window" (SmolLM3)
    WINDOW_ATTENTION, // "window_size" in those that "attention_types" calls local (GPT-Neo)
};

// How the rows of q, k and v lie in the files.
enum row_order {
    ROWS_PLAIN, // q, k, v, each head by head
    // head of k by head of k, the heads of q that read it, k and v: [q_0; k_0; v_0; q_1; …] where
    // each has its own (GPT-NeoX)
    ROWS_BY_GROUP,
    // rows of q and k that turn together are neighbours: of the n that turn, file row 2i + j of a
    // head is row j · n/2 + i
    ROWS_PAIRED,
};

// Tensor names in one kind of file. "{}" is the layer number; "{q,k,v}" names one tensor each,
// whose rows follow one another. NULL: the family has none.
struct arch_tensors {
    const char *prefixes[5]; // before every name but unembed, the first with an embedding wins
    const char *embed, *position_embed;
    const char *unembed;     // where tied it may be absent
    uint32_t first_position; // row of position_embed that the first token takes
    const char *matrices[N_MATRICES];
    const char *vectors[N_VECTORS]; // a gain that has no name is 1 everywhere
    const char *layer_stem;         // what the names of a layer begin with
    enum row_order qkv_order;
    bool in_out;         // matrices are stored (in, out): Conv1D
    bool gains_less_one; // norms multiply by 1 + what is stored (Gemma)
    bool gate_up;        // W_gate and behind it W_in are one tensor (Phi-3)
    bool one_norm;       // beside each other attention and MLP read one norm, the first
};

struct arch {
    const char *model_type; // as config.json names it
    const char *gguf_type;  // as general.architecture does; NULL: there are no such files
    struct arch_count_key counts[N_COUNTS];
    struct arch_flag_key flags[N_FLAGS];
    struct arch_number_key numbers[N_NUMBERS];
    const char *eps_key, *act_key; // NULL: none
    float eps;
    enum norm_kind norm;
    bool no_norm_bias; // of LayerNorms
    enum norm_place norm_place;
    enum act act;
    bool act_is_tanh; // "gelu" means its approximation by tanh (Gemma's first files)
    bool gated;
    enum qk_norm qk_norm;
    bool embed_norm, alibi;
    bool embed_sqrt_width; // W_E enters times sqrt(width)
    struct arch_rope rope;
    enum arch_window window;
    uint32_t window_absent, window_full; // tokens where there is no key; see WINDOW_EACH
    const char *full_key;                // of config.json, for window_full; NULL: none
    bool has_unplaced;                   // "no_rope_layers" (SmolLM3)
    const char *word_width_key;          // of config.json: has to be the width (OPT); NULL: none
    bool full_unplaced;                  // layers that do not slide have no positions (Cohere 2)
    const struct arch_tensors *safetensors, *gguf;
};

// The row for config.json's model_type, or for a GGUF's general.architecture;
// NULL when it is not known.
const struct arch *arch_find(const char *model_type);
const struct arch *arch_find_gguf(const char *architecture);

// What a row says of every model of its family; s->d_model is known.
void arch_give_traits(const struct arch *a, struct model_shape *s);

// "gpt2, …" into out, for messages.
void arch_names(char *out, size_t size);

// Write a tensor's name for a layer ("{}" replaced) and a part ("{q,k,v}": 0 is q), behind a
// prefix, into out. False: the pattern has no such part.
bool arch_tensor_name(const char *prefix, const char *pattern, uint32_t layer, uint32_t part,
                      char *out, size_t size);

// Whether a tensor's name (without prefix) is one of a layer's; *layer is its number,
// UINT32_MAX at most.
bool arch_layer_of(const struct arch_tensors *t, const char *name, uint32_t *layer);

#endif
