#include "engine/vulkan/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the shaders are written for.
enum {
    NEED_THREADS = 256,
    NEED_STORAGE_BUFFERS = 7,
    NEED_TEXEL_BUFFERS = 4,
    NEED_PUSH_DESCRIPTORS = 7
};
enum { NEED_SHARED_BYTES = 16 * 1024, NEED_PUSH_BYTES = 128 };

static bool has_name(const VkExtensionProperties *all, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(all[i].extensionName, name))
            return true;
    return false;
}

// MoltenVK shows itself only to those who ask for incomplete implementations too.
static bool instance_has_portability(const struct vulkan_api *api)
{
    uint32_t n = 0;
    if (api->EnumerateInstanceExtensionProperties(NULL, &n, NULL) != VK_SUCCESS || n == 0)
        return false;
    VkExtensionProperties *all = calloc(n, sizeof *all);
    bool found = all && api->EnumerateInstanceExtensionProperties(NULL, &n, all) >= 0
                 && has_name(all, n, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    free(all);
    return found;
}

static bool create_instance(struct vulkan_instance *in, struct abl_err *err)
{
    uint32_t version = 0;
    if (in->api.EnumerateInstanceVersion(&version) != VK_SUCCESS || version < VK_API_VERSION_1_2)
        return abl_fail(
            err, ABL_FAILED,
            "the Vulkan loader is of version %u.%u, expected 1.2 or later; update it, or "
            "choose --device cpu",
            VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
    VkApplicationInfo app = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                              .pApplicationName = "abltui",
                              .apiVersion = VK_API_VERSION_1_2 };
    const char *extension = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
    VkInstanceCreateInfo info
        = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app };
    if (instance_has_portability(&in->api)) {
        info.flags = VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
        info.enabledExtensionCount = 1;
        info.ppEnabledExtensionNames = &extension;
    }
    VkResult r = in->api.CreateInstance(&info, NULL, &in->handle);
    if (r == VK_ERROR_INCOMPATIBLE_DRIVER)
        return abl_fail(err, ABL_FAILED,
                        "no Vulkan driver on this machine; install one, or choose --device cpu");
    if (r != VK_SUCCESS)
        return abl_fail(err, ABL_FAILED, "cannot start Vulkan: %s; choose --device cpu",
                        vulkan_result_name(r));
    return vulkan_api_init_instance(&in->api, in->handle, err);
}

// The compute family without graphics, which does not compete with the screen;
// else any with compute.
static bool find_queue(const struct vulkan_api *api, struct vulkan_device *d)
{
    VkQueueFamilyProperties families[32];
    uint32_t n = sizeof families / sizeof *families;
    api->GetPhysicalDeviceQueueFamilyProperties(d->handle, &n, families);
    bool found = false;
    for (uint32_t i = 0; i < n; i++) {
        bool compute = families[i].queueFlags & VK_QUEUE_COMPUTE_BIT;
        bool graphics = families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT;
        if (!compute || (found && graphics))
            continue;
        d->queue_family = i;
        d->timestamp_bits = families[i].timestampValidBits;
        found = true;
        if (!graphics)
            break;
    }
    return found;
}

struct extensions {
    bool push_descriptor, size_control, portability_subset, coop;
};

static struct extensions device_extensions(const struct vulkan_api *api, VkPhysicalDevice device)
{
    struct extensions x = { 0 };
    uint32_t n = 0;
    if (api->EnumerateDeviceExtensionProperties(device, NULL, &n, NULL) != VK_SUCCESS || n == 0)
        return x;
    VkExtensionProperties *all = calloc(n, sizeof *all);
    if (all && api->EnumerateDeviceExtensionProperties(device, NULL, &n, all) >= 0) {
        x.push_descriptor = has_name(all, n, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME);
        x.size_control = has_name(all, n, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
        x.portability_subset = has_name(all, n, "VK_KHR_portability_subset");
        x.coop = coop_extension() && has_name(all, n, coop_extension());
    }
    free(all);
    return x;
}

static void describe(struct vulkan_device *d, const VkPhysicalDeviceProperties *p,
                     const VkPhysicalDeviceDriverProperties *driver, const uint8_t *uuid)
{
    struct device_info *info = &d->info;
    info->kind
        = p->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ? DEVICE_VULKAN_CPU : DEVICE_VULKAN_GPU;
    snprintf(info->name, sizeof info->name, "%s", p->deviceName);
    snprintf(info->driver, sizeof info->driver, "%.100s %.140s", driver->driverName,
             driver->driverInfo);
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(info->uuid + 2 * i, 3, "%02x", uuid[i]);
    for (uint32_t i = 0; i < d->memory.memoryHeapCount; i++) {
        const VkMemoryHeap *heap = &d->memory.memoryHeaps[i];
        if ((heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) && heap->size > info->memory)
            info->memory = heap->size;
    }
}

// What the driver says beyond VkPhysicalDeviceProperties: chains of structs, each only asked for
// where it is known.
struct answers {
    VkPhysicalDeviceProperties core;
    VkPhysicalDeviceIDProperties id;
    VkPhysicalDeviceSubgroupProperties subgroup;
    VkPhysicalDeviceMaintenance3Properties memory;
    VkPhysicalDeviceDriverProperties driver;
    VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes;
    VkPhysicalDevicePushDescriptorPropertiesKHR push;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline;
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT size_control;
    bool is_1_2;
};

// Link `next` behind the chain that begins at *head.
static void chain(void **head, void *next)
{
    ((VkBaseOutStructure *)next)->pNext = *head;
    *head = next;
}

static void ask(const struct vulkan_api *api, VkPhysicalDevice device, const struct extensions *x,
                struct answers *a)
{
    *a = (struct answers){
        .id.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
        .subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
        .memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
        .driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
        .sizes.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT,
        .push.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR,
        .timeline.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
        .size_control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
    };
    VkPhysicalDeviceProperties2 properties
        = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 };
    VkPhysicalDeviceFeatures2 features = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 };
    api->GetPhysicalDeviceProperties2(device, &properties);
    a->core = properties.properties;
    a->is_1_2 = a->core.apiVersion >= VK_API_VERSION_1_2;
    if (!a->is_1_2)
        return;
    chain(&properties.pNext, &a->id);
    chain(&properties.pNext, &a->subgroup);
    chain(&properties.pNext, &a->memory);
    chain(&properties.pNext, &a->driver);
    chain(&features.pNext, &a->timeline);
    if (x->push_descriptor)
        chain(&properties.pNext, &a->push);
    if (x->size_control) {
        chain(&properties.pNext, &a->sizes);
        chain(&features.pNext, &a->size_control);
    }
    api->GetPhysicalDeviceProperties2(device, &properties);
    api->GetPhysicalDeviceFeatures2(device, &features);
}

