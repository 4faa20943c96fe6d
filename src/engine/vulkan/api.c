#include "engine/vulkan/api.h"

#include <stddef.h>

#include "base/library.h"

#ifdef __APPLE__
static const char *const loaders[]
    = { "libvulkan.1.dylib", "libvulkan.dylib", "libMoltenVK.dylib", NULL };
#else
static const char *const loaders[] = { "libvulkan.so.1", "libvulkan.so", NULL };
#endif

static bool missing(const char *name, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED,
                    "the Vulkan loader lacks '%s'; install a newer one, or choose --device cpu",
                    name);
}

bool vulkan_api_init(struct vulkan_api *api, struct abl_err *err)
{
    *api = (struct vulkan_api){ .library = library_open(loaders) };
    if (!api->library)
        return abl_fail(
            err, ABL_FAILED,
            "no Vulkan loader (%s) on this machine; install it with a driver, or choose "
            "--device cpu",
            loaders[0]);
    if (!library_function(api->library, "vkGetInstanceProcAddr", &api->GetInstanceProcAddr))
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

bool vulkan_api_init_device(struct vulkan_api *api, VkDevice device, bool push_descriptors,
                            struct abl_err *err)
{
#define LOOK_UP(name)                                                                              \
    api->name = (PFN_vk##name)api->GetDeviceProcAddr(device, "vk" #name);                          \
    if (!api->name)                                                                                \
        return missing("vk" #name, err);
    VULKAN_DEVICE_FUNCTIONS(LOOK_UP)
    if (push_descriptors) {
        LOOK_UP(CmdPushDescriptorSetKHR)
    }
#undef LOOK_UP
    return true;
}

void vulkan_api_release(struct vulkan_api *api)
{
    *api = (struct vulkan_api){ 0 };
}
