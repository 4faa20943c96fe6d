// Rotary positions, in place: the pairs (i, i + half) of each head are turned by the angles that the row's position has
// in the table, which holds cosines, then sines. One subgroup a row, a pair a lane and step.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"

layout(push_constant) uniform Push
{
    rope_push a;
};
OUTPUT
INPUT(1, x)
INPUT(2, table)
layout(set = 0, binding = 5, std430) readonly buffer list
{
    uint positions[];
};

void main()
{
    uint row = subgroup_index();
    if (row >= a.rows)
        return;
    uint angles = a.table_first + positions[a.list_first + row] * a.table_stride;
    uint from = a.x_first + row * a.x_stride, to = a.out_first + row * a.x_stride;
    for (uint p = gl_SubgroupInvocationID; p < a.n_heads * a.half_dims; p += LANES) {
        uint i = p % a.half_dims, first = p / a.half_dims * a.d_head + i;
        float cosine = table_at1(angles + i), sine = table_at1(angles + a.half_dims + i);
        float u = x_at1(from + first), v = x_at1(from + first + a.half_dims);
        out1[to + first] = u * cosine - v * sine;
        out1[to + first + a.half_dims] = v * cosine + u * sine;
    }
}
