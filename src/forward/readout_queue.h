// Final states that wait to be read out together. Each read-out also unembeds the intact states
// that it compares with: where few variants are carried at a time and few layers are left, that is
// a good part of the work.
#ifndef ABL_FORWARD_READOUT_QUEUE_H
#define ABL_FORWARD_READOUT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "forward/prompt_block.h"
#include "model/model.h"

struct readout_queue {
    const struct block *block; // borrowed; NULL: nothing waits, each chunk is read out at once
    struct tensor states;      // (max * n_reads, d_model)
    struct index rows;         // 0 … max * n_reads - 1
    uint32_t max, n;           // variants
    size_t numbers[MAX_COPIES];
    double flop; // that the waiting ones took
};

// Bytes for up to n variants of n_reads read-outs, a share of mem; 0: none wait.
uint64_t readout_queue_bytes(const struct model_shape *shape, uint32_t n_reads, size_t n,
                             uint64_t mem);

// Room for them over a block. readout_queue_release ends it, also after a failure.
bool readout_queue_init(struct readout_queue *p, const struct block *b, uint64_t bytes,
                        struct abl_err *err);
void readout_queue_release(struct readout_queue *p);

// Whether there is room for n more.
bool readout_queue_fits(const struct readout_queue *p, uint32_t n);

// states: (n * n_reads, d_model); they took so many FLOP.
bool readout_queue_add(struct readout_queue *p, struct tensor states, const size_t *numbers,
                       uint32_t n, double flop, struct abl_err *err);

// Whether what waits took so long that reading it out now costs next to nothing.
bool readout_queue_is_due(const struct readout_queue *p);

#endif
