#include "engine/vulkan/queue.h"

#include <assert.h>
#include <inttypes.h>

#define STAGING_BYTES (UINT64_C(8) << 20)

// One wait, and how many of them until a device counts as hung. A software device shares its cores
// with others.
#define WAIT_NS UINT64_C(1000000000)
enum { WAITS = 600 };

// A submission should take this long: short beside every driver's time limit, long beside the cost
// of submitting.
static const double target_seconds = 0.05;
static const double least_work = 1e8;

static bool create_slots(struct queue *q, struct abl_err *err)
{
    const struct vulkan_context *c = q->context;
    VkCommandBuffer commands[QUEUE_SLOTS];
    VkCommandBufferAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                         .commandPool = q->pool,
                                         .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                         .commandBufferCount = QUEUE_SLOTS };
    if (!vulkan_check(c, c->api->AllocateCommandBuffers(c->device, &info, commands),
                      "create command buffers", err))
        return false;
    VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
    for (int i = 0; i < QUEUE_SLOTS; i++) {
        q->slots[i].commands = commands[i];
        if (!vulkan_check(c, c->api->CreateFence(c->device, &fence, NULL, &q->slots[i].fence),
                          "create a fence", err)
            || !memory_buffer_new(q->memory, POOL_STAGING, STAGING_BYTES, &q->slots[i].staging,
                                  err))
            return false;
    }
    return true;
}

bool queue_init(struct queue *q, const struct vulkan_context *context, struct memory *memory,
                struct abl_err *err)
{
    const struct vulkan_context *c = context;
    // To begin with, a guess on the low side.
    *q = (struct queue){
        .context = c, .memory = memory, .epoch = 1, .work_limit = c->way.alone ? 1e9 : 1e10
    };
    VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                     .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                     .queueFamilyIndex = c->gpu->queue_family };
    VkQueryPoolCreateInfo queries = { .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                      .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                      .queryCount = 2 * QUEUE_SLOTS };
    return vulkan_check(c, c->api->CreateCommandPool(c->device, &pool, NULL, &q->pool),
                        "create a command pool", err)
           && (c->gpu->timestamp_bits == 0
               || vulkan_check(c,
                               c->api->CreateQueryPool(c->device, &queries, NULL, &q->timestamps),
                               "create timestamps", err))
           && create_slots(q, err);
}

void queue_release(struct queue *q)
{
    const struct vulkan_context *c = q->context;
    if (!c)
        return;
    c->api->DeviceWaitIdle(c->device);
    for (int i = 0; i < QUEUE_SLOTS; i++) {
        memory_buffer_destroy(q->memory, q->slots[i].staging);
        sets_release(&q->slots[i].sets, c);
        c->api->DestroyFence(c->device, q->slots[i].fence, NULL);
    }
    c->api->DestroyQueryPool(c->device, q->timestamps, NULL);
    c->api->DestroyCommandPool(c->device, q->pool, NULL);
    *q = (struct queue){ 0 };
}

static bool check(struct queue *q, VkResult r, const char *what, struct abl_err *err)
{
    if (r < 0)
        q->failed = true;
    return vulkan_check(q->context, r, what, err);
}

static bool failed_before(const struct queue *q, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED,
                    "'%s' has failed before and takes no more work; run again, or %s",
                    q->context->gpu->info.name, vulkan_choice(q->context).text);
}

static bool wait_for(struct queue *q, const struct queue_slot *slot, struct abl_err *err)
{
    const struct vulkan_context *c = q->context;
    if (slot->submission <= q->completed)
        return true;
    for (int i = 0; i < WAITS; i++) {
        VkResult r = c->api->WaitForFences(c->device, 1, &slot->fence, VK_TRUE, WAIT_NS);
        if (r == VK_TIMEOUT)
            continue;
        if (r == VK_SUCCESS)
            q->completed = slot->submission;
        return check(q, r, "wait for a result", err);
    }
    q->failed = true;
    return abl_fail(err, ABL_FAILED,
                    "'%s' has not answered for %d s; stop what else uses it, or %s",
                    c->gpu->info.name, WAITS, vulkan_choice(c).text);
}

// Move the limit towards what the device does in the target time,
// at most by a factor of 2 up and 4 down.
static void learn_speed(struct queue *q, const struct queue_slot *slot)
{
    const struct vulkan_context *c = q->context;
    uint64_t t[2];
    if (!q->timestamps || slot->work < 0.5 * q->work_limit
        || c->api->GetQueryPoolResults(c->device, q->timestamps, 2 * (uint32_t)(slot - q->slots), 2,
                                       sizeof t, t, sizeof t[0], VK_QUERY_RESULT_64_BIT)
               != VK_SUCCESS)
        return;
    double seconds = vulkan_seconds(c, t[0], t[1]);
    double wanted = seconds > 0 ? slot->work * target_seconds / seconds : 2 * q->work_limit;
    if (wanted > 2 * q->work_limit)
        wanted = 2 * q->work_limit;
    if (wanted < 0.25 * q->work_limit)
        wanted = 0.25 * q->work_limit;
    q->work_limit = wanted > least_work ? wanted : least_work;
}

