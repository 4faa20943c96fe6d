#include "engine/vulkan/sets.h"

#include <stdlib.h>

#include "base/array.h"

enum { POOL_SETS = 256 };

static bool add_pool(struct sets *s, const struct vulkan_context *c, struct abl_err *err)
{
    VkDescriptorPool *bigger = array_room(s->pools, s->n, &s->cap, sizeof *bigger);
    if (!bigger)
        return abl_no_memory(err);
    s->pools = bigger;
    VkDescriptorPoolSize sizes[] = {
        { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
          POOL_SETS * (c->way.texels ? N_BINDINGS - MAX_INPUTS : N_BINDINGS) },
        { VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, POOL_SETS * MAX_INPUTS },
    };
    VkDescriptorPoolCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                        .maxSets = POOL_SETS,
                                        .poolSizeCount = c->way.texels ? 2 : 1,
                                        .pPoolSizes = sizes };
    VkDescriptorPool *to = &s->pools[s->n];
    if (!vulkan_check(c, c->api->CreateDescriptorPool(c->device, &info, NULL, to),
                      "create descriptor sets", err))
        return false;
    s->n++;
    return true;
}

bool sets_take(struct sets *s, const struct vulkan_context *c, VkDescriptorSetLayout layout,
               VkDescriptorSet *out, struct abl_err *err)
{
    if (s->n_taken == POOL_SETS) {
        s->current++;
        s->n_taken = 0;
    }
    if (s->current == s->n && !add_pool(s, c, err))
        return false;
    VkDescriptorSetAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                         .descriptorPool = s->pools[s->current],
                                         .descriptorSetCount = 1,
                                         .pSetLayouts = &layout };
    s->n_taken++;
    return vulkan_check(c, c->api->AllocateDescriptorSets(c->device, &info, out),
                        "create descriptor sets", err);
}

bool sets_reset(struct sets *s, const struct vulkan_context *c, struct abl_err *err)
{
    for (size_t i = 0; i < s->n && i <= s->current; i++)
        if (!vulkan_check(c, c->api->ResetDescriptorPool(c->device, s->pools[i], 0),
                          "reset descriptor sets", err))
            return false;
    s->current = 0;
    s->n_taken = 0;
    return true;
}

void sets_release(struct sets *s, const struct vulkan_context *c)
{
    for (size_t i = 0; i < s->n; i++)
        c->api->DestroyDescriptorPool(c->device, s->pools[i], NULL);
    free(s->pools);
    *s = (struct sets){ 0 };
}
