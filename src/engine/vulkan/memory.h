// Buffers, sub-allocated from big blocks of device memory.
#ifndef ABL_ENGINE_VULKAN_MEMORY_H
#define ABL_ENGINE_VULKAN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/vulkan/context.h"

enum memory_pool {
    POOL_DEVICE,   // tensors, weights, lists
    POOL_STAGING,  // the host writes, the device reads
    POOL_READBACK, // the device writes, the host reads
    N_POOLS
};

struct memory_block;

// One VkBuffer with a texel view over all of it.
struct buffer {
    VkBuffer handle;
    // RGBA32F, or RGBA16F; none where the device reads storage buffers, or for a pool of the host
    VkBufferView view;
    uint64_t size; // bytes, a multiple of 16
    void *mapped;  // host address; NULL in POOL_DEVICE
    struct memory_block *block;
    struct range_of_block {
        uint64_t first, size;
    } place;

    // Kept by the queue: the epochs in which commands last read and wrote it, and the submission
    // that last uses it.
    uint64_t read_epoch, write_epoch;
    uint64_t last_use;
    struct buffer *next;          // in the list of released buffers
    struct buffer *older, *newer; // in the list of all
};

struct memory {
    const struct vulkan_context *context;
    struct memory_block *blocks[N_POOLS];
    struct buffer *newest;        // of all buffers that there are
    uint64_t next_block[N_POOLS]; // bytes; grows as blocks are added
    uint64_t allocated;           // bytes of all blocks
};

void memory_init(struct memory *m, const struct vulkan_context *context);
// Destroys what buffers are left, too. The device must be idle.
void memory_release(struct memory *m);

// A buffer of `size` bytes, rounded up to 16. The caller destroys it when the device
// no longer uses it.
bool memory_buffer_new(struct memory *m, enum memory_pool pool, uint64_t size, struct buffer **out,
                       struct abl_err *err);
// From now on texels of a buffer are four fp16.
bool memory_view_halves(struct memory *m, struct buffer *b, struct abl_err *err);
void memory_buffer_destroy(struct memory *m, struct buffer *b);

// Give blocks without buffers back to the driver.
void memory_trim(struct memory *m);

#endif
