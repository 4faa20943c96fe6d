// Included first by every shader: how inputs are read, and what the lanes of a team do together.
//
// Bindings, the same for all shaders: 0 the output, 1 to 4 inputs of floats, 5 and 6 lists.
//
// A team is the LANES threads that work on one row: a subgroup, whose lanes talk by shuffles; or, for drivers whose
// subgroups have none or are of no certain size (-DSHARED), a workgroup, whose lanes talk through shared memory. There all
// lanes have to come to every team_… together.
//
// Inputs come in two builds. CPU-type devices read through texel buffers (-DTEXEL): there a storage buffer load is a
// loop over the lanes with a stall in each, a texel fetch is straight-line vector code and 10 times as fast. GPUs read
// storage buffers. INPUT(slot, x) declares both x_at4(i), floats 4i … 4i + 3, and x_at(first, n), the n <= 4 floats from
// `first` on, zeros behind them; without ALIGNED, `first` need not be a multiple of 4.
#extension GL_EXT_control_flow_attributes : require
#ifndef SHARED
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#endif

#include "args.h"

layout(constant_id = 0) const uint LANES = 32;     // of a team
layout(constant_id = 1) const bool ALIGNED = true; // every position, stride and width is a multiple of 4
layout(constant_id = 2) const uint THREADS = 128;  // of a workgroup
layout(local_size_x_id = 2, local_size_y = 1, local_size_z = 1) in;

#ifdef TEXEL
#define INPUT(slot, name)                                                                         \
    layout(set = 0, binding = slot) uniform samplerBuffer name##_texels;                          \
    vec4 name##_at4(uint i)                                                                       \
    {                                                                                             \
        return texelFetch(name##_texels, int(i));                                                 \
    }                                                                                             \
    float name##_at1(uint i)                                                                      \
    {                                                                                             \
        vec4 v = texelFetch(name##_texels, int(i >> 2));                                          \
        vec2 half_of_v = (i & 2) == 0 ? v.xy : v.zw;                                              \
        return (i & 1) == 0 ? half_of_v.x : half_of_v.y;                                          \
    }                                                                                             \
    INPUT_AT(name)
#else
#define INPUT(slot, name)                                                                         \
    layout(set = 0, binding = slot, std430) readonly buffer name##_vectors                        \
    {                                                                                             \
        vec4 name##4[];                                                                           \
    };                                                                                            \
    layout(set = 0, binding = slot, std430) readonly buffer name##_floats                         \
    {                                                                                             \
        float name##1[];                                                                          \
    };                                                                                            \
    vec4 name##_at4(uint i)                                                                       \
    {                                                                                             \
        return name##4 [i];                                                                       \
    }                                                                                             \
    float name##_at1(uint i)                                                                      \
    {                                                                                             \
        return name##1 [i];                                                                       \
    }                                                                                             \
    INPUT_AT(name)
#endif

#define INPUT_AT(name)                                                                            \
    vec4 name##_at(uint first, uint n)                                                            \
    {                                                                                             \
        if (ALIGNED)                                                                              \
            return name##_at4(first >> 2);                                                        \
        vec4 v = vec4(0);                                                                         \
        if (n > 0)                                                                                \
            v.x = name##_at1(first);                                                              \
        if (n > 1)                                                                                \
            v.y = name##_at1(first + 1);                                                          \
        if (n > 2)                                                                                \
            v.z = name##_at1(first + 2);                                                          \
        if (n > 3)                                                                                \
            v.w = name##_at1(first + 3);                                                          \
        return v;                                                                                 \
    }

// The output as floats and as vectors, and out_put(first, v, n): the first n <= 4 parts of v go to `first` on.
#define OUTPUT                                                                                    \
    layout(set = 0, binding = 0, std430) buffer out_vectors                                       \
    {                                                                                             \
        vec4 out4[];                                                                              \
    };                                                                                            \
    layout(set = 0, binding = 0, std430) buffer out_floats                                        \
    {                                                                                             \
        float out1[];                                                                             \
    };                                                                                            \
    void out_put(uint first, vec4 v, uint n)                                                      \
    {                                                                                             \
        if (ALIGNED) {                                                                            \
            out4[first >> 2] = v;                                                                 \
            return;                                                                               \
        }                                                                                         \
        if (n > 0)                                                                                \
            out1[first] = v.x;                                                                    \
        if (n > 1)                                                                                \
            out1[first + 1] = v.y;                                                                \
        if (n > 2)                                                                                \
            out1[first + 2] = v.z;                                                                \
        if (n > 3)                                                                                \
            out1[first + 3] = v.w;                                                                \
    }

// Work item of this workgroup; more than 65535 of them spill from x into y.
uint group_index()
{
    return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
}

float sum4(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

#ifdef SHARED
shared float team_floats[LANES];
shared uint team_uints[LANES];
#define TEAM_LANE gl_LocalInvocationIndex
#define TEAM_INDEX group_index()
#define TEAM_IN_GROUP 0

// What each lane may then take from any other: team_of.
void team_show(float f, uint u)
{
    barrier();
    team_floats[TEAM_LANE] = f;
    team_uints[TEAM_LANE] = u;
    barrier();
}

float team_of(uint lane, float shown)
{
    return team_floats[lane];
}

uint team_of(uint lane, uint shown)
{
    return team_uints[lane];
}

// What the lane whose number differs in these bits has.
float team_xor(float v, uint bits)
{
    team_show(v, 0);
    return team_floats[TEAM_LANE ^ bits];
}

uint team_xor(uint v, uint bits)
{
    team_show(0.0, v);
    return team_uints[TEAM_LANE ^ bits];
}
#else
#define TEAM_LANE gl_SubgroupInvocationID
#define TEAM_INDEX (group_index() * gl_NumSubgroups + gl_SubgroupID) // where each team works alone
#define TEAM_IN_GROUP gl_SubgroupID

void team_show(float f, uint u)
{
}

float team_of(uint lane, float shown)
{
    return subgroupShuffle(shown, lane);
}

uint team_of(uint lane, uint shown)
{
    return subgroupShuffle(shown, lane);
}

float team_xor(float v, uint bits)
{
    return subgroupShuffleXor(v, bits);
}

uint team_xor(uint v, uint bits)
{
    return subgroupShuffleXor(v, bits);
}
#endif

// Sums by butterfly: every lane gets the same bits, and shuffles with a constant are cheap on every device.
float team_sum(float v)
{
    [[unroll]] for (uint i = 1; i < LANES; i <<= 1)
        v += team_xor(v, i);
    return v;
}

float team_max(float v)
{
    [[unroll]] for (uint i = 1; i < LANES; i <<= 1)
        v = max(v, team_xor(v, i));
    return v;
}
