// z += sum of (weights - was) v over the rows that each query's context lists. One team a query and head.
//
// LANES keys at a time: lane j has the change of key j's weight; each lane owns columns of v and takes the changes by shuffles.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"

layout(constant_id = 3) const uint PARTS = 1; // vectors of 4 columns a lane owns: ceil(d_head / (4 LANES))
layout(push_constant) uniform Push
{
    mix_push a;
};
OUTPUT
INPUT(1, z)
INPUT(2, weights)
INPUT(3, was)
INPUT(4, v)
layout(set = 0, binding = 5, std430) readonly buffer list_of_starts
{
    uint starts[];
};
layout(set = 0, binding = 6, std430) readonly buffer list_of_rows
{
    uint rows[];
};

void main()
{
    uint id = TEAM_INDEX, lane = TEAM_LANE;
    if (id >= a.n_queries * a.n_heads)
        return;
    uint query = id / a.n_heads, head = id % a.n_heads, kv = head / a.heads_per_kv * a.d_head;
    uint begin = starts[a.query_first + query], end = starts[a.query_first + query + 1];

    vec4 sums[PARTS];
    [[unroll]] for (uint i = 0; i < PARTS; i++)
        sums[i] = vec4(0);
    for (uint first = begin; first < end; first += LANES) {
        uint edge = min(first + lane, end - 1), row = rows[edge];
        float change = weights_at1(a.weights_first + edge * a.weights_stride + head)
                       - was_at1(a.was_first + edge * a.was_stride + head);
        team_show(change, row);
        [[unroll]] for (uint j = 0; j < LANES; j++) {
            float w = team_of(j, change);
            uint v_first = a.v_first + team_of(j, row) * a.v_stride + kv;
            if (first + j < end) {
                [[unroll]] for (uint i = 0; i < PARTS; i++) {
                    uint c = 4 * (i * LANES + lane);
                    if (c < a.d_head)
                        sums[i] += w * v_at(v_first + c, a.d_head - c);
                }
            }
        }
    }
    uint to = a.out_first + query * a.out_stride + head * a.d_head;
    uint old = a.z_first + query * a.out_stride + head * a.d_head;
    [[unroll]] for (uint i = 0; i < PARTS; i++) {
        uint c = 4 * (i * LANES + lane);
        if (c < a.d_head)
            out_put(to + c, z_at(old + c, a.d_head - c) + sums[i], a.d_head - c);
    }
}
