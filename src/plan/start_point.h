// Where variants leave the clean stream, and what they take along.
#ifndef ABL_PLAN_START_POINT_H
#define ABL_PLAN_START_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "plan/memory_budget.h"
#include "plan/prompt_trie.h"
#include "plan/stage.h"
#include "plan/variant.h"

struct start_point {
    uint32_t layer; // NO_LAYER: it is the clean stream
    enum stage stage;
};

// left_out: enum saving.
struct start_point start_point_of(const struct model_shape *shape, const struct variant *v,
                                  unsigned left_out);

// Heads of a layer whose z a variant changes; one that it changes twice counts twice.
uint32_t start_point_heads(const struct model_shape *shape, const struct variant *v,
                           uint32_t layer);

// Variants carried together over a trie's rows, beside the clean stream: no more than any layer
// branches at once. done (variants) may be NULL. *pattern_bytes: what edits of patterns take beside
// the rows of streams.
uint32_t start_point_copies(const struct model_shape *shape, const struct memory_budget *budget,
                            const struct trie *t, const struct variants *v, const bool *done,
                            unsigned left_out, uint64_t *pattern_bytes);

// Whether all variants treat prompts that share a prefix alike, so that these may share rows. done
// may be NULL.
bool variants_share_rows(const struct variants *v, const bool *done);

// Nodes among the last `tail` tokens of some prompt, ascending; nodes:
// room for n_nodes. Their number.
uint32_t trie_tail(const struct trie *t, uint32_t tail, uint32_t *nodes);

#endif
