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

struct readout_queue {
    const struct block *block; // borrowed; NULL: there is none
    struct tensor states;      // (max * n_reads, d_model)
    struct index rows;         // 0 … max * n_reads - 1
    uint32_t max, n;           // variants
    size_t numbers[MAX_COPIES];
};

// Room for the states of `max` variants over a block; 0: none wait. readout_queue_release ends it,
// also after a failure.
bool readout_queue_init(struct readout_queue *q, const struct block *b, uint32_t max,
                        struct abl_err *err);
void readout_queue_release(struct readout_queue *q);

// states: (n * n_reads, d_model), for which there is room.
bool readout_queue_add(struct readout_queue *q, struct tensor states, const size_t *numbers,
                       uint32_t n, struct abl_err *err);

#endif
