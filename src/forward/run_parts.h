// What run_plan.c and run_batch.c share; nobody else includes it.
#ifndef ABL_FORWARD_RUN_PARTS_H
#define ABL_FORWARD_RUN_PARTS_H

#include "forward/clean_kv.h"
#include "forward/edit_sources.h"
#include "forward/forward_parts.h"
#include "forward/readout_queue.h"
#include "forward/stream.h"
#include "plan/plan_walk.h"

// A plan's variants on their way: what has been entered, block by block and pass by pass.
struct plan_run {
    struct forward *f;
    const struct forward_job *job;
    const struct plan *plan;
    uint64_t *cells; // that are there
    bool *unit_done; // of the variants' phase
    bool alone;      // the next variant runs by itself, so that a first result is there soon
    uint32_t block_number, pass_number; // entered; NO_PLACE
    struct block *block;                // in the layout that its variants need: one of f's, or flat
    struct block flat;
    struct donor_state donors;
    struct pass pass;
    struct clean_kv kept;
    struct stream clean, branch;
    struct start_point clean_at; // layer NO_LAYER: it has not started
    struct readout_queue queue;
    struct abl_err *err;
};

// ABL_INTERRUPTED where the job is cancelled.
bool run_is_cancelled(const struct forward_job *job, struct abl_err *err);

// The rows of some variants over the block are there; states: (n * n_reads, d_model).
bool run_finish(struct plan_run *r, const struct block *b, struct tensor states,
                const size_t *numbers, uint32_t n);

// Carry a batch's variants from the clean stream's present place in s to behind the final norm.
// They are read out at once or wait for others, as the plan says.
bool run_batch(struct plan_run *r, struct stream *s, const struct plan_batch *b);

#endif
