#include "engine/vulkan/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "shaders/attend.spv.h"
#include "shaders/attend_shared.spv.h"
#include "shaders/attend_texel.spv.h"
#include "shaders/cap.spv.h"
#include "shaders/cap_shared.spv.h"
#include "shaders/cap_texel.spv.h"
#include "shaders/edit.spv.h"
#include "shaders/edit_shared.spv.h"
#include "shaders/edit_texel.spv.h"
#include "shaders/gate.spv.h"
#include "shaders/gate_shared.spv.h"
#include "shaders/gate_texel.spv.h"
#include "shaders/gather.spv.h"
#include "shaders/gather_shared.spv.h"
#include "shaders/gather_texel.spv.h"
#include "shaders/kl.spv.h"
#include "shaders/kl_shared.spv.h"
#include "shaders/kl_texel.spv.h"
#ifdef HAS_COOP
#include "shaders/linear_coop.spv.h"
#endif
#include "shaders/linear_lanes.spv.h"
#include "shaders/linear_lanes_texel.spv.h"
#include "shaders/linear_tile.spv.h"
#include "shaders/linear_tile_shared.spv.h"
#include "shaders/mix.spv.h"
#include "shaders/mix_shared.spv.h"
#include "shaders/mix_texel.spv.h"
#include "shaders/norm.spv.h"
#include "shaders/norm_shared.spv.h"
#include "shaders/norm_texel.spv.h"
#include "shaders/readout.spv.h"
#include "shaders/readout_shared.spv.h"
#include "shaders/readout_texel.spv.h"
#include "shaders/rope.spv.h"
#include "shaders/rope_shared.spv.h"
#include "shaders/rope_texel.spv.h"
#include "shaders/weigh.spv.h"
#include "shaders/weigh_shared.spv.h"
#include "shaders/weigh_texel.spv.h"

enum build { BUILD_STORAGE, BUILD_TEXEL, BUILD_SHARED, N_BUILDS }; // see shaders.mk

static const struct shader_code {
    const char *name;
    struct code {
        const uint32_t *words;
        size_t bytes;
    } builds[N_BUILDS];
    uint32_t threads; // at most in a workgroup, which a CPU and teams in shared memory make smaller
} shaders[N_SHADERS] = {
// clang-format off
#define CODE(spv) { spv, sizeof spv }
#define SHADER(name, threads)                                                                      \
    { #name, { CODE(name##_spv), CODE(name##_texel_spv), CODE(name##_shared_spv) }, threads }
    // clang-format on
    [SHADER_LINEAR]
    = { "linear_tile",
        { [BUILD_STORAGE] = CODE(linear_tile_spv), [BUILD_SHARED] = CODE(linear_tile_shared_spv) },
        256 },
    [SHADER_LINEAR_LANES]
    = { "linear_lanes",
        { [BUILD_STORAGE] = CODE(linear_lanes_spv), [BUILD_TEXEL] = CODE(linear_lanes_texel_spv) },
        0 },
#ifdef HAS_COOP
    [SHADER_LINEAR_COOP] = { "linear_coop", { [BUILD_STORAGE] = CODE(linear_coop_spv) }, 256 },
#endif
    [SHADER_NORM] = SHADER(norm, 128),
    [SHADER_ROPE] = SHADER(rope, 128),
    [SHADER_GATE] = SHADER(gate, 128),
    [SHADER_CAP] = SHADER(cap, 128),
    [SHADER_ATTEND] = SHADER(attend, 128),
    [SHADER_WEIGH] = SHADER(weigh, 128),
    [SHADER_MIX] = SHADER(mix, 128),
    [SHADER_GATHER] = SHADER(gather, 128),
    [SHADER_EDIT] = SHADER(edit, 128),
    [SHADER_READOUT] = SHADER(readout, 256),
    [SHADER_KL] = SHADER(kl, 256),
};

// Bindings of common.h.
enum { BINDING_OUT = 0, BINDING_INPUTS = 1, BINDING_LISTS = BINDING_INPUTS + MAX_INPUTS };
enum { PUSH_BYTES = 128 };
enum { MAX_GROUPS = 65535 }; // every device has as many in x and y

struct pipeline {
    enum shader shader;
    bool aligned;
    uint32_t constants[N_CONSTANTS];
    VkPipeline handle;
};

bool pipelines_init(struct pipelines *p, const struct vulkan_context *context, struct abl_err *err)
{
    const struct vulkan_context *c = context;
    *p = (struct pipelines){ .context = c };
    VkDescriptorSetLayoutBinding bindings[N_BINDINGS];
    for (uint32_t i = 0; i < N_BINDINGS; i++) {
        bool texel = c->way.texels && i >= BINDING_INPUTS && i < BINDING_LISTS;
        bindings[i]
            = (VkDescriptorSetLayoutBinding){ .binding = i,
                                              .descriptorType
                                              = texel ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                                                      : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                              .descriptorCount = 1,
                                              .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT };
    }
    VkDescriptorSetLayoutCreateInfo set
        = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
            .flags = c->way.push ? VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR : 0u,
            .bindingCount = N_BINDINGS,
            .pBindings = bindings };
    VkPushConstantRange push = { .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = PUSH_BYTES };
    VkPipelineLayoutCreateInfo layout = { .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                          .setLayoutCount = 1,
                                          .pSetLayouts = &p->bindings,
                                          .pushConstantRangeCount = 1,
                                          .pPushConstantRanges = &push };
    return vulkan_check(c, c->api->CreateDescriptorSetLayout(c->device, &set, NULL, &p->bindings),
                        "describe bindings", err)
           && vulkan_check(c, c->api->CreatePipelineLayout(c->device, &layout, NULL, &p->layout),
                           "describe bindings", err);
}

