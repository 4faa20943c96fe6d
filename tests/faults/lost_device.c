// A Vulkan driver whose device is lost on demand: the one named by LOST_DEVICE_DRIVER (a path of a
// library), but that submission number LOST_DEVICE_AT, and all later ones, say
// VK_ERROR_DEVICE_LOST. VK_DRIVER_FILES names a manifest that names this library.
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan.h>

#define EXPORTED __attribute__((visibility("default")))

typedef PFN_vkVoidFunction get_proc(VkInstance instance, const char *name);

// What a loader asks of a driver.
EXPORTED PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance, const char *name);
EXPORTED PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name);
EXPORTED VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version);

static PFN_vkGetDeviceProcAddr real_device_proc;
static PFN_vkQueueSubmit real_submit;
static atomic_long calls;

// An entry of the driver; NULL where it has none.
static PFN_vkVoidFunction entry(const char *name)
{
    const char *path = getenv("LOST_DEVICE_DRIVER");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    return library ? __extension__(PFN_vkVoidFunction) dlsym(library, name) : NULL;
}

static VkResult submit(VkQueue queue, uint32_t n, const VkSubmitInfo *infos, VkFence fence)
{
    const char *at = getenv("LOST_DEVICE_AT");
    if (at && atomic_fetch_add(&calls, 1) + 1 >= strtol(at, NULL, 10))
        return VK_ERROR_DEVICE_LOST;
    return real_submit(queue, n, infos, fence);
}

static PFN_vkVoidFunction replaced(const char *name, PFN_vkVoidFunction real)
{
    if (real && strcmp(name, "vkQueueSubmit") == 0) {
        real_submit = (PFN_vkQueueSubmit)real;
        return (PFN_vkVoidFunction)submit;
    }
    return real;
}

static PFN_vkVoidFunction device_proc(VkDevice device, const char *name)
{
    return replaced(name, real_device_proc(device, name));
}

EXPORTED PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance, const char *name)
{
    get_proc *get = (get_proc *)entry("vk_icdGetInstanceProcAddr");
    PFN_vkVoidFunction real = get ? get(instance, name) : NULL;
    if (real && strcmp(name, "vkGetDeviceProcAddr") == 0) {
        real_device_proc = (PFN_vkGetDeviceProcAddr)real;
        return (PFN_vkVoidFunction)device_proc;
    }
    return replaced(name, real);
}

EXPORTED PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name)
{
    get_proc *get = (get_proc *)entry("vk_icdGetPhysicalDeviceProcAddr");
    return get ? get(instance, name) : NULL;
}

EXPORTED VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
    VkResult (*negotiate)(uint32_t *)
        = (VkResult(*)(uint32_t *))entry("vk_icdNegotiateLoaderICDInterfaceVersion");
    return negotiate ? negotiate(version) : VK_ERROR_INITIALIZATION_FAILED;
}
