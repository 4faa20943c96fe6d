#include "engine/vulkan/context.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

const char *vulkan_result_name(VkResult r)
{
#define NAME(x)                                                                                    \
    case x:                                                                                        \
        return #x;
    switch (r) {
        NAME(VK_NOT_READY)
        NAME(VK_TIMEOUT)
        NAME(VK_INCOMPLETE)
        NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
        NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        NAME(VK_ERROR_INITIALIZATION_FAILED)
        NAME(VK_ERROR_DEVICE_LOST)
        NAME(VK_ERROR_MEMORY_MAP_FAILED)
        NAME(VK_ERROR_LAYER_NOT_PRESENT)
        NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
        NAME(VK_ERROR_FEATURE_NOT_PRESENT)
        NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
        NAME(VK_ERROR_TOO_MANY_OBJECTS)
        NAME(VK_ERROR_FORMAT_NOT_SUPPORTED)
        NAME(VK_ERROR_FRAGMENTED_POOL)
        NAME(VK_ERROR_OUT_OF_POOL_MEMORY)
        NAME(VK_ERROR_INVALID_EXTERNAL_HANDLE)
        NAME(VK_ERROR_INVALID_SHADER_NV)
    default:
        return "unknown Vulkan error";
    }
#undef NAME
}

struct choice vulkan_choice(const struct vulkan_context *c)
{
    struct choice out;
    const struct vulkan_instance *in = &c->instance;
    int used = snprintf(out.text, sizeof out.text, "choose --device cpu%s",
                        c->halves ? " --precision f32" : "");
    for (uint32_t i = 0; i < in->n_devices && used > 0 && (size_t)used < sizeof out.text; i++)
        if (&in->devices[i] != c->gpu && !in->devices[i].lacks)
            used += snprintf(out.text + used, sizeof out.text - (size_t)used,
                             ", or --device vulkan:%" PRIu32 " (%s)",
                             in->devices[i].info.vulkan_index, in->devices[i].info.name);
    return out;
}

static const char *remedy(VkResult r)
{
    switch (r) {
    case VK_ERROR_DEVICE_LOST:
        return "its driver gave it up: run again";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return "close other programs, lower --mem";
    default:
        return "update the driver";
    }
}

bool vulkan_check(const struct vulkan_context *c, VkResult r, const char *what, struct abl_err *err)
{
    if (r >= 0)
        return true;
    return abl_fail(err, ABL_FAILED, "cannot %s on '%s': %s; %s, or %s", what, c->gpu->info.name,
                    vulkan_result_name(r), remedy(r), vulkan_choice(c).text);
}

// By UUID where the list gave one, because an index may change when a device is plugged
// in; else by index.
static const struct vulkan_device *find_device(const struct vulkan_instance *in,
                                               const struct device_info *wanted)
{
    const struct vulkan_device *same_uuid = NULL;
    for (uint32_t i = 0; i < in->n_devices; i++) {
        const struct device_info *info = &in->devices[i].info;
        if (strcmp(info->uuid, wanted->uuid) != 0 || strcmp(info->name, wanted->name) != 0)
            continue;
        if (info->vulkan_index == wanted->vulkan_index)
            return &in->devices[i];
        same_uuid = &in->devices[i];
    }
    return same_uuid;
}

static bool create_device(struct vulkan_context *c, struct abl_err *err)
{
    const struct vulkan_device *d = c->gpu;
    float priority = 1;
    VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                      .queueFamilyIndex = d->queue_family,
                                      .queueCount = 1,
                                      .pQueuePriorities = &priority };
    const char *extensions[4];
    uint32_t n = 0;
    if (c->way.push)
        extensions[n++] = VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;
    if (d->has_size_control || d->has_full_subgroups)
        extensions[n++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
    if (d->is_portability_subset)
        extensions[n++] = "VK_KHR_portability_subset";
    if (c->coop)
        extensions[n++] = coop_extension();
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT control
        = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
            .subgroupSizeControl = d->has_size_control,
            .computeFullSubgroups = d->has_full_subgroups };
    struct coop_features coop;
    const void *features = d->has_size_control || d->has_full_subgroups ? &control : NULL;
    if (c->coop)
        coop_enable(&coop, &features);
    VkDeviceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                .pNext = features,
                                .queueCreateInfoCount = 1,
                                .pQueueCreateInfos = &queue,
                                .enabledExtensionCount = n,
                                .ppEnabledExtensionNames = extensions };
    return vulkan_check(c, c->api->CreateDevice(d->handle, &info, NULL, &c->device),
                        "open a device", err)
           && vulkan_api_init_device(c->api, c->device, c->way.push, err);
}

bool vulkan_context_init(struct vulkan_context *c, struct vulkan_instance *instance,
                         const struct device_info *wanted, bool halves, struct abl_err *err)
{
    *c = (struct vulkan_context){ .instance = *instance, .halves = halves };
    *instance = (struct vulkan_instance){ 0 };
    c->api = &c->instance.api;
    c->gpu = find_device(&c->instance, wanted);
    if (!c->gpu)
        return abl_fail(err, ABL_FAILED,
                        "vulkan device '%s' is gone; see abltui devices for what there is",
                        wanted->name);
    const struct vulkan_device *d = c->gpu;
    if (d->lacks)
        return abl_fail(err, ABL_FAILED, "vulkan device '%s' lacks %s; update its driver, or %s",
                        d->info.name, d->lacks, vulkan_choice(c).text);
    c->way = d->way;
    c->coop = halves && c->way.subgroups && !c->way.alone && d->coop.m;
    if (!create_device(c, err))
        return false;
    c->api->GetDeviceQueue(c->device, d->queue_family, 0, &c->queue);
    uint64_t texel_bytes = 16 * (uint64_t)d->limits.maxTexelBufferElements;
    uint64_t read = c->way.texels ? texel_bytes : d->limits.maxStorageBufferRange;
    // Shaders count floats in 32 bits, and texels in signed ones.
    c->max_read = u64_min(u64_min(read, d->max_allocation), UINT64_C(1) << 33) & ~UINT64_C(15);
    return true;
}

void vulkan_context_release(struct vulkan_context *c)
{
    if (c->device && c->api->DestroyDevice)
        c->api->DestroyDevice(c->device, NULL);
    vulkan_instance_release(&c->instance);
    *c = (struct vulkan_context){ 0 };
}

double vulkan_seconds(const struct vulkan_context *c, uint64_t from, uint64_t to)
{
    uint32_t bits = c->gpu->timestamp_bits;
    uint64_t mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return (double)((to - from) & mask) * (double)c->gpu->limits.timestampPeriod * 1e-9;
}
