// What a run multiplies, told beforehand as plain data: blocks of prompts, passes over them, groups
// of variants that leave the clean stream together. Made without a device; executed by forward,
// printed by --dry-run, counted by progress.
//
// Tables are stored; batches are listed by a walk (plan_walk.h), as there may be millions of them.
#ifndef ABL_PLAN_PLAN_H
#define ABL_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/model.h"
#include "plan/memory_budget.h"
#include "plan/plan_input.h"
#include "plan/start_point.h"
#include "plan/weights_fit.h"
#include "plan/work.h"

// No block, pass or phase.
#define NO_PLACE UINT32_MAX

enum pass_kind {
    PASS_INTACT,   // the run's prompts: what variants are compared with
    PASS_OTHER,    // the other prompts: what patches aim at
    PASS_MEANS,    // the run's prompts, for the means of z
    PASS_DONORS,   // prompts that a block's edits take from
    PASS_CONTEXT,  // k and v of a block's prompts, which tails see
    PASS_VARIANTS, // edited
    PASS_OBSERVE,  // what an experiment reads off the intact run
    N_PASS_KINDS,
};

// "intact", …
const char *pass_kind_name(enum pass_kind kind);

enum pass_flags {
    PASS_FLAT = 1 << 0,  // prompts share no rows: its edits tell them apart
    PASS_TAILS = 1 << 1, // copies have rows of last tokens only; the clean k and v are kept
    PASS_WHOLE = 1 << 2, // every row goes through the whole of the last layer
};

// Token rows of a block in one layout, and what its rows see of each other.
struct block_rows {
    uint32_t n_nodes, n_reads;
    uint64_t n_edges;
};

// Prompts that are run together.
struct plan_block {
    uint32_t first, n; // of its list
    struct block_rows shared, flat;
    struct block_rows donors; // of those that the block's edits take from; none: 0
    uint64_t donor_bytes;     // of activations that are saved of them
    uint64_t n_compared;      // token rows whose final states are compared (plan_input.h)
};

// A variant in its group.
struct plan_item {
    uint32_t variant;
    uint32_t until;   // first layer in which it differs from the item before; at most the last
    uint32_t n_heads; // whose z it changes in the layer in which it starts
};

struct plan_group {
    struct start_point start;
    uint32_t tail;           // number of a tail; PASS_TAILS only
    uint32_t pass, first, n; // items
};

struct plan_pass {
    enum pass_kind kind;
    unsigned flags;
    uint32_t first_block, n_blocks;
    uint32_t first_group, n_groups; // kinds but PASS_VARIANTS have one empty group
    uint32_t n_items, widest;       // of all groups, and of the largest
};

// Passes that alternate block by block.
struct plan_phase {
    uint32_t first_pass, n_passes;
    uint32_t first_unit; // unit = (block, group) of the phase, block by block
};

// An activation of donors that is kept.
struct plan_saved {
    uint32_t layer;
    enum site site;
};

struct plan {
    const struct model_shape *shape; // borrowed
    struct memory_budget budget;
    struct weights_fit weights;
    unsigned taps, given;
    bool edits_patterns, compares;
    uint64_t donor_maps;       // bits of those by which edits take
    struct plan_block *blocks; // the run's, the other prompts', each observation's
    struct plan_pass *passes;
    struct plan_phase *phases;
    struct plan_group *groups;
    struct plan_item *items; // neighbours agree longest
    struct plan_saved *saved;
    uint32_t *tails;       // (n_tails) last tokens whose rows are carried, ascending
    uint32_t *tail_rows;   // [block * n_tails + tail]
    uint32_t *copied;      // (n_copied) variants that change nothing: the intact rows
    uint64_t *skipped;     // bits [block * n_items + item] of what is done; NULL: nothing is
    uint32_t n_run_blocks; // the first ones
    size_t n_blocks, n_passes, n_phases, n_groups, n_items, n_saved, n_tails, n_copied, n_units;
    struct work total;
    struct work by_kind[N_PASS_KINDS]; // read-outs left out
    uint64_t readout_flop;
    uint64_t observed_flop; // of products made of what is observed: in no batch, but in the total
    uint64_t n_batches, peak_bytes; // bytes of activations
    uint32_t most_copies;           // variants carried at once
    struct arena arena;
};

void plan_release(struct plan *p);

// The group's pass.
static inline const struct plan_pass *pass_of(const struct plan *p, const struct plan_group *g)
{
    return &p->passes[g->pass];
}

// Whether final states of every row are compared (plan_input.h).
bool pass_compares(const struct plan *p, const struct plan_pass *pass);

// Whether an item has nothing left to do over a block.
bool item_is_skipped(const struct plan *p, uint32_t block, uint32_t item);

// Rows of the layout that a pass runs a block in, and of one copy of a group's variants.
struct block_rows pass_rows(const struct plan *p, const struct plan_pass *pass, uint32_t block);
struct copy_rows group_rows(const struct plan *p, const struct plan_group *g, uint32_t block);

// What a group's variants have room for over a block.
struct plan_room {
    uint32_t copies;  // at once
    uint32_t waiting; // final states that wait to be read out together
    uint64_t bytes;   // of all activations on the device meanwhile
};
struct plan_room group_room(const struct plan *p, const struct plan_group *g, uint32_t block);

#endif
