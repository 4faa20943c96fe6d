#include "engine/vulkan/memory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/vulkan/ranges.h"

// Blocks start small, for a small model on a software device, and double. A buffer larger than a
// block gets its own.
#define FIRST_BLOCK (UINT64_C(16) << 20)
#define LARGEST_BLOCK (UINT64_C(256) << 20)

struct memory_block {
    VkDeviceMemory handle;
    uint32_t type;
    uint64_t size;
    unsigned char *mapped; // NULL in POOL_DEVICE
    struct ranges ranges;
    enum memory_pool pool;
    struct memory_block *next;
};

// Memory properties of each pool, the best first; the last is what must be there.
static const VkMemoryPropertyFlags wishes[N_POOLS][2] = {
    [POOL_DEVICE] = { VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0 },
    [POOL_STAGING] = { VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT },
    [POOL_READBACK]
    = { VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
            | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT },
};

void memory_init(struct memory *m, const struct vulkan_context *context)
{
    *m = (struct memory){ .context = context };
    for (int i = 0; i < N_POOLS; i++)
        m->next_block[i] = FIRST_BLOCK;
}

static void block_free(struct memory *m, struct memory_block *b)
{
    m->allocated -= b->size;
    m->context->api->FreeMemory(m->context->device, b->handle, NULL); // unmaps too
    ranges_release(&b->ranges);
    free(b);
}

void memory_trim(struct memory *m)
{
    for (int i = 0; i < N_POOLS; i++)
        for (struct memory_block **at = &m->blocks[i]; *at;) {
            struct memory_block *b = *at;
            if (!ranges_all_free(&b->ranges)) {
                at = &b->next;
                continue;
            }
            *at = b->next;
            block_free(m, b);
        }
}

void memory_release(struct memory *m)
{
    if (!m->context)
        return;
    while (m->newest)
        memory_buffer_destroy(m, m->newest);
    memory_trim(m);
}

// A memory type that the buffer allows and that has the properties; -1 if there is none.
static int find_type(const VkPhysicalDeviceMemoryProperties *p, uint32_t allowed,
                     VkMemoryPropertyFlags wanted)
{
    for (uint32_t i = 0; i < p->memoryTypeCount; i++)
        if ((allowed >> i & 1) && (p->memoryTypes[i].propertyFlags & wanted) == wanted)
            return (int)i;
    return -1;
}

static bool block_new(struct memory *m, enum memory_pool pool, uint64_t size, uint32_t type,
                      struct memory_block **out, struct abl_err *err)
{
    const struct vulkan_context *c = m->context;
    struct memory_block *b = calloc(1, sizeof *b);
    if (!b || !ranges_init(&b->ranges, size)) {
        free(b);
        return abl_no_memory(err);
    }
    VkMemoryAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                  .allocationSize = size,
                                  .memoryTypeIndex = type };
    VkResult r = c->api->AllocateMemory(c->device, &info, NULL, &b->handle);
    if (r != VK_SUCCESS) {
        ranges_release(&b->ranges);
        free(b);
        return vulkan_check(c, r, "allocate memory", err);
    }
    b->size = size;
    b->type = type;
    b->pool = pool;
    m->allocated += size;
    void *mapped = NULL;
    if (pool != POOL_DEVICE
        && !vulkan_check(c, c->api->MapMemory(c->device, b->handle, 0, VK_WHOLE_SIZE, 0, &mapped),
                         "map memory", err)) {
        block_free(m, b);
        return false;
    }
    b->mapped = mapped;
    *out = b;
    return true;
}

// A new block for at least `size` bytes: of the usual size, or when that is too much, of just what
// is needed.
static bool add_block(struct memory *m, enum memory_pool pool, const VkMemoryRequirements *need,
                      struct memory_block **out, struct abl_err *err)
{
    const VkPhysicalDeviceMemoryProperties *p = &m->context->gpu->memory;
    uint64_t usual = m->next_block[pool];
    bool failed = false;
    for (int wish = 0; wish < 2; wish++) {
        int type = find_type(p, need->memoryTypeBits, wishes[pool][wish]);
        if (type < 0)
            continue;
        if ((need->size < usual && block_new(m, pool, usual, (uint32_t)type, out, err))
            || block_new(m, pool, need->size, (uint32_t)type, out, err)) {
            if (usual < LARGEST_BLOCK)
                m->next_block[pool] = 2 * usual;
            (*out)->next = m->blocks[pool];
            m->blocks[pool] = *out;
            return true;
        }
        failed = true;
    }
    // err says how
    if (failed)
        return false;
    return abl_fail(err, ABL_FAILED,
                    "'%s' has no memory that the host can reach; update its driver, or %s",
                    m->context->gpu->info.name, vulkan_choice(m->context).text);
}

