// What carry.c and chunk.c share; nobody else includes it.
#ifndef ABL_LAB_CARRY_PARTS_H
#define ABL_LAB_CARRY_PARTS_H

#include "lab/branch.h"
#include "lab/forward_state.h"
#include "lab/pending.h"
#include "lab/stream.h"

// One block's share of a job.
struct block_job {
    struct forward *f;
    struct block *block;
    const struct forward_job *job;
    uint32_t *n_blocks_done; // the job's, or our own
    const size_t *todo;      // variant numbers, by first layer
    size_t n_todo;
    struct room room; // for its streams
    bool last;        // with this block the variants are finished
    bool fresh;       // the block's final intact state is not there yet
    bool tails;  // each variant carries the rows of its last tokens only; the block has to be fresh
    bool *alone; // while set, the next variant runs by itself, so that a first result is there soon
    bool may_cut; // a layer that is waited for may come between
    struct stream *clean, *branch;
    struct pending *pending;
    struct abl_err *err;
};

// ABL_INTERRUPTED where the job is cancelled.
bool job_cancelled(const struct forward_job *job, struct abl_err *err);

// Carry some variants of the block from the clean stream's present place in s to behind the final norm. They are read out
// at once or wait for others.
bool chunk_run(struct block_job *j, struct stream *s, const struct branch *place,
               const size_t *numbers, uint32_t n);

// Read out what waits.
bool chunk_flush(struct block_job *j);

// The rows of some variants over this block are there; final: their states (n * n_reads, d_model).
bool chunk_finish(const struct block_job *j, struct tensor final, const size_t *numbers,
                  uint32_t n);

#endif
