// A checkpoint whose weights are not those that its configuration implies: what it most likely is,
// and what to do.
#ifndef ABL_MODEL_MISSING_H
#define ABL_MODEL_MISSING_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model_parts.h"

// How many layers the files hold: the highest number in a tensor's name, and one.
uint32_t missing_count_layers(const struct checkpoint *c, const struct arch_tensors *names,
                              const char *prefix);

// Say that a tensor is missing; returns false.
bool missing_tensor(const struct model *m, const struct arch_tensors *names, const char *prefix,
                    const char *tensor, struct abl_err *err);

#endif