void pipelines_release(struct pipelines *p)
{
    const struct vulkan_context *c = p->context;
    if (!c)
        return;
    for (size_t i = 0; i < p->n; i++)
        c->api->DestroyPipeline(c->device, p->all[i].handle, NULL);
    free(p->all);
    c->api->DestroyPipelineLayout(c->device, p->layout, NULL);
    c->api->DestroyDescriptorSetLayout(c->device, p->bindings, NULL);
    *p = (struct pipelines){ 0 };
}

// Whether a workgroup of this shader is one team at work on one row, or on as much as a team can.
static bool is_for_groups(enum shader shader)
{
    return shader == SHADER_READOUT || shader == SHADER_KL || shader == SHADER_LINEAR
           || shader == SHADER_LINEAR_COOP;
}

// Threads in a workgroup of this shader.
static uint32_t pipeline_threads(const struct vulkan_context *c, enum shader shader)
{
    const struct way *w = &c->way;
    if (w->alone || (!w->subgroups && !is_for_groups(shader)))
        return w->lanes;
    return shaders[shader].threads < w->threads ? shaders[shader].threads : w->threads;
}

// Lanes of its teams. In shared memory a team is the workgroup.
static uint32_t pipeline_lanes(const struct vulkan_context *c, enum shader shader)
{
    return c->way.subgroups ? c->way.lanes : pipeline_threads(c, shader);
}

void dispatch_groups(struct dispatch *d, uint64_t n)
{
    d->groups_x = (uint32_t)(n < MAX_GROUPS ? n : MAX_GROUPS);
    d->groups_y = (uint32_t)((n + MAX_GROUPS - 1) / MAX_GROUPS);
}

void dispatch_teams(const struct vulkan_context *c, struct dispatch *d, uint64_t n)
{
    uint32_t in_group = pipeline_threads(c, d->shader) / pipeline_lanes(c, d->shader);
    dispatch_groups(d, (n + in_group - 1) / in_group);
}

static bool create_pipeline(struct pipelines *p, struct pipeline *pipe, struct abl_err *err)
{
    const struct vulkan_context *c = p->context;
    const struct code *code = &shaders[pipe->shader].builds[!c->way.subgroups ? BUILD_SHARED
                                                            : c->way.texels   ? BUILD_TEXEL
                                                                              : BUILD_STORAGE];
    VkShaderModuleCreateInfo module_info = { .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                             .codeSize = code->bytes,
                                             .pCode = code->words };
    VkShaderModule module;
    if (!vulkan_check(c, c->api->CreateShaderModule(c->device, &module_info, NULL, &module),
                      "load a shader", err))
        return false;
    uint32_t constants[3 + N_CONSTANTS]
        = { pipeline_lanes(c, pipe->shader), pipe->aligned, pipeline_threads(c, pipe->shader) };
    memcpy(constants + 3, pipe->constants, sizeof pipe->constants);
    VkSpecializationMapEntry entries[3 + N_CONSTANTS];
    for (uint32_t i = 0; i < 3 + N_CONSTANTS; i++)
        entries[i] = (VkSpecializationMapEntry){ .constantID = i,
                                                 .offset = i * (uint32_t)sizeof *constants,
                                                 .size = sizeof *constants };
    VkSpecializationInfo special = { .mapEntryCount = 3 + N_CONSTANTS,
                                     .pMapEntries = entries,
                                     .dataSize = sizeof constants,
                                     .pData = constants };
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT size
        = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT,
            .requiredSubgroupSize = c->way.lanes };
    VkComputePipelineCreateInfo info
        = { .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
            .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                       .pNext = c->way.subgroups && c->gpu->has_size_control ? &size : NULL,
                       .flags = c->way.subgroups
                                    ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT
                                    : 0u,
                       .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                       .module = module,
                       .pName = "main",
                       .pSpecializationInfo = &special },
            .layout = p->layout };
    VkResult r
        = c->api->CreateComputePipelines(c->device, VK_NULL_HANDLE, 1, &info, NULL, &pipe->handle);
    c->api->DestroyShaderModule(c->device, module, NULL);
    if (r < 0)
        vulkan_check(c, r, shaders[pipe->shader].name, err);
    return r >= 0;
}

