// Sets of heads made of others.
#ifndef ABL_PLAN_HEAD_SET_H
#define ABL_PLAN_HEAD_SET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/shape.h"
#include "plan/place.h"

// The model's heads that a set has, or those that it has not, ascending, in the arena.
bool head_set_part(const struct head_set *set, bool has, const struct model_shape *shape,
                   struct arena *a, struct head_set *out, struct abl_err *err);

#endif
