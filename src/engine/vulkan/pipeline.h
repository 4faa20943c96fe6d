// The shaders, made into pipelines when first used, and dispatching them.
#ifndef ABL_ENGINE_VULKAN_PIPELINE_H
#define ABL_ENGINE_VULKAN_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/vulkan/context.h"
#include "engine/vulkan/memory.h"
#include "engine/vulkan/queue.h"

enum shader {
    SHADER_LINEAR, // linear_tile
    SHADER_LINEAR_LANES,
    SHADER_LINEAR_COOP,
    SHADER_NORM,
    SHADER_ROPE,
    SHADER_GATE,
    SHADER_CAP,
    SHADER_ATTEND,
    SHADER_WEIGH,
    SHADER_MIX,
    SHADER_GATHER,
    SHADER_EDIT,
    SHADER_READOUT,
    SHADER_KL,
    N_SHADERS
};

enum { N_CONSTANTS = 6 };

// A part of a buffer as one binding sees it.
struct span {
    struct buffer *buffer; // NULL: not bound
    uint64_t first, size;  // bytes; size 0 = to the end
};

// Two queries that take the device's time before and behind a command; clock none:
// nobody wants to know.
struct timing {
    VkQueryPool clock;
    uint32_t first;
};

struct dispatch {
    enum shader shader;
    bool aligned;                    // the shader's ALIGNED
    uint32_t constants[N_CONSTANTS]; // specialisation constants from id 3 on
    const void *args;                // push constants
    uint32_t args_size;
    struct span out;
    struct buffer *inputs[MAX_INPUTS]; // read as floats, whole
    struct span lists[MAX_LISTS];      // read as lists; of the device or the staging pool
    uint32_t groups_x, groups_y;
    double work; // multiply-adds, or what takes as long
    struct timing timing;
};

struct pipeline;

struct pipelines {
    const struct vulkan_context *context;
    VkDescriptorSetLayout bindings;
    VkPipelineLayout layout;
    struct pipeline *all;
    size_t n, cap;
};

bool pipelines_init(struct pipelines *p, const struct vulkan_context *context, struct abl_err *err);
void pipelines_release(struct pipelines *p);

// Spread n workgroups over x and y, as the shaders' group_index undoes.
void dispatch_groups(struct dispatch *d, uint64_t n);
// The same for n teams of lanes that work alone.
void dispatch_teams(const struct vulkan_context *c, struct dispatch *d, uint64_t n);

// Record it, with the barrier that it needs.
bool pipelines_dispatch(struct pipelines *p, struct queue *q, const struct dispatch *d,
                        struct abl_err *err);

#endif