// The first thing that the device lacks, or NULL.
static const char *missing(const struct answers *a, const struct extensions *x, bool has_queue)
{
    const VkPhysicalDeviceLimits *l = &a->core.limits;
    const VkSubgroupFeatureFlags shuffles
        = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
    const struct {
        bool there;
        const char *what;
    } needs[] = {
        { a->is_1_2, "Vulkan 1.2" },
        { has_queue, "a compute queue" },
        { a->timeline.timelineSemaphore, "timeline semaphores" },
        { x->push_descriptor, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME },
        { (a->subgroup.supportedOperations & shuffles) == shuffles
              && (a->subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT),
          "subgroup shuffles in compute shaders" },
        { a->subgroup.subgroupSize >= 4 && a->subgroup.subgroupSize <= 128,
          "subgroups of 4 to 128" },
        { l->maxComputeWorkGroupInvocations >= NEED_THREADS
              && l->maxComputeWorkGroupSize[0] >= NEED_THREADS,
          "workgroups of 256" },
        { l->maxPerStageDescriptorStorageBuffers >= NEED_STORAGE_BUFFERS,
          "7 storage buffers in a shader" },
        { l->maxPerStageDescriptorSampledImages >= NEED_TEXEL_BUFFERS,
          "4 texel buffers in a shader" },
        { l->maxComputeSharedMemorySize >= NEED_SHARED_BYTES, "16 KiB of shared memory" },
        { l->maxPushConstantsSize >= NEED_PUSH_BYTES, "128 bytes of push constants" },
        { a->push.maxPushDescriptors >= NEED_PUSH_DESCRIPTORS, "7 push descriptors" },
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!needs[i].there)
            return needs[i].what;
    return NULL;
}

// Fill d from its handle and decide whether the engine can run on it.
static void query_device(const struct vulkan_instance *in, struct vulkan_device *d)
{
    const struct vulkan_api *api = &in->api;
    struct extensions x = device_extensions(api, d->handle);
    struct answers a;
    ask(api, d->handle, &x, &a);
    api->GetPhysicalDeviceMemoryProperties(d->handle, &d->memory);
    uint32_t size = a.subgroup.subgroupSize;
    d->limits = a.core.limits;
    d->max_allocation = a.memory.maxMemoryAllocationSize;
    d->subgroup_size = size;
    d->has_size_control = a.size_control.subgroupSizeControl
                          && (a.sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT)
                          && a.sizes.minSubgroupSize <= size && size <= a.sizes.maxSubgroupSize;
    d->has_full_subgroups = a.size_control.computeFullSubgroups;
    d->is_portability_subset = x.portability_subset;
    if (x.coop)
        d->coop = coop_query(api, in->handle, d->handle, size);
    describe(d, &a.core, &a.driver, a.id.deviceUUID);
    const char *lacks = missing(&a, &x, find_queue(api, d));
    snprintf(d->lacks, sizeof d->lacks, "%s", lacks ? lacks : "");
}

bool vulkan_instance_init(struct vulkan_instance *in, struct abl_err *err)
{
    *in = (struct vulkan_instance){ 0 };
    if (!vulkan_api_init(&in->api, err) || !create_instance(in, err))
        return false;
    uint32_t n = 0;
    VkResult r = in->api.EnumeratePhysicalDevices(in->handle, &n, NULL);
    VkPhysicalDevice *handles = calloc(n + 1, sizeof *handles);
    in->devices = calloc(n + 1, sizeof *in->devices);
    if (!handles || !in->devices) {
        free(handles);
        return abl_no_memory(err);
    }
    if (r == VK_SUCCESS && n > 0)
        r = in->api.EnumeratePhysicalDevices(in->handle, &n, handles);
    if (r >= 0) // VK_INCOMPLETE: one more came meanwhile; the n that fit are good
        in->n_devices = n;
    for (uint32_t i = 0; i < in->n_devices; i++) {
        in->devices[i].handle = handles[i];
        query_device(in, &in->devices[i]);
        in->devices[i].info.vulkan_index = i;
    }
    free(handles);
    return true;
}

void vulkan_instance_release(struct vulkan_instance *in)
{
    free(in->devices);
    if (in->handle)
        in->api.DestroyInstance(in->handle, NULL);
    vulkan_api_release(&in->api);
    *in = (struct vulkan_instance){ 0 };
}
