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
bool vulkan_alloc(struct engine *e, uint32_t rows, uint32_t cols, struct tensor *out,
                  struct abl_err *err);
void vulkan_release(struct engine *e, struct tensor *t);
bool vulkan_upload(struct engine *e, struct tensor to, const float *from, struct abl_err *err);
bool vulkan_download(struct engine *e, struct tensor from, float *to, struct abl_err *err);
bool vulkan_index_new(struct engine *e, const uint32_t *values, uint32_t count, struct index *out,
                      struct abl_err *err);
void vulkan_index_release(struct engine *e, struct index *list);

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
bool vulkan_weight_new(struct engine *e, const struct matrix_source *source, struct weight **out,
                       struct abl_err *err);
void vulkan_weight_free(struct engine *e, struct weight *w);

// ops.c
bool vulkan_norm(struct engine *e, struct tensor out, struct tensor x, const struct norm_args *norm,
                 struct abl_err *err);
bool vulkan_rope(struct engine *e, struct tensor x, struct tensor table, struct index positions,
                 uint32_t d_head, struct abl_err *err);
bool vulkan_gate(struct engine *e, struct tensor x, struct tensor gate, enum act act,
                 struct abl_err *err);
bool vulkan_attend(struct engine *e, struct tensor z, const struct attend_args *args,
                   struct abl_err *err);
bool vulkan_weigh(struct engine *e, struct tensor weights, const struct attend_args *args,
                  struct abl_err *err);
bool vulkan_mix(struct engine *e, struct tensor z, struct tensor weights, struct tensor was,
                const struct attend_args *args, struct abl_err *err);
bool vulkan_gather(struct engine *e, struct tensor out, struct tensor x, struct index rows,
                   struct abl_err *err);
bool vulkan_edit(struct engine *e, struct tensor x, const struct row_edit *edits, uint32_t n_edits,
                 struct tensor source, struct abl_err *err);

// linear.c. out.cols may also be w->n rounded up to 4: the extra columns become 0.
bool vulkan_linear(struct engine *e, struct tensor out, struct tensor x, const struct weight *w,
                   const struct epilogue *epilogue, struct abl_err *err);
bool vulkan_head_out(struct engine *e, struct tensor x, struct tensor z, const struct weight *w,
                     uint32_t first, struct abl_err *err);

// readout.c
bool vulkan_readout(struct engine *e, struct tensor x, const struct weight *w, struct tensor base,
                    const struct readout_ask *asks, uint32_t n_asks, struct row_stats *stats,
                    struct abl_err *err);

#endif
