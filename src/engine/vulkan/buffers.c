// Tensors and lists: where they lie, how they come and go.
#include "engine/vulkan/vulkan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

// Copies of single rows are handed to the driver in bunches.
enum { COPY_REGIONS = 256 };

// Rows of this many bytes and their multiples fall into the same few cache sets on a CPU; padding
// spreads them.
enum { CONFLICT_BYTES = 1024, CONFLICT_PADDING = 16 };

static void collect(struct vulkan *v)
{
    uint64_t completed = queue_completed(&v->queue);
    for (struct buffer **at = &v->released; *at;) {
        struct buffer *b = *at;
        if (b->last_use > completed) {
            at = &b->next;
            continue;
        }
        *at = b->next;
        memory_buffer_destroy(&v->memory, b);
    }
}

// A released buffer of just that size can be used at once:
// barriers keep its old and new commands apart.
static struct buffer *reuse(struct vulkan *v, uint64_t size)
{
    for (struct buffer **at = &v->released; *at; at = &(*at)->next)
        if ((*at)->size == size) {
            struct buffer *b = *at;
            *at = b->next;
            b->next = NULL;
            return b;
        }
    return NULL;
}

bool vulkan_buffer_new(struct vulkan *v, uint64_t size, struct buffer **out, struct abl_err *err)
{
    size = size < 16 ? 16 : (size + 15) & ~UINT64_C(15);
    *out = reuse(v, size);
    if (*out)
        return true;
    collect(v);
    if (memory_buffer_new(&v->memory, POOL_DEVICE, size, out, err))
        return true;
    if (size > v->context.max_read)
        return false;
    // Memory is out: what pending commands hold may be enough.
    if (!queue_finish(&v->queue, err))
        return false;
    collect(v);
    memory_trim(&v->memory);
    return memory_buffer_new(&v->memory, POOL_DEVICE, size, out, err);
}

void vulkan_buffer_release(struct vulkan *v, struct buffer *b)
{
    if (!b)
        return;
    b->next = v->released;
    v->released = b;
}

bool vulkan_alloc(struct engine *e, uint32_t rows, uint32_t cols, struct tensor *out,
                  struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    assert(cols > 0 && cols <= UINT32_MAX - 64);
    uint32_t stride = (cols + 3) & ~3u;
    if (rows > 1 && stride % (CONFLICT_BYTES / sizeof(float)) == 0)
        stride += CONFLICT_PADDING;
    uint64_t floats = (uint64_t)rows * stride;
    struct buffer *buffer;
    if (floats > UINT64_MAX / sizeof(float))
        return abl_no_memory(err);
    if (!vulkan_buffer_new(v, floats * sizeof(float), &buffer, err))
        return false;
    *out = (struct tensor){ .buffer = buffer, .rows = rows, .cols = cols, .stride = stride };
    return true;
}

void vulkan_release(struct engine *e, struct tensor *t)
{
    vulkan_buffer_release((struct vulkan *)e, t->buffer);
    *t = (struct tensor){ 0 };
}

static VkDeviceSize at(struct tensor t, uint32_t row)
{
    return (t.first + (size_t)row * t.stride) * sizeof(float);
}

// Copy rows [first, first + n) between the tensor and dense rows that begin at `dense` bytes in the
// host's buffer.
static bool copy_rows(struct vulkan *v, struct tensor t, uint32_t first, uint32_t n,
                      struct buffer *host, uint64_t dense, bool to_device, struct abl_err *err)
{
    struct buffer *from = to_device ? NULL : t.buffer, *to = to_device ? t.buffer : host;
    VkCommandBuffer commands;
    if (!queue_access(&v->queue, &from, 1, &to, 1, err)
        || !queue_commands(&v->queue, &commands, err))
        return false;
    size_t row_bytes = t.cols * sizeof(float);
    bool whole = t.stride == t.cols || n == 1;
    uint32_t n_regions = whole ? 1 : n;
    VkBufferCopy regions[COPY_REGIONS];
    for (uint32_t i = 0; i < n_regions;) {
        uint32_t count = 0;
        for (; count < COPY_REGIONS && i < n_regions; i++, count++) {
            VkDeviceSize on_device = at(t, first + i), on_host = dense + i * row_bytes;
            regions[count] = (VkBufferCopy){ .srcOffset = to_device ? on_host : on_device,
                                             .dstOffset = to_device ? on_device : on_host,
                                             .size = whole ? n * row_bytes : row_bytes };
        }
        v->context.api->CmdCopyBuffer(commands, to_device ? host->handle : t.buffer->handle,
                                      to_device ? t.buffer->handle : host->handle, count, regions);
    }
    return queue_spend(&v->queue, (double)n * (double)row_bytes, err);
}

