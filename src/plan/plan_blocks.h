// How a plan cuts prompts into blocks, and what is saved of those that edits take from.
#ifndef ABL_PLAN_PLAN_BLOCKS_H
#define ABL_PLAN_PLAN_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/plan.h"
#include "plan/plan_input.h"

// End of the block that starts at prompt `first`, where so many token rows fit: at least one
// prompt.
size_t block_end(const struct prompt *prompts, size_t first, size_t n, size_t fit);

uint32_t plan_count_blocks(const struct plan_input *in, const struct prompt_list *list);

// p->blocks: the run's, then the other prompts', of which there are *n_other, then each
// observation's.
bool plan_cut_blocks(const struct plan_input *in, struct plan *p, uint32_t *n_other,
                     struct abl_err *err);

// p->saved, and for each of the run's blocks whom the variants todo[0] … todo[n - 1] take from.
bool plan_donors(const struct plan_input *in, const size_t *todo, size_t n, struct plan *p,
                 struct abl_err *err);

// Whom prompts [first, first + n) of the run take from by the maps of which `used` has a bit, each
// once, ascending. out: room for n_donors. Their number.
size_t donors_of(const uint32_t *const *maps, uint64_t used, size_t n_donors, size_t first,
                 size_t n, uint32_t *out);

// Rows of the last `tail` tokens of n prompts that share none.
uint32_t tail_rows(const struct prompt *prompts, size_t n, uint32_t tail);

// Of what stays on the device for all blocks: what enters layer 0, and the intact final states.
uint64_t plan_held_bytes(const struct plan *p);

#endif
