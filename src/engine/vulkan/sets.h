// Descriptor sets for the commands of one recording, on drivers without VK_KHR_push_descriptor:
// taken one by one from pools that grow in number, all given back when the recording has run.
#ifndef ABL_ENGINE_VULKAN_SETS_H
#define ABL_ENGINE_VULKAN_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/vulkan/context.h"

// Zeros: no pools yet.
struct sets {
    VkDescriptorPool *pools;
    size_t n, cap;
    size_t current;   // pool that sets are taken from
    uint32_t n_taken; // of that pool
};

// A set of that layout, valid until sets_reset.
bool sets_take(struct sets *s, const struct vulkan_context *c, VkDescriptorSetLayout layout,
               VkDescriptorSet *out, struct abl_err *err);
bool sets_reset(struct sets *s, const struct vulkan_context *c, struct abl_err *err);
void sets_release(struct sets *s, const struct vulkan_context *c);

#endif
