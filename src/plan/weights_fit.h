// What of a model's matrices stays on a device, and what comes and goes.
#ifndef ABL_PLAN_WEIGHTS_FIT_H
#define ABL_PLAN_WEIGHTS_FIT_H

#include <stdint.h>

#include "engine/precision.h"
#include "model/model.h"

// Of a device that gives them `mem` bytes the unembedding and the last layers as far as they fit.
struct weights_fit {
    uint64_t bytes; // of all matrices, packed
    uint64_t kept;  // bytes at the peak: what stays, and room for one layer that passes through
    uint64_t layer; // bytes of one layer
    uint32_t n_streamed;
};
struct weights_fit weights_fit_of(const struct model_shape *shape, enum precision precision,
                                  uint64_t mem);

#endif
