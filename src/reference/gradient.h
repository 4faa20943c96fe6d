// Gradients of a number of each row with respect to the activations of its intact run, in double
// precision: what the engines' backward passes are judged by. Real norms: nothing is frozen.
#ifndef ABL_REFERENCE_GRADIENT_H
#define ABL_REFERENCE_GRADIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/model.h"
#include "plan/gradient.h"
#include "text/prompt.h"

// An activation of one prompt in one layer, and the gradient with respect to it; borrowed while it
// is shown. Rows are tokens; of patterns row i * n_tokens + j is query i's of key j, 0 where it
// does not see it.
struct reference_gradient {
    size_t prompt; // number in the run
    uint32_t layer;
    size_t site; // of enum site, or GRADIENT_MLP_IN, GRADIENT_NEURONS
    const double *values, *gradient;
    size_t n_tokens, n_rows, n_cols, stride; // doubles from one row to the next
};

struct reference_gradient_job {
    const struct model *model;
    const struct prompt *prompts;
    size_t n_prompts;
    enum gradient_of of;
    uint32_t token; // of GRADIENT_LOGIT: below n_vocab
    // Called for every site of every prompt, the last layer first. False ends the run.
    bool (*on_gradient)(void *context, const struct reference_gradient *seen, struct abl_err *err);
    void *context;
};

// Each prompt runs alone; each layer's weights are read twice. Fails where the checkpoint cannot be
// read, memory is out or on_gradient does.
bool reference_gradients(const struct reference_gradient_job *job, struct abl_err *err);

#endif
