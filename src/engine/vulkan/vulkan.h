// The Vulkan engine's state, shared by the files that implement its operations.
#ifndef ABL_ENGINE_VULKAN_VULKAN_H
#define ABL_ENGINE_VULKAN_VULKAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "engine/vulkan/context.h"
#include "engine/vulkan/memory.h"
#include "engine/vulkan/pipeline.h"
#include "engine/vulkan/queue.h"
#include "engine/vulkan/tune.h"

struct vulkan {
    struct engine engine; // first: an engine is cast to it
    struct vulkan_context context;
    struct memory memory;
    struct queue queue;
    struct pipelines pipelines;
    struct tuner tuner;      // of linear's tiles
    struct buffer *released; // buffers that submitted commands may still use
    struct buffer *readback; // host memory for results, grown as needed
    struct tensor logits;    // scratch of readout
    uint64_t logits_bytes;   // that it may take
};

// buffers.c
bool vulkan_buffer_new(struct vulkan *v, uint64_t size, struct buffer **out, struct abl_err *err);
void vulkan_buffer_release(struct vulkan *v, struct buffer *b);
// A device copy of `size` > 0 bytes, a multiple of 4.
bool vulkan_list_new(struct vulkan *v, const void *values, uint64_t size, struct buffer **out,
                     struct abl_err *err);
// Copy the first `size` bytes to the host and wait. The result is valid until the next call.
bool vulkan_read(struct vulkan *v, struct buffer *from, uint64_t size, const void **out,
                 struct abl_err *err);

// weight.c: a matrix in panels of columns, [n / panel][k_pad][panel], zeros behind k and n. A part
// is what one binding can read.
struct weight_part {
    struct buffer *buffer;
    uint32_t first_col, n_cols; // the first a multiple of the panel; n_cols without padding
};
struct weight {
    uint32_t k, n, k_pad, panel;
    uint32_t bytes; // of an element: 4, or 2 for fp16
    uint32_t n_parts;
    struct weight_part *parts;
};

// The operations, in buffers.c, weight.c, linear.c, readout.c and ops.c. Of linear, out.cols may
// also be w->n rounded up to 4: the extra columns become 0.
#define VULKAN_OP(op) engine_op_type(op) vulkan_##op;
ENGINE_OPS(VULKAN_OP)
#undef VULKAN_OP

// ops.c: x = cap · tanh(x / cap), in place.
bool vulkan_cap(struct vulkan *v, struct tensor x, float cap, struct abl_err *err);

#endif
