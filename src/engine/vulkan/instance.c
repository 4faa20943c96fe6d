#include "engine/vulkan/context.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (in->api.EnumerateInstanceVersion(&version) != VK_SUCCESS || version < VK_API_VERSION_1_1)
        return abl_fail(
            err, ABL_FAILED,
            "the Vulkan loader is of version %u.%u, expected 1.1 or later; update it, or "
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
    bool push_descriptor, size_control, driver_properties, portability_subset, coop;
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
        x.driver_properties = has_name(all, n, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME);
        x.portability_subset = has_name(all, n, "VK_KHR_portability_subset");
        x.coop = coop_extension() && has_name(all, n, coop_extension());
    }
    free(all);
    return x;
}

// A driver that says nothing of itself has a version, at least.
static void describe_driver(struct device_info *info, const VkPhysicalDeviceProperties *p,
                            const VkPhysicalDeviceDriverProperties *driver)
{
    if (!driver->driverName[0])
        snprintf(info->driver, sizeof info->driver, "driver %" PRIu32, p->driverVersion);
    else
        snprintf(info->driver, sizeof info->driver, "%.100s%s%.140s", driver->driverName,
                 driver->driverInfo[0] ? " " : "", driver->driverInfo);
}

static void describe(struct vulkan_device *d, const VkPhysicalDeviceProperties *p,
                     const VkPhysicalDeviceDriverProperties *driver, const uint8_t *uuid)
{
    struct device_info *info = &d->info;
    info->kind
        = p->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ? DEVICE_VULKAN_CPU : DEVICE_VULKAN_GPU;
    snprintf(info->name, sizeof info->name, "%s", p->deviceName);
    describe_driver(info, p, driver);
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
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT size_control;
    bool is_1_1;
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
        .size_control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
    };
    VkPhysicalDeviceProperties2 properties
        = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 };
    VkPhysicalDeviceFeatures2 features = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 };
    api->GetPhysicalDeviceProperties2(device, &properties);
    a->core = properties.properties;
    a->is_1_1 = a->core.apiVersion >= VK_API_VERSION_1_1;
    if (!a->is_1_1)
        return;
    chain(&properties.pNext, &a->id);
    chain(&properties.pNext, &a->subgroup);
    chain(&properties.pNext, &a->memory);
    if (x->driver_properties || a->core.apiVersion >= VK_API_VERSION_1_2)
        chain(&properties.pNext, &a->driver);
    if (x->push_descriptor)
        chain(&properties.pNext, &a->push);
    if (x->size_control) {
        chain(&properties.pNext, &a->sizes);
        chain(&features.pNext, &a->size_control);
    }
    api->GetPhysicalDeviceProperties2(device, &properties);
    api->GetPhysicalDeviceFeatures2(device, &features);
}

static struct offers offers_of(const struct vulkan_device *d, const struct answers *a,
                               const struct extensions *x, bool has_queue)
{
    const VkPhysicalDeviceSubgroupProperties *s = &a->subgroup;
    const VkSubgroupFeatureFlags shuffles
        = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
    bool is_one_size = x->size_control && a->sizes.minSubgroupSize == a->sizes.maxSubgroupSize;
    return (struct offers){
        .is_1_1 = a->is_1_1,
        .has_queue = has_queue,
        .is_cpu = d->info.kind == DEVICE_VULKAN_CPU || s->subgroupSize <= 8,
        .push_descriptors = x->push_descriptor ? a->push.maxPushDescriptors : 0,
        .subgroup_size = s->subgroupSize,
        .max_subgroups = d->has_size_control ? a->sizes.maxComputeWorkgroupSubgroups : UINT32_MAX,
        .shuffles = (s->supportedOperations & shuffles) == shuffles
                    && (s->supportedStages & VK_SHADER_STAGE_COMPUTE_BIT),
        .is_exact = d->has_full_subgroups && (d->has_size_control || is_one_size),
        .limits = d->limits,
    };
}

// Fill d from its handle and decide whether, and how, the engine can run on it.
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
    d->has_size_control = a.size_control.subgroupSizeControl
                          && (a.sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT)
                          && a.sizes.minSubgroupSize <= size && size <= a.sizes.maxSubgroupSize;
    d->has_full_subgroups = a.size_control.computeFullSubgroups;
    d->is_portability_subset = x.portability_subset;
    describe(d, &a.core, &a.driver, a.id.deviceUUID);
    struct offers offers = offers_of(d, &a, &x, find_queue(api, d));
    offers_restrict(&offers);
    d->lacks = way_choose(&offers, &d->way);
    if (x.coop && !d->lacks && d->way.subgroups)
        d->coop = coop_query(api, in->handle, d->handle, &d->way);
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
