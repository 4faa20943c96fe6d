// Products of fp16 matrices by whole subgroups (VK_KHR_cooperative_matrix, tensor cores on many
// GPUs), for --precision f16. None where the device has no such products, or the Vulkan headers or
// the shader compiler of the build did not know them.
#ifndef ABL_ENGINE_VULKAN_COOP_H
#define ABL_ENGINE_VULKAN_COOP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/vulkan/api.h"
#include "engine/vulkan/way.h"

#if defined(ABLTUI_COOP) && defined(VK_KHR_cooperative_matrix)
#define HAS_COOP
#endif

// One product (m, k) · (k, n) of a subgroup, halves into floats; m 0:
// none that linear_coop could use.
struct coop {
    uint32_t m, n, k;
};

// What a device that is asked for them has to be opened with; linked into its chain of features.
struct coop_features {
#ifdef HAS_COOP
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix;
    VkPhysicalDeviceVulkanMemoryModelFeatures model;
    VkPhysicalDeviceShaderFloat16Int8Features half;
#else
    char none;
#endif
};

// The name of the extension; NULL where the build has none.
const char *coop_extension(void);

// What a device that has the extension offers to its subgroups.
struct coop coop_query(const struct vulkan_api *api, VkInstance instance, VkPhysicalDevice device,
                       const struct way *way);

// Link f into a chain of features that begins at *head.
void coop_enable(struct coop_features *f, const void **head);

#endif