static bool place_buffer(struct memory *m, enum memory_pool pool, struct buffer *b,
                         struct abl_err *err)
{
    const struct vulkan_context *c = m->context;
    VkMemoryRequirements need;
    c->api->GetBufferMemoryRequirements(c->device, b->handle, &need);
    struct memory_block *block = m->blocks[pool];
    uint64_t first = 0;
    while (block
           && !((need.memoryTypeBits >> block->type & 1)
                && ranges_take(&block->ranges, need.size, need.alignment, &first)))
        block = block->next;
    if (!block) {
        if (!add_block(m, pool, &need, &block, err))
            return false;
        if (!ranges_take(&block->ranges, need.size, need.alignment, &first))
            return abl_no_memory(err);
    }
    b->block = block;
    b->place.first = first;
    b->place.size = need.size;
    b->mapped = block->mapped ? block->mapped + first : NULL;
    return vulkan_check(c, c->api->BindBufferMemory(c->device, b->handle, block->handle, first),
                        "bind memory", err);
}

static bool create_view(struct memory *m, struct buffer *b, VkFormat format, struct abl_err *err)
{
    const struct vulkan_context *c = m->context;
    VkBufferViewCreateInfo info = { .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                    .buffer = b->handle,
                                    .format = format,
                                    .range = VK_WHOLE_SIZE };
    return vulkan_check(c, c->api->CreateBufferView(c->device, &info, NULL, &b->view),
                        "view a buffer", err);
}

bool memory_buffer_new(struct memory *m, enum memory_pool pool, uint64_t size, struct buffer **out,
                       struct abl_err *err)
{
    const struct vulkan_context *c = m->context;
    size = size < 16 ? 16 : (size + 15) & ~UINT64_C(15);
    if (size > c->max_read)
        return abl_fail(err, ABL_FAILED,
                        "a buffer of %" PRIu64 " MiB is too large for '%s', which reads at most "
                        "%" PRIu64 " MiB at once; lower --mem",
                        size >> 20, c->gpu->info.name, c->max_read >> 20);
    struct buffer *b = calloc(1, sizeof *b);
    if (!b)
        return abl_no_memory(err);
    b->size = size;
    b->older = m->newest;
    if (m->newest)
        m->newest->newer = b;
    m->newest = b;
    VkBufferCreateInfo info
        = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
            .size = size,
            .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT
                     | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT };
    bool view = pool == POOL_DEVICE && c->way.texels;
    if (view)
        info.usage |= VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT;
    if (!vulkan_check(c, c->api->CreateBuffer(c->device, &info, NULL, &b->handle),
                      "create a buffer", err)
        || !place_buffer(m, pool, b, err)
        || (view && !create_view(m, b, VK_FORMAT_R32G32B32A32_SFLOAT, err))) {
        memory_buffer_destroy(m, b);
        return false;
    }
    *out = b;
    return true;
}

bool memory_view_halves(struct memory *m, struct buffer *b, struct abl_err *err)
{
    const struct vulkan_context *c = m->context;
    if (!b->view)
        return true;
    c->api->DestroyBufferView(c->device, b->view, NULL);
    b->view = VK_NULL_HANDLE;
    return create_view(m, b, VK_FORMAT_R16G16B16A16_SFLOAT, err);
}

void memory_buffer_destroy(struct memory *m, struct buffer *b)
{
    if (!b)
        return;
    const struct vulkan_context *c = m->context;
    c->api->DestroyBufferView(c->device, b->view, NULL);
    c->api->DestroyBuffer(c->device, b->handle, NULL);
    if (b->block)
        ranges_give(&b->block->ranges, b->place.first, b->place.size);
    if (b->older)
        b->older->newer = b->newer;
    if (b->newer)
        b->newer->older = b->older;
    else
        m->newest = b->older;
    free(b);
}
