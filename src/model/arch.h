// What tells one family of transformers from another: a row of a table. Nothing else asks for a family's name.
#ifndef ABL_MODEL_ARCH_H
#define ABL_MODEL_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

enum { N_MATRICES = MATRIX_UNEMBED + 1, N_VECTORS = VECTOR_FINAL_BIAS + 1 };

// The whole numbers of config.json.
enum arch_count {
    COUNT_VOCAB,
    COUNT_CTX,
    COUNT_WIDTH,
    COUNT_LAYERS,
    COUNT_HEADS,
    COUNT_KV_HEADS, // default 0: as many as heads
    COUNT_HEAD_DIM, // default 0: width / heads
    COUNT_MLP,      // default 0: 4 · width
    N_COUNTS,
};

enum arch_flag {
    FLAG_SCALE_ATTN,       // divide q·k by sqrt(d_head)
    FLAG_SCALE_ATTN_LAYER, // and by layer + 1
    FLAG_TIED,             // W_U is W_E transposed
    N_FLAGS,
};

// Where config.json keeps a value, and the class default for an absent key. key NULL: always the default.
struct arch_count_key {
    const char *key, *older; // older spelling or NULL
    uint32_t absent;
};

struct arch_flag_key {
    const char *key;
    bool absent;
};

struct arch {
    const char *model_type; // as config.json names it
    struct arch_count_key counts[N_COUNTS];
    struct arch_flag_key flags[N_FLAGS];
    const char *eps_key, *act_key;
    float eps;
    enum act act;
    const char *refused
        [4]; // flags that may not be true: they change the computation in ways not built here

    const char *prefixes[4]; // before every tensor name, the first with an embedding wins
    const char *embed, *position_embed; // tensor names; position_embed NULL: no learned positions
    const char *unembed;                // without a prefix; where tied it may be absent
    const char *matrices[N_MATRICES];   // "{}" is the layer number; MATRIX_UNEMBED stays NULL
    const char *vectors[N_VECTORS];     // NULL: the family has none
    const char *layer_stem;             // what the names of a layer begin with
    bool conv1d;                        // matrices are stored (in, out)
};

// The row for config.json's model_type; NULL when it is not known.
const struct arch *arch_find(const char *model_type);

// "gpt2, …" into out, for messages.
void arch_names(char *out, size_t size);

// Write a tensor's name for a layer ("{}" replaced), behind a prefix, into out.
void arch_tensor_name(const char *prefix, const char *pattern, uint32_t layer, char *out,
                      size_t size);

// Whether a tensor's name (without prefix) is one of a layer's; *layer is its number, UINT32_MAX at most.
bool arch_layer_of(const struct arch *a, const char *name, uint32_t *layer);

#endif
