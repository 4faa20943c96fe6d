// Shards of a run: which of its cells are whose, so that several processes share the work. The same
// on every machine, as it is cut by the FLOP of a plan for a device of no particular kind.
#ifndef ABL_PLAN_SHARDS_H
#define ABL_PLAN_SHARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/plan_input.h"

// Set the cells (plan/cells.h, of the input's variants and run) that are not the i-th of n shards',
// i from 1; in: of any device, its budget and weights are not looked at.
bool shard_others(const struct plan_input *in, uint32_t i, uint32_t n, uint64_t *cells,
                  struct abl_err *err);

#endif