// The pipeline of these constants, made now if it is the first time. There are about ten.
static bool find_pipeline(struct pipelines *p, const struct dispatch *d, VkPipeline *out,
                          struct abl_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct pipeline *pipe = &p->all[i];
        if (pipe->shader == d->shader && pipe->aligned == d->aligned
            && !memcmp(pipe->constants, d->constants, sizeof d->constants)) {
            *out = pipe->handle;
            return true;
        }
    }
    struct pipeline *bigger = array_room(p->all, p->n, &p->cap, sizeof *bigger);
    if (!bigger)
        return abl_no_memory(err);
    p->all = bigger;
    struct pipeline made = { .shader = d->shader, .aligned = d->aligned };
    memcpy(made.constants, d->constants, sizeof made.constants);
    if (!create_pipeline(p, &made, err))
        return false;
    p->all[p->n++] = made;
    *out = made.handle;
    return true;
}

// Make the buffers of d what the next command reads and writes: pushed, or by a set of its own.
static bool bind(struct pipelines *p, struct queue *q, VkCommandBuffer commands,
                 const struct dispatch *d, struct abl_err *err)
{
    const struct vulkan_context *c = p->context;
    VkDescriptorSet set = VK_NULL_HANDLE;
    if (!c->way.push && !queue_set(q, p->bindings, &set, err))
        return false;
    VkWriteDescriptorSet writes[N_BINDINGS];
    VkDescriptorBufferInfo infos[N_BINDINGS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_BINDINGS; i++) {
        bool input = i >= BINDING_INPUTS && i < BINDING_LISTS;
        struct span s = input ? (struct span){ .buffer = d->inputs[i - BINDING_INPUTS] }
                        : i < BINDING_INPUTS ? d->out
                                             : d->lists[i - BINDING_LISTS];
        if (!s.buffer)
            continue;
        infos[n] = (VkDescriptorBufferInfo){ .buffer = s.buffer->handle,
                                             .offset = s.first,
                                             .range = s.size ? s.size : VK_WHOLE_SIZE };
        bool texel = input && c->way.texels;
        writes[n] = (VkWriteDescriptorSet){ .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                            .dstSet = set,
                                            .dstBinding = i,
                                            .descriptorCount = 1,
                                            .descriptorType
                                            = texel ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                                                    : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                            .pBufferInfo = &infos[n],
                                            .pTexelBufferView = &s.buffer->view };
        n++;
    }
    if (c->way.push) {
        c->api->CmdPushDescriptorSetKHR(commands, VK_PIPELINE_BIND_POINT_COMPUTE, p->layout, 0, n,
                                        writes);
        return true;
    }
    c->api->UpdateDescriptorSets(c->device, n, writes, 0, NULL);
    c->api->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, p->layout, 0, 1, &set,
                                  0, NULL);
    return true;
}

// Timestamps are taken when the shaders before them have ended.
static void begin_timing(const struct vulkan_context *c, VkCommandBuffer commands,
                         const struct timing *t)
{
    if (!t->clock)
        return;
    c->api->CmdResetQueryPool(commands, t->clock, t->first, 2);
    c->api->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, t->clock, t->first);
}

static void end_timing(const struct vulkan_context *c, VkCommandBuffer commands,
                       const struct timing *t)
{
    if (t->clock)
        c->api->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, t->clock,
                                  t->first + 1);
}

bool pipelines_dispatch(struct pipelines *p, struct queue *q, const struct dispatch *d,
                        struct abl_err *err)
{
    assert(d->args_size <= PUSH_BYTES && d->groups_x <= MAX_GROUPS && d->groups_y <= MAX_GROUPS);
    const struct vulkan_context *c = p->context;
    VkPipeline pipeline = VK_NULL_HANDLE;
    VkCommandBuffer commands;
    struct buffer *reads[MAX_INPUTS + MAX_LISTS];
    memcpy(reads, d->inputs, sizeof d->inputs);
    for (int i = 0; i < MAX_LISTS; i++)
        reads[MAX_INPUTS + i] = d->lists[i].buffer;
    if (!find_pipeline(p, d, &pipeline, err)
        || !queue_access(q, reads, MAX_INPUTS + MAX_LISTS, &d->out.buffer, 1, err)
        || !queue_commands(q, &commands, err) || !bind(p, q, commands, d, err))
        return false;
    c->api->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    c->api->CmdPushConstants(commands, p->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, d->args_size,
                             d->args);
    begin_timing(c, commands, &d->timing);
    c->api->CmdDispatch(commands, d->groups_x, d->groups_y, 1);
    end_timing(c, commands, &d->timing);
    return queue_spend(q, d->work, err);
}
