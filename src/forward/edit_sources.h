// What edits take from other places than the row that they change: intact activations of donor
// prompts, and means of z.
#ifndef ABL_FORWARD_EDIT_SOURCES_H
#define ABL_FORWARD_EDIT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/prompt_block.h"
#include "plan/variant.h"

// A run's donors, and the variants whose edits take from them.
struct donor_job {
    const struct model *model;
    struct weights *weights;
    const struct prompt *donors; // whom maps count
    size_t n_donors;
    const uint32_t *const *maps; // as in struct forward_settings
    const struct variants *variants;
    const size_t *todo; // (n_todo) numbers of the variants at hand
    size_t n_todo;
    size_t first, n; // prompts of the run that they are about to be run on
    // every row goes through the whole of the last layer, as in the run
    bool whole_last_layer;
};

// Activations of the donors that those prompts need, and of no others.
struct donor_state {
    struct block block;
    struct prompt *prompts;         // (block.n) of the donors, in their order
    uint32_t *number;               // (n_donors) place in prompts, UINT32_MAX = not needed
    struct saved_activations saved; // for each (layer, site) that an edit takes
};

// Whether any of the variants takes from donors.
bool donors_needed(const struct donor_job *j);

// Run the donors intact and keep what is taken. donors_release ends it, also after a failure.
bool donors_run(struct donor_state *d, const struct donor_job *j, struct abl_err *err);
void donors_release(struct donor_state *d);

// Bytes on the device that donors_run keeps for such a job.
uint64_t donors_bytes(const struct donor_job *j);

// The mean of z of every head over all tokens of all prompts of all blocks, BOS left out where
// has_bos; each prompt counts. *out: (n_layers, n_heads * d_head), the caller's to release. Runs
// the blocks' intact pass.
bool means_make(struct block *blocks, size_t n_blocks, bool has_bos, struct tensor *out,
                struct abl_err *err);

#endif
