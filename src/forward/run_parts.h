// What run_plan.c and run_batch.c share; nobody else includes it.
#ifndef ABL_FORWARD_RUN_PARTS_H
#define ABL_FORWARD_RUN_PARTS_H

#include "forward/forward_parts.h"
#include "forward/readout_queue.h"
#include "forward/stream.h"
#include "plan/start_point.h"

// One block's share of a job.
struct block_run {
    struct forward *f;
    struct block *block;
    const struct forward_job *job;
    uint32_t *n_blocks_done; // the job's, or our own
    const size_t *todo;      // variant numbers, by first layer
    size_t n_todo;
    struct memory_budget budget; // for its streams
    bool last;                   // with this block the variants are finished
    bool fresh;                  // the block's final intact state is not there yet
    bool tails;  // each variant carries the rows of its last tokens only; the block has to be fresh
    bool *alone; // while set, the next variant runs by itself, so that a first result is there soon
    bool may_cut; // a layer that is waited for may come between
    struct stream *clean, *branch;
    struct readout_queue *pending;
    struct abl_err *err;
};

// ABL_INTERRUPTED where the job is cancelled.
bool job_cancelled(const struct forward_job *job, struct abl_err *err);

// Carry some variants of the block from the clean stream's present place in s to behind the final
// norm. They are read out at once or wait for others.
bool batch_run(struct block_run *j, struct stream *s, const struct start_point *place,
               const size_t *numbers, uint32_t n);

// Read out what waits.
bool batch_flush(struct block_run *j);

// The rows of some variants over this block are there; final: their states (n * n_reads, d_model).
bool batch_finish(const struct block_run *j, struct tensor final, const size_t *numbers,
                  uint32_t n);

#endif
