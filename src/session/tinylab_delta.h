// tinyLab's max_abs_delta: how far a patch moves a logit, at any position and token, from the run
// that it is compared with. Logits count from their mean over the vocabulary, as TransformerLens
// centres the unembedding. Its passes carry every row through the whole of the last layer.
#ifndef ABL_SESSION_TINYLAB_DELTA_H
#define ABL_SESSION_TINYLAB_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "forward/forward.h"
#include "session/whole_answers.h"

// Final states of the run that is compared with.
struct tinylab_delta {
    const uint32_t *compared; // (n_run) positions of each prompt of the run, borrowed
    uint32_t n_vocab, d_model;
    size_t *first_state; // (n_run) of states
    float *states;       // (…, d_model)
};

// At how many positions each prompt of the run is compared with the other prompts' run, of_other,
// or the intact one: those that both have, from the start; none of sequences (NULL: there are
// none). In the arena, NULL when memory is out.
const uint32_t *tinylab_compared(const struct prompts *run, const struct whole_answers *sequences,
                                 bool of_other, struct arena *a);

// tinylab_delta_release ends it, also after a failure.
bool tinylab_delta_init(struct tinylab_delta *d, const uint32_t *compared, size_t n_run,
                        uint32_t n_vocab, uint32_t d_model, struct abl_err *err);
void tinylab_delta_release(struct tinylab_delta *d);

// Keep what a block of the run that is compared with has; states: (n_nodes, d_model) behind the
// final norm.
bool tinylab_delta_keep(struct tinylab_delta *d, const struct block *b, struct tensor states,
                        struct abl_err *err);

// Of variants over a block, (copies * n_nodes, d_model); out[copy * b->n + prompt of the block]: 0
// where nothing is compared.
bool tinylab_delta_read(const struct tinylab_delta *d, const struct block *b, struct tensor states,
                        uint32_t copies, double *out, struct abl_err *err);

#endif
