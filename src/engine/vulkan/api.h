// The Vulkan entry points, looked up at run time: abltui starts, and says what is missing, where no
// loader is installed.
#ifndef ABL_ENGINE_VULKAN_API_H
#define ABL_ENGINE_VULKAN_API_H

#include <stdbool.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include "base/err.h"

#define VULKAN_GLOBAL_FUNCTIONS(X)                                                                 \
    X(CreateInstance)                                                                              \
    X(EnumerateInstanceVersion)                                                                    \
    X(EnumerateInstanceExtensionProperties)

#define VULKAN_INSTANCE_FUNCTIONS(X)                                                               \
    X(DestroyInstance)                                                                             \
    X(EnumeratePhysicalDevices)                                                                    \
    X(EnumerateDeviceExtensionProperties)                                                          \
    X(GetPhysicalDeviceProperties2)                                                                \
    X(GetPhysicalDeviceFeatures2)                                                                  \
    X(GetPhysicalDeviceMemoryProperties)                                                           \
    X(GetPhysicalDeviceQueueFamilyProperties)                                                      \
    X(CreateDevice)                                                                                \
    X(GetDeviceProcAddr)

#define VULKAN_DEVICE_FUNCTIONS(X)                                                                 \
    X(DestroyDevice)                                                                               \
    X(GetDeviceQueue)                                                                              \
    X(DeviceWaitIdle)                                                                              \
    X(CreateBuffer)                                                                                \
    X(DestroyBuffer)                                                                               \
    X(GetBufferMemoryRequirements)                                                                 \
    X(CreateBufferView)                                                                            \
    X(DestroyBufferView)                                                                           \
    X(AllocateMemory)                                                                              \
    X(FreeMemory)                                                                                  \
    X(BindBufferMemory)                                                                            \
    X(MapMemory)                                                                                   \
    X(CreateShaderModule)                                                                          \
    X(DestroyShaderModule)                                                                         \
    X(CreateDescriptorSetLayout)                                                                   \
    X(DestroyDescriptorSetLayout)                                                                  \
    X(CreatePipelineLayout)                                                                        \
    X(DestroyPipelineLayout)                                                                       \
    X(CreateDescriptorPool)                                                                        \
    X(DestroyDescriptorPool)                                                                       \
    X(ResetDescriptorPool)                                                                         \
    X(AllocateDescriptorSets)                                                                      \
    X(UpdateDescriptorSets)                                                                        \
    X(CreateComputePipelines)                                                                      \
    X(DestroyPipeline)                                                                             \
    X(CreateCommandPool)                                                                           \
    X(DestroyCommandPool)                                                                          \
    X(AllocateCommandBuffers)                                                                      \
    X(BeginCommandBuffer)                                                                          \
    X(EndCommandBuffer)                                                                            \
    X(CreateQueryPool)                                                                             \
    X(DestroyQueryPool)                                                                            \
    X(GetQueryPoolResults)                                                                         \
    X(CreateFence)                                                                                 \
    X(DestroyFence)                                                                                \
    X(ResetFences)                                                                                 \
    X(WaitForFences)                                                                               \
    X(GetFenceStatus)                                                                              \
    X(QueueSubmit)                                                                                 \
    X(CmdBindPipeline)                                                                             \
    X(CmdPushConstants)                                                                            \
    X(CmdBindDescriptorSets)                                                                       \
    X(CmdDispatch)                                                                                 \
    X(CmdPipelineBarrier)                                                                          \
    X(CmdCopyBuffer)                                                                               \
    X(CmdResetQueryPool)                                                                           \
    X(CmdWriteTimestamp)

struct vulkan_api {
    void *library;
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
#define MEMBER(name) PFN_vk##name name;
    VULKAN_GLOBAL_FUNCTIONS(MEMBER)
    VULKAN_INSTANCE_FUNCTIONS(MEMBER)
    VULKAN_DEVICE_FUNCTIONS(MEMBER)
    MEMBER(CmdPushDescriptorSetKHR) // of devices opened with VK_KHR_push_descriptor
#undef MEMBER
};

// Open the loader and look up what works without an instance. vulkan_api_release undoes it, also
// after a failure.
bool vulkan_api_init(struct vulkan_api *api, struct abl_err *err);
bool vulkan_api_init_instance(struct vulkan_api *api, VkInstance instance, struct abl_err *err);
bool vulkan_api_init_device(struct vulkan_api *api, VkDevice device, bool push_descriptors,
                            struct abl_err *err);
void vulkan_api_release(struct vulkan_api *api);

#endif
