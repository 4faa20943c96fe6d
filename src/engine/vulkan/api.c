#include "engine/vulkan/api.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#ifdef __APPLE__
static const char *const loaders[]
    = { "libvulkan.1.dylib", "libvulkan.dylib", "libMoltenVK.dylib" };
#else
static const char *const loaders[] = { "libvulkan.so.1", "libvulkan.so" };
#endif

static bool missing(const char *name, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED,
                    "the Vulkan loader lacks '%s'; install a newer one, or choose --device cpu",
                    name);
}

bool vulkan_api_init(struct vulkan_api *api, struct abl_err *err)
{
    *api = (struct vulkan_api){ 0 };
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders && !api->library; i++)
        api->library = dlopen(loaders[i], RTLD_NOW | RTLD_LOCAL);
    if (!api->library)
        return abl_fail(
            err, ABL_FAILED,
            "no Vulkan loader (%s) on this machine; install it with a driver, or choose "
            "--device cpu",
            loaders[0]);
    // ISO C has no cast from an object pointer to a function pointer; POSIX says that their bits agree.
    void *symbol = dlsym(api->library, "vkGetInstanceProcAddr");
    memcpy(&api->GetInstanceProcAddr, &symbol, sizeof symbol);
    if (!symbol)
        return missing("vkGetInstanceProcAddr", err);
#define LOOK_UP(name)                                                                              \
    api->name = (PFN_vk##name)api->GetInstanceProcAddr(VK_NULL_HANDLE, "vk" #name);                \
    if (!api->name)                                                                                \
        return missing("vk" #name, err);
    VULKAN_GLOBAL_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return true;
}

bool vulkan_api_init_instance(struct vulkan_api *api, VkInstance instance, struct abl_err *err)
{
#define LOOK_UP(name)                                                                              \
    api->name = (PFN_vk##name)api->GetInstanceProcAddr(instance, "vk" #name);                      \
    if (!api->name)                                                                                \
        return missing("vk" #name, err);
    VULKAN_INSTANCE_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return true;
}

bool vulkan_api_init_device(struct vulkan_api *api, VkDevice device, struct abl_err *err)
{
#define LOOK_UP(name)                                                                              \
    api->name = (PFN_vk##name)api->GetDeviceProcAddr(device, "vk" #name);                          \
    if (!api->name)                                                                                \
        return missing("vk" #name, err);
    VULKAN_DEVICE_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return true;
}

void vulkan_api_release(struct vulkan_api *api)
{
    if (api->library)
        dlclose(api->library);
    *api = (struct vulkan_api){ 0 };
}
