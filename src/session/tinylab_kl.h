// tinyLab's kl_div: P = max(softmax, 1e-8), not normalised again, so that it is above 0 even
// between equal runs. Engines reduce logits to exact statistics; this one is summed on the host
// from the logits themselves, for --compat alone.
#ifndef ABL_SESSION_TINYLAB_KL_H
#define ABL_SESSION_TINYLAB_KL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/forward.h"

// What is compared with, and where it goes.
struct tinylab_kl {
    size_t n_prompts;
    uint32_t n_vocab;
    float *base;          // (n_prompts, n_vocab) log-probabilities of each prompt of the run
    double *kl;           // [variant * n_prompts + prompt], borrowed; NULL: not asked for
    struct final_tap tap; // fills it while the forward pass runs
};

// The passes that are looked at. of_other: what is compared with is the other prompts' run, else
// the intact one.
unsigned tinylab_kl_kinds(bool of_other);

bool tinylab_kl_new(size_t n_prompts, uint32_t n_vocab, bool of_other, struct tinylab_kl **out,
                    struct abl_err *err);
void tinylab_kl_free(struct tinylab_kl *k);

#endif