bool queue_commands(struct queue *q, VkCommandBuffer *out, struct abl_err *err)
{
    const struct vulkan_context *c = q->context;
    struct queue_slot *slot = &q->slots[q->current];
    *out = slot->commands;
    if (slot->recording)
        return true;
    if (q->failed)
        return failed_before(q, err);
    if (slot->submission) {
        if (!wait_for(q, slot, err))
            return false;
        learn_speed(q, slot);
    }
    if (!sets_reset(&slot->sets, c, err))
        return false;
    slot->staging_used = 0;
    slot->work = 0;
    VkCommandBufferBeginInfo info = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT };
    if (!check(q, c->api->BeginCommandBuffer(slot->commands, &info), "record commands", err))
        return false;
    slot->recording = true;
    if (q->timestamps) {
        c->api->CmdResetQueryPool(slot->commands, q->timestamps, 2 * q->current, 2);
        c->api->CmdWriteTimestamp(slot->commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, q->timestamps,
                                  2 * q->current);
    }
    return true;
}

// What the device wrote into mapped memory becomes readable by the host once the submission is
// waited for.
static void barrier_to_host(struct queue *q, VkCommandBuffer commands)
{
    VkMemoryBarrier memory
        = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
            .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
            .dstAccessMask = VK_ACCESS_HOST_READ_BIT };
    q->context->api->CmdPipelineBarrier(
        commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &memory, 0, NULL, 0, NULL);
}

static bool submit(struct queue *q, struct abl_err *err)
{
    const struct vulkan_context *c = q->context;
    struct queue_slot *slot = &q->slots[q->current];
    if (!slot->recording)
        return true;
    barrier_to_host(q, slot->commands);
    if (q->timestamps)
        c->api->CmdWriteTimestamp(slot->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                                  q->timestamps, 2 * q->current + 1);
    slot->recording = false;
    if (!check(q, c->api->EndCommandBuffer(slot->commands), "record commands", err))
        return false;
    VkSubmitInfo info = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                          .commandBufferCount = 1,
                          .pCommandBuffers = &slot->commands };
    if (!check(q, c->api->ResetFences(c->device, 1, &slot->fence), "submit work", err)
        || !check(q, c->api->QueueSubmit(c->queue, 1, &info, slot->fence), "submit work", err))
        return false;
    slot->submission = ++q->submitted;
    q->current = (q->current + 1) % QUEUE_SLOTS;
    return true;
}

bool queue_set(struct queue *q, VkDescriptorSetLayout layout, VkDescriptorSet *out,
               struct abl_err *err)
{
    VkCommandBuffer commands;
    return queue_commands(q, &commands, err)
           && sets_take(&q->slots[q->current].sets, q->context, layout, out, err);
}

bool queue_stage(struct queue *q, uint64_t size, uint64_t alignment, struct buffer **staging,
                 uint64_t *offset, struct abl_err *err)
{
    VkCommandBuffer commands;
    if (!queue_commands(q, &commands, err))
        return false;
    struct queue_slot *slot = &q->slots[q->current];
    uint64_t first = (slot->staging_used + alignment - 1) / alignment * alignment;
    if (slot->staging_used > 0 && first + size > slot->staging->size) {
        if (!submit(q, err) || !queue_commands(q, &commands, err))
            return false;
        slot = &q->slots[q->current];
        first = 0;
    }
    if (size > slot->staging->size) { // and unused, so nothing refers to it
        struct buffer *bigger;
        if (!memory_buffer_new(q->memory, POOL_STAGING, size, &bigger, err))
            return false;
        memory_buffer_destroy(q->memory, slot->staging);
        slot->staging = bigger;
    }
    slot->staging_used = first + size;
    *staging = slot->staging;
    *offset = first;
    return true;
}

static void barrier(struct queue *q, VkCommandBuffer commands)
{
    VkMemoryBarrier memory
        = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
            .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
            .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT
                             | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT };
    VkPipelineStageFlags stages
        = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    q->context->api->CmdPipelineBarrier(commands, stages, stages, 0, 1, &memory, 0, NULL, 0, NULL);
    q->epoch++;
}

bool queue_access(struct queue *q, struct buffer *const *reads, size_t n_reads,
                  struct buffer *const *writes, size_t n_writes, struct abl_err *err)
{
    VkCommandBuffer commands;
    if (!queue_commands(q, &commands, err))
        return false;
    bool hazard = false;
    for (size_t i = 0; i < n_reads; i++)
        hazard |= reads[i] && reads[i]->write_epoch == q->epoch;
    for (size_t i = 0; i < n_writes; i++)
        hazard |= writes[i]
                  && (writes[i]->write_epoch == q->epoch || writes[i]->read_epoch == q->epoch);
    if (hazard)
        barrier(q, commands);
    uint64_t submission = q->submitted + 1;
    for (size_t i = 0; i < n_reads; i++)
        if (reads[i]) {
            reads[i]->read_epoch = q->epoch;
            reads[i]->last_use = submission;
        }
    for (size_t i = 0; i < n_writes; i++)
        if (writes[i]) {
            writes[i]->write_epoch = q->epoch;
            writes[i]->last_use = submission;
        }
    return true;
}

bool queue_spend(struct queue *q, double work, struct abl_err *err)
{
    struct queue_slot *slot = &q->slots[q->current];
    slot->work += work;
    return slot->work < q->work_limit || submit(q, err);
}

bool queue_finish(struct queue *q, struct abl_err *err)
{
    if (!submit(q, err))
        return false;
    if (q->failed)
        return failed_before(q, err);
    return wait_for(q, &q->slots[(q->current + QUEUE_SLOTS - 1) % QUEUE_SLOTS], err);
}

uint64_t queue_completed(const struct queue *q)
{
    const struct vulkan_context *c = q->context;
    uint64_t completed = q->completed;
    for (int i = 0; i < QUEUE_SLOTS; i++) {
        const struct queue_slot *slot = &q->slots[i];
        if (slot->submission > completed
            && c->api->GetFenceStatus(c->device, slot->fence) == VK_SUCCESS)
            completed = slot->submission;
    }
    return completed;
}
