// What a forward pass multiplies, counted from rows and stages with the functions that a traced
// engine counts with (engine/work.h).
#ifndef ABL_PLAN_WORK_H
#define ABL_PLAN_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "plan/start_point.h"

// Sums stay COUNT_TOO_BIG (base/size.h) where 64 bits do not hold them.
struct work {
    uint64_t flop;         // two a multiply-add
    uint64_t loaded_bytes; // of matrices
    uint64_t token_rows;   // through layers, those of every copy
};
struct work work_add(struct work a, struct work b);

// Rows of one copy of a stream.
struct copy_rows {
    uint32_t rows, reads;  // token rows, and the read-outs among them
    bool whole_last_layer; // every row goes through the whole of the last layer
};

// A stage of a layer.
uint64_t stage_flop(const struct model_shape *s, const struct copy_rows *c, uint32_t layer,
                    enum stage stage);

// From one point to another, which is no earlier: the stages from `from` on up to before `to`.
uint64_t path_flop(const struct model_shape *s, const struct copy_rows *c, struct start_point from,
                   struct start_point to);

// Behind the last layer.
struct start_point path_end(const struct model_shape *s);

// What changed z of so many heads adds to a copy behind W_O.
uint64_t head_change_flop(const struct model_shape *s, const struct copy_rows *c, uint32_t layer,
                          uint32_t n_heads);

// The constant parts of values, made when a layer is loaded for the first time.
uint64_t constants_flop(const struct model_shape *s);

#endif
