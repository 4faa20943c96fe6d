#include "engine/vulkan/way.h"

#include <stdlib.h>
#include <string.h>

// A team of lanes that talk through shared memory.
enum { SHARED_LANES = 32 };
enum { FEW_THREADS = 128, MANY_THREADS = 256 };
enum { SHARED_BYTES = 16 * 1024, PUSH_BYTES = 128 };

// What one binding has to reach, so that a model is not cut into too many pieces: the least that
// drivers promise of storage buffers, where texel buffers may be far smaller.
#define LEAST_READ (UINT64_C(128) << 20)

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool texels_reach(const VkPhysicalDeviceLimits *l)
{
    return UINT64_C(16) * l->maxTexelBufferElements >= LEAST_READ
           && l->maxPerStageDescriptorSampledImages >= MAX_INPUTS;
}

// Whether subgroups can be teams, and enough of them a workgroup.
static bool has_teams(const struct offers *o)
{
    uint32_t size = o->subgroup_size;
    return o->shuffles && o->is_exact && size >= 4 && size <= FEW_THREADS && !(size & (size - 1))
           && (o->is_cpu || o->max_subgroups >= FEW_THREADS / size);
}

const char *way_choose(const struct offers *o, struct way *out)
{
    const VkPhysicalDeviceLimits *l = &o->limits;
    uint32_t most = at_most(l->maxComputeWorkGroupInvocations, l->maxComputeWorkGroupSize[0]);
    struct way w = { .push = o->push_descriptors >= N_BINDINGS, .subgroups = has_teams(o) };
    w.alone = w.subgroups && o->is_cpu;
    if (w.subgroups && !w.alone && o->max_subgroups < most / o->subgroup_size)
        most = o->max_subgroups * o->subgroup_size;
    w.threads = most >= MANY_THREADS ? MANY_THREADS : FEW_THREADS;
    w.lanes = w.subgroups ? o->subgroup_size : SHARED_LANES;
    bool storage = l->maxPerStageDescriptorStorageBuffers >= N_BINDINGS;
    w.texels = w.subgroups && texels_reach(l) && (w.alone || !storage);
    w.alone |= w.texels;
    const struct {
        bool there;
        const char *what;
    } needs[] = {
        { o->is_1_1, "Vulkan 1.1" },
        { o->has_queue, "a compute queue" },
        { most >= FEW_THREADS, "workgroups of 128" },
        { w.texels || storage, "7 storage buffers in a shader" },
        { l->maxComputeSharedMemorySize >= SHARED_BYTES, "16 KiB of shared memory" },
        { l->maxPushConstantsSize >= PUSH_BYTES, "128 bytes of push constants" },
        { w.texels || l->maxStorageBufferRange >= LEAST_READ, "bindings of 128 MiB" },
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!needs[i].there)
            return needs[i].what;
    *out = w;
    return NULL;
}

void offers_restrict(struct offers *o)
{
    const char *without = getenv("ABLTUI_VULKAN_WITHOUT"), *gemm = getenv("ABLTUI_VULKAN_GEMM");
    if (without && strstr(without, "push_descriptors"))
        o->push_descriptors = 0;
    if (without && strstr(without, "shuffles"))
        o->shuffles = false;
    if (without && strstr(without, "workgroups_of_256"))
        o->limits.maxComputeWorkGroupInvocations = FEW_THREADS;
    if (gemm)
        o->is_cpu = !strcmp(gemm, "texel");
}
