// The batches of a plan, one after the other, as a run executes them. A walk allocates nothing.
#ifndef ABL_PLAN_PLAN_WALK_H
#define ABL_PLAN_PLAN_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

// What runs together: a clean pass over a block, or some variants of a group.
struct plan_batch {
    enum pass_kind kind;
    size_t unit;
    uint32_t block, group;
    uint32_t first, end; // items, of which n are not skipped; none in clean passes
    uint32_t n;
    struct start_point start; // where they leave the clean stream
    struct copy_rows rows;    // of one copy
    uint32_t n_read; // variants read out behind it, those that waited included; 0: they wait
    uint32_t first_load, n_loads; // layers that come in, ascending
    struct work work;             // with the clean stream's way since the batch before
    uint64_t readout_flop;        // of its work
    uint64_t bytes;               // of activations on the device
};

// A batch's variants, and where each parts from the one before: 0 of the first.
struct batch_items {
    uint32_t n;
    size_t variants[MAX_COPIES];
    uint32_t until[MAX_COPIES], n_heads[MAX_COPIES];
};
void batch_items(const struct plan *p, const struct plan_batch *b, struct batch_items *out);

// Units [first, end) in canonical order. Treat the rest as private.
struct plan_walk {
    const struct plan *plan; // borrowed
    size_t unit, end;
    uint32_t phase, block, pass; // entered
    bool donors_ran;
    struct start_point clean; // where the clean stream stands
    uint32_t item;            // next of the unit's; 0 before the first
    struct plan_room room;    // of the unit
    struct copy_rows rows;    // of one copy of its variants
    uint64_t way_flop;        // of one from where it leaves the clean stream
    uint32_t waiting;         // variants
    uint64_t waited_flop;
    uint32_t streamed; // layer that is there of those that come and go
    bool loaded;       // the layers that stay
};

// Some of a plan's units: all of them, or one.
struct plan_slice {
    size_t first, end;
};
struct plan_slice plan_whole(const struct plan *p);

// A unit's block (of the plan's list) and group.
void plan_unit(const struct plan *p, size_t unit, uint32_t *block, uint32_t *group);

void plan_walk(const struct plan *p, struct plan_slice slice, struct plan_walk *w);
bool plan_next(struct plan_walk *w, struct plan_batch *out); // false at the end

#endif
