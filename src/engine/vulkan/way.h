// How the engine runs on a device, or what the device lacks: decided by what its driver says alone,
// of which nothing but limits that every Vulkan driver keeps to is taken for granted.
#ifndef ABL_ENGINE_VULKAN_WAY_H
#define ABL_ENGINE_VULKAN_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/vulkan/api.h"

// Bindings of common.h: an output, inputs, lists.
enum { MAX_INPUTS = 4, MAX_LISTS = 2, N_BINDINGS = 1 + MAX_INPUTS + MAX_LISTS };

struct offers {
    bool is_1_1; // Vulkan 1.1
    bool has_queue;
    bool is_cpu;               // computes on a CPU, or on units as narrow
    uint32_t push_descriptors; // that go with a command; 0: sets have to be made
    uint32_t subgroup_size;
    uint32_t max_subgroups; // in a workgroup
    bool shuffles;          // within subgroups of compute shaders
    bool is_exact;          // every subgroup can be made to have that size, and no lane empty
    VkPhysicalDeviceLimits limits;
};

struct way {
    bool push;      // bindings are pushed, not put into descriptor sets
    bool subgroups; // the lanes of a team (common.h) are a subgroup's, not a workgroup's
    // A workgroup is one subgroup, and products go by linear_lanes: barriers are dear on a CPU.
    bool alone;
    bool texels;      // inputs are read through texel buffers
    uint32_t lanes;   // of a subgroup; without subgroups, of a team that takes a row
    uint32_t threads; // of the largest workgroups
};

// The way that fits, or what is missing, as "… lacks %s"; NULL then.
const char *way_choose(const struct offers *o, struct way *out);

// For tests: an offer without what ABLTUI_VULKAN_WITHOUT names (push_descriptors, shuffles,
// workgroups_of_256), and of the class that ABLTUI_VULKAN_GEMM asks for (texel: a CPU's, tile: a
// GPU's).
void offers_restrict(struct offers *o);

#endif
