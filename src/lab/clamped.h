// tinyLab's kl_div: P = max(softmax, 1e-8), not normalised again, so that it is above 0 even between equal runs. Engines
// reduce logits to exact statistics; this one is summed on the host from the logits themselves, for --compat alone.
#ifndef ABL_LAB_CLAMPED_H
#define ABL_LAB_CLAMPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"

struct block;

// What is compared with: log-probabilities of each prompt of the run.
struct clamped {
    size_t n_prompts;
    uint32_t n_vocab;
    bool of_other; // they are those of the other prompts' run, else of the intact one
    float *base;   // (n_prompts, n_vocab)
};

bool clamped_new(size_t n_prompts, uint32_t n_vocab, bool of_other, struct clamped **out,
                 struct abl_err *err);
void clamped_free(struct clamped *k);

// Keep those of a block's prompts, read off `states` (n_reads, d_model); the block's first is number `first` of the run.
bool clamped_keep(struct clamped *k, const struct block *b, size_t first, struct tensor states,
                  struct abl_err *err);

// kl_div of `copies` variants, states (copies * n_reads, d_model), into out[copy][prompt of the run].
bool clamped_read(const struct clamped *k, const struct block *b, struct tensor states,
                  uint32_t copies, double *const *out, struct abl_err *err);

#endif