// Rows that go over in one piece.
static uint32_t piece_rows(const struct tensor *t, uint64_t piece_bytes)
{
    uint64_t n = piece_bytes / (t->cols * sizeof(float));
    return n < 1 ? 1 : n > t->rows ? t->rows : (uint32_t)n;
}

bool vulkan_upload(struct engine *e, struct tensor to, const float *from, struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    uint32_t piece = piece_rows(&to, v->queue.slots[0].staging->size);
    for (uint32_t row = 0, n; row < to.rows; row += n) {
        n = to.rows - row < piece ? to.rows - row : piece;
        size_t floats = (size_t)n * to.cols;
        struct buffer *staging;
        uint64_t offset;
        if (!queue_stage(&v->queue, floats * sizeof(float), 16, &staging, &offset, err))
            return false;
        memcpy((unsigned char *)staging->mapped + offset, from + (size_t)row * to.cols,
               floats * sizeof(float));
        if (!copy_rows(v, to, row, n, staging, offset, true, err))
            return false;
    }
    return true;
}

// Host memory for `size` bytes of results.
static bool reserve_readback(struct vulkan *v, uint64_t size, struct abl_err *err)
{
    if (v->readback && v->readback->size >= size)
        return true;
    if (!queue_finish(&v->queue, err))
        return false;
    memory_buffer_destroy(&v->memory, v->readback);
    v->readback = NULL;
    return memory_buffer_new(&v->memory, POOL_READBACK, size, &v->readback, err);
}

bool vulkan_download(struct engine *e, struct tensor from, float *to, struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    uint32_t piece = piece_rows(&from, v->queue.slots[0].staging->size);
    for (uint32_t row = 0, n; row < from.rows; row += n) {
        n = from.rows - row < piece ? from.rows - row : piece;
        size_t floats = (size_t)n * from.cols;
        if (!reserve_readback(v, floats * sizeof(float), err)
            || !copy_rows(v, from, row, n, v->readback, 0, false, err)
            || !queue_finish(&v->queue, err))
            return false;
        memcpy(to + (size_t)row * from.cols, v->readback->mapped, floats * sizeof(float));
    }
    return true;
}

bool vulkan_read(struct vulkan *v, struct buffer *from, uint64_t size, const void **out,
                 struct abl_err *err)
{
    struct tensor t = { .buffer = from, .rows = 1, .cols = (uint32_t)(size / sizeof(float)) };
    if (!reserve_readback(v, size, err) || !copy_rows(v, t, 0, 1, v->readback, 0, false, err)
        || !queue_finish(&v->queue, err))
        return false;
    *out = v->readback->mapped;
    return true;
}

bool vulkan_list_new(struct vulkan *v, const void *values, uint64_t size, struct buffer **out,
                     struct abl_err *err)
{
    struct buffer *list, *staging;
    uint64_t offset;
    if (!vulkan_buffer_new(v, size, &list, err))
        return false;
    struct tensor t = { .buffer = list, .rows = 1, .cols = (uint32_t)(size / sizeof(float)) };
    if (!queue_stage(&v->queue, size, 16, &staging, &offset, err)) {
        vulkan_buffer_release(v, list);
        return false;
    }
    memcpy((unsigned char *)staging->mapped + offset, values, size);
    if (!copy_rows(v, t, 0, 1, staging, offset, true, err)) {
        vulkan_buffer_release(v, list);
        return false;
    }
    *out = list;
    return true;
}

bool vulkan_index_new(struct engine *e, const uint32_t *values, uint32_t count, struct index *out,
                      struct abl_err *err)
{
    static const uint32_t nothing = 0;
    struct buffer *list;
    const uint32_t *from = count ? values : &nothing;
    if (!vulkan_list_new((struct vulkan *)e, from, size_max(count, 1) * sizeof *from, &list, err))
        return false;
    *out = (struct index){ .buffer = list, .count = count };
    return true;
}

void vulkan_index_release(struct engine *e, struct index *list)
{
    vulkan_buffer_release((struct vulkan *)e, list->buffer);
    *list = (struct index){ 0 };
}

bool vulkan_finish(struct engine *e, struct abl_err *err)
{
    return queue_finish(&((struct vulkan *)e)->queue, err);
}
