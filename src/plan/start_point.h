// Where variants leave the clean stream, and what they take along.
#ifndef ABL_PLAN_START_POINT_H
#define ABL_PLAN_START_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "plan/stage.h"
#include "plan/variant.h"

struct start_point {
    uint32_t layer; // NO_LAYER: it is the clean stream
    enum stage stage;
};

// left_out: enum saving.
struct start_point start_point_of(const struct model_shape *shape, const struct variant *v,
                                  unsigned left_out);

// Heads of a layer whose z a variant changes.
uint32_t start_point_heads(const struct model_shape *shape, const struct variant *v,
                           uint32_t layer);

#endif
