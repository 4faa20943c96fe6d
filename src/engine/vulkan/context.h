// Loader, instance, the devices that there are, and one of them opened. Nothing here changes once
// it is open.
#ifndef ABL_ENGINE_VULKAN_CONTEXT_H
#define ABL_ENGINE_VULKAN_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "engine/vulkan/api.h"
#include "engine/vulkan/coop.h"
#include "engine/vulkan/way.h"

// A device as the driver describes it.
struct vulkan_device {
    VkPhysicalDevice handle;
    struct device_info info;
    VkPhysicalDeviceLimits limits;
    VkPhysicalDeviceMemoryProperties memory;
    uint64_t max_allocation; // bytes
    uint32_t queue_family;   // with compute, without graphics where there is one
    uint32_t timestamp_bits; // 0: that family has no timestamps
    bool has_size_control;   // a pipeline can ask for the size of its subgroups
    bool has_full_subgroups;
    bool is_portability_subset;
    struct coop coop;
    const char *lacks; // what we need and it has not; NULL: it will do
    struct way way;    // if it will
};

struct vulkan_instance {
    struct vulkan_api api;
    VkInstance handle;
    struct vulkan_device *devices;
    uint32_t n_devices;
};

// False where there is no loader or no driver. vulkan_instance_release also undoes a failed init.
bool vulkan_instance_init(struct vulkan_instance *in, struct abl_err *err);
void vulkan_instance_release(struct vulkan_instance *in);

// The opened device.
struct vulkan_context {
    struct vulkan_instance instance; // owned
    struct vulkan_api *api;          // &instance.api
    const struct vulkan_device *gpu; // one of instance.devices
    VkDevice device;
    VkQueue queue;
    struct way way;    // of the gpu
    bool halves;       // weights are stored as fp16
    bool coop;         // opened for products of fp16 matrices
    uint64_t max_read; // bytes that one binding can read; no buffer is larger
};

// Open the device of that uuid, index or name, taking over the instance, also after a failure.
// halves: for --precision f16, with products by linear_coop where the device has them.
bool vulkan_context_init(struct vulkan_context *c, struct vulkan_instance *instance,
                         const struct device_info *wanted, bool halves, struct abl_err *err);
void vulkan_context_release(struct vulkan_context *c);

// From one of the device's timestamps to a later one.
double vulkan_seconds(const struct vulkan_context *c, uint64_t from, uint64_t to);

// True if r is no error, else fill err: "cannot <what> on '<device>': VK_ERROR_…; <what to do>".
bool vulkan_check(const struct vulkan_context *c, VkResult r, const char *what,
                  struct abl_err *err);
const char *vulkan_result_name(VkResult r);

// What there is in place of the device, in words for an error: "choose --device …".
struct choice {
    char text[512];
};
struct choice vulkan_choice(const struct vulkan_context *c);

#endif
