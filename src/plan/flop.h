// What a forward pass multiplies, two FLOP a multiply-add (DESIGN section 4).
#ifndef ABL_PLAN_FLOP_H
#define ABL_PLAN_FLOP_H

#include <stdint.h>

#include "model/model.h"
#include "plan/stage.h"

// A layer from a stage on: over n_rows rows, of which n_on go on from k and v. n_heads: of those
// whose z changes behind W_O.
double flop_layer(const struct model_shape *s, enum stage from, uint32_t n_heads, double n_rows,
                  double n_on);

double flop_unembed(const struct model_shape *s, double n_reads);

#endif
