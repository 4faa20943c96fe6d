#include "engine/vulkan/coop.h"

#include <stddef.h>

#ifdef HAS_COOP

enum { MOST_SHAPES = 64, SLICE = 16 }; // the latter is linear_coop's

const char *coop_extension(void)
{
    return VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
}

static void link_features(struct coop_features *f, void *behind)
{
    *f = (struct coop_features){
        .matrix.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
        .model.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
        .half.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
    };
    f->matrix.pNext = &f->model;
    f->model.pNext = &f->half;
    f->half.pNext = behind;
}

void coop_enable(struct coop_features *f, const void **head)
{
    void *behind = (void *)(uintptr_t)*head;
    link_features(f, behind);
    f->matrix.cooperativeMatrix = f->model.vulkanMemoryModel = f->half.shaderFloat16 = VK_TRUE;
    *head = &f->matrix;
}

static bool has_features(const struct vulkan_api *api, VkPhysicalDevice device)
{
    struct coop_features f;
    link_features(&f, NULL);
    VkPhysicalDeviceFeatures2 all
        = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f.matrix };
    api->GetPhysicalDeviceFeatures2(device, &all);
    return f.matrix.cooperativeMatrix && f.model.vulkanMemoryModel && f.half.shaderFloat16;
}

// Whether tiles of 64 and of 128 can be dealt out to the subgroups of a workgroup.
static bool can_use(const VkCooperativeMatrixPropertiesKHR *p, const struct way *way)
{
    if (p->AType != VK_COMPONENT_TYPE_FLOAT16_KHR || p->BType != VK_COMPONENT_TYPE_FLOAT16_KHR
        || p->CType != VK_COMPONENT_TYPE_FLOAT32_KHR
        || p->ResultType != VK_COMPONENT_TYPE_FLOAT32_KHR || p->scope != VK_SCOPE_SUBGROUP_KHR
        || p->saturatingAccumulation || SLICE % p->KSize || 64 % p->MSize || 64 % p->NSize
        || p->NSize % 4)
        return false;
    return 64 / p->MSize * (64 / p->NSize) % (way->threads / way->lanes) == 0;
}

struct coop coop_query(const struct vulkan_api *api, VkInstance instance, VkPhysicalDevice device,
                       const struct way *way)
{
    struct coop best = { 0 };
    VkCooperativeMatrixPropertiesKHR list[MOST_SHAPES];
    uint32_t n = MOST_SHAPES;
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR ask
        = (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)api->GetInstanceProcAddr(
            instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    for (int i = 0; i < MOST_SHAPES; i++)
        list[i] = (VkCooperativeMatrixPropertiesKHR){
            .sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR
        };
    if (!ask || !has_features(api, device) || ask(device, &n, list) < 0)
        return best;
    for (uint32_t i = 0; i < n; i++)
        if (can_use(&list[i], way)
            && list[i].MSize * list[i].NSize * list[i].KSize > best.m * best.n * best.k)
            best = (struct coop){ list[i].MSize, list[i].NSize, list[i].KSize };
    return best;
}

#else

const char *coop_extension(void)
{
    return NULL;
}

void coop_enable(struct coop_features *f, const void **head)
{
    (void)f;
    (void)head;
}

struct coop coop_query(const struct vulkan_api *api, VkInstance instance, VkPhysicalDevice device,
                       const struct way *way)
{
    (void)api;
    (void)instance;
    (void)device;
    (void)way;
    return (struct coop){ 0 };
}

#endif
