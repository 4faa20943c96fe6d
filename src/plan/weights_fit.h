// What of a model's matrices stays on a device, and what comes and goes.
#ifndef ABL_PLAN_WEIGHTS_FIT_H
#define ABL_PLAN_WEIGHTS_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/precision.h"
#include "engine/values.h"
#include "model/model.h"

// Of a device that gives them `mem` bytes the unembedding and the last layers as far as they fit.
struct weights_fit {
    uint64_t bytes; // of all matrices, packed
    uint64_t kept;  // bytes at the peak: what stays, and room for one layer that passes through
    uint64_t layer; // bytes of one layer
    uint32_t n_streamed;
    bool stored; // they stay in the files: `kept` is what they are widened into
};
struct weights_fit weights_fit_of(const struct model_shape *shape, enum precision precision,
                                  uint64_t mem);
struct weights_fit weights_fit_stored(const struct model_shape *shape);

// --weights: how matrices are kept on a device.
enum weights_form {
    WEIGHTS_AUTO,   // as fp32 where that fits in half of the device's memory, else as stored
    WEIGHTS_STORED, // in their files, widened whenever they are multiplied
    WEIGHTS_F32,    // packed as the device multiplies them, which --precision says
    N_WEIGHTS_FORMS,
};
const char *weights_form_name(size_t form); // "auto", "stored", "f32": a name_list

// Whether they stay in their files: on a device that can, where it is asked for or by the rule of
// WEIGHTS_AUTO.
bool weights_are_stored(enum weights_form form, const struct model_shape *shape,
                        const struct device_info *device);

#endif
