// What edits take from other places than the row that they change: intact activations of donor
// prompts, and means of z.
#ifndef ABL_FORWARD_EDIT_SOURCES_H
#define ABL_FORWARD_EDIT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/prompt_block.h"
#include "plan/plan.h"
#include "plan/plan_input.h"

// Activations of the donors that a block's prompts need, and of no others.
struct donor_state {
    struct block block;
    struct prompt *prompts;         // (block.n) of the donors, in their order
    uint32_t *number;               // (donors) place in prompts, UINT32_MAX = not needed
    struct saved_activations saved; // for each (layer, site) that an edit takes
};

// Run the donors of a plan's block intact and keep what is taken. list: whom maps count. whole:
// every row goes through the whole of the last layer. donors_release ends it, also after a failure.
bool donors_run(struct donor_state *d, const struct plan *p, const struct plan_block *of,
                const struct prompt_list *list, const uint32_t *const *maps, bool whole,
                const struct model *model, struct weights *weights, struct abl_err *err);
void donors_release(struct donor_state *d);

// The mean of z of every head over all tokens of all prompts of all blocks, BOS left out where
// has_bos; each prompt counts. It does not depend on how prompts are cut into blocks. *out:
// (n_layers, n_heads * d_head), the caller's to release. Runs the blocks' intact pass.
bool means_make(struct block *blocks, size_t n_blocks, bool has_bos, struct tensor *out,
                struct abl_err *err);

#endif
