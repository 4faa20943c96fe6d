// Recording and submitting: command buffers in turn, staging memory for what the host sends,
// barriers, waits.
//
// Commands go into the current slot's command buffer. A slot is submitted when it holds enough work
// (so that no submission runs into a driver's time limit), when its staging memory is full, or when
// someone waits; then the next slot's turn comes, after its previous submission is done. A fence
// a slot says when that is; submissions end in order.
#ifndef ABL_ENGINE_VULKAN_QUEUE_H
#define ABL_ENGINE_VULKAN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/vulkan/context.h"
#include "engine/vulkan/memory.h"
#include "engine/vulkan/sets.h"

enum { QUEUE_SLOTS = 3 };

struct queue_slot {
    VkCommandBuffer commands;
    VkFence fence;
    struct sets sets;
    struct buffer *staging;
    uint64_t staging_used; // bytes
    uint64_t submission;   // that it went with last, 0 = none
    double work;           // of the commands recorded, in multiply-adds
    bool recording;
};

struct queue {
    const struct vulkan_context *context;
    struct memory *memory;
    VkCommandPool pool;
    VkQueryPool timestamps; // 2 a slot; none where the device has no timestamps
    struct queue_slot slots[QUEUE_SLOTS];
    unsigned current;
    uint64_t submitted; // submissions so far
    uint64_t completed; // of these, as far as is known
    double work_limit;  // of one submission; follows the device's speed
    uint64_t epoch;     // commands of one epoch have no barrier between them
    bool failed;        // a submission or wait failed: nothing more runs
};

bool queue_init(struct queue *q, const struct vulkan_context *context, struct memory *memory,
                struct abl_err *err);
void queue_release(struct queue *q); // waits for the device

// The command buffer to record the next command into.
bool queue_commands(struct queue *q, VkCommandBuffer *out, struct abl_err *err);

// A descriptor set for the next command.
bool queue_set(struct queue *q, VkDescriptorSetLayout layout, VkDescriptorSet *out,
               struct abl_err *err);

// Staging memory for the commands recorded next; where in slot->staging it lies is *offset, a
// multiple of alignment.
bool queue_stage(struct queue *q, uint64_t size, uint64_t alignment, struct buffer **staging,
                 uint64_t *offset, struct abl_err *err);

// The next command reads / writes these buffers (NULL entries are skipped): put a
// barrier where it needs one. Buffers of the staging pool need not be named:
// submitting makes the host's writes visible.
bool queue_access(struct queue *q, struct buffer *const *reads, size_t n_reads,
                  struct buffer *const *writes, size_t n_writes, struct abl_err *err);

// Count the work of a command just recorded; submits when that was enough.
bool queue_spend(struct queue *q, double work, struct abl_err *err);

// Submit and wait for everything. What the device wrote into mapped buffers can be read then.
bool queue_finish(struct queue *q, struct abl_err *err);

// How many submissions are done, without waiting.
uint64_t queue_completed(const struct queue *q);

#endif
