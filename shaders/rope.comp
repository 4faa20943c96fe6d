// Rotary positions, in place: of each head the pairs (i, i + half) are turned by the angles that the row's position has in
// the table, which holds cosines, then sines. One team a row; a lane turns 4 pairs at a time, and only it touches them.
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
    uint row = TEAM_INDEX;
    if (row >= a.rows)
        return;
    uint angles = a.table_first + positions[a.list_first + row] * a.table_stride;
    uint from = a.x_first + row * a.x_stride, to = a.out_first + row * a.x_stride;
    uint in_head = (a.half_cols + 3) / 4;
    for (uint at = TEAM_LANE; at < a.n_heads * in_head; at += LANES) {
        uint i = at % in_head * 4, n = a.half_cols - i, c = at / in_head * a.d_head + i;
        vec4 cosine = table_at(angles + i, n), sine = table_at(angles + a.half_cols + i, n);
        vec4 u = x_at(from + c, n), v = x_at(from + c + a.half_cols, n);
        out_put(to + c, u * cosine - v * sine, n);
        out_put(to + c + a.half_cols, v * cosine + u * sine, n);
    }
}
