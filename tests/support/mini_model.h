// GPT-2 checkpoint folders of any shape, whole or spoilt in one place, whose every weight a test
// can compute by itself.
//
// Weights are multiples of 1/512 below 1/4 (norm gains: multiples of 1/128 from 1 to below 2), so
// that F32, F16 and BF16 all hold exactly the same numbers.
#ifndef ABL_TESTS_MINI_MODEL_H
#define ABL_TESTS_MINI_MODEL_H

#include <stdint.h>

#include "tests/support/scratch.h"

enum mini_flags {
    MINI_PREFIX = 1 << 0,    // "transformer." before the names
    MINI_MASKS = 1 << 1,     // the buffers h.N.attn.bias and h.N.attn.masked_bias
    MINI_LM_HEAD = 1 << 2,   // lm_head.weight of its own
    MINI_UNTIED = 1 << 3,    // tie_word_embeddings: false
    MINI_SHARDS = 1 << 4,    // two shards and their index
    MINI_TOKENIZER = 1 << 5, // vocab.json and merges.txt: the 256 bytes and <|endoftext|> as id 256
    MINI_NO_ATTN_SCALE = 1 << 6, // scale_attn_weights: false
    MINI_LAYER_SCALE = 1 << 7,   // scale_attn_by_inverse_layer_idx
    MINI_NO_VALUE_BIAS = 1 << 8, // ln_1.bias and attn.c_attn.bias are 0
};

enum { MINI_NAME = 64, MINI_DIMS = 4 };

struct mini_tensor {
    char name[MINI_NAME]; // as in the file; "" leaves the tensor out
    const char *dtype;    // a type that mini_model writes: F32, F16, BF16, U8
    uint32_t n_dims;
    uint64_t dims[MINI_DIMS];
};

struct mini_model {
    uint32_t n_layers, n_heads, d_model, n_ctx, n_vocab;
    uint32_t d_mlp; // 0: 4 d_model, and config.json does not say so
    const char *dtype;
    unsigned flags;
    uint64_t seed;
    // Called with each tensor before it is written; NULL: none. It may change the tensor in any
    // way.
    void (*spoil)(struct mini_tensor *t);
    const struct mini_tensor *extra; // one more tensor, or NULL
    const char *poisoned; // name of a tensor with `poison` as element poisoned_at, or NULL
    uint64_t poisoned_at;
    float poison;
};

// Write `folder` below the scratch folder. Fails the test when it cannot.
void mini_model_write(const struct scratch *s, const char *folder, const struct mini_model *m);

// Element i (row-major) of a tensor; name without the prefix.
float mini_model_value(const struct mini_model *m, const char *name, uint64_t i);

// The shard that holds a tensor under MINI_SHARDS: 0 or 1.
int mini_model_shard(const char *name);

#endif
