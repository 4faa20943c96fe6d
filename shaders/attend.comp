// z = softmax(scale q·k) v over the rows that each query's context lists. One team a query and head.
//
// LANES keys at a time: lane j has the score of key j; then each lane owns columns of v and takes the weights of all
// keys by shuffles. The softmax is kept running, rescaled when a larger score comes.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "cap.h"

layout(constant_id = 3) const uint PARTS = 1; // vectors of 4 columns a lane owns: ceil(d_head / (4 LANES))
layout(push_constant) uniform Push
{
    attend_push a;
};
OUTPUT
INPUT(1, q)
INPUT(2, k)
INPUT(3, v)
INPUT(4, lean)
layout(set = 0, binding = 5, std430) readonly buffer list_of_starts
{
    uint starts[];
};
layout(set = 0, binding = 6, std430) readonly buffer list_of_rows
{
    uint rows[];
};

float dot_product(uint q_first, uint k_first)
{
    vec4 sums = vec4(0);
    [[dont_unroll]] for (uint c = 0; c < a.d_head; c += 4)
        sums += q_at(q_first + c, a.d_head - c) * k_at(k_first + c, a.d_head - c);
    return sum4(sums);
}

void main()
{
    uint id = TEAM_INDEX, lane = TEAM_LANE;
    if (id >= a.n_queries * a.n_heads)
        return;
    uint query = id / a.n_heads, head = id % a.n_heads, kv = head / a.heads_per_kv * a.d_head;
    uint q_first = a.q_first + (a.query_first + query) * a.q_stride + head * a.d_head;
    uint begin = starts[a.query_first + query], end = starts[a.query_first + query + 1];

    vec4 z[PARTS];
    [[unroll]] for (uint i = 0; i < PARTS; i++)
        z[i] = vec4(0);
    float peak = -3.0e38, total = 0.0;
    for (uint first = begin; first < end; first += LANES) {
        bool listed = first + lane < end;
        uint row = rows[min(first + lane, end - 1)];
        float score = capped_score(a.scale * dot_product(q_first, a.k_first + row * a.k_stride + kv), a.cap);
        if (a.has_lean != 0)
            score += lean_at1(a.lean_first + head * a.lean_stride + min(first + lane, end - 1) - begin);
        float new_peak = max(peak, team_max(listed ? score : -3.0e38));
        float weight = listed ? exp_of(score - new_peak) : 0.0;
        float shrink = exp_of(peak - new_peak);
        peak = new_peak;
        total = total * shrink + team_sum(weight);
        [[unroll]] for (uint i = 0; i < PARTS; i++)
            z[i] *= shrink;
        team_show(weight, row);
        [[unroll]] for (uint j = 0; j < LANES; j++) {
            float w = team_of(j, weight);
            uint v_first = a.v_first + team_of(j, row) * a.v_stride + kv;
            if (first + j < end) {
                [[unroll]] for (uint i = 0; i < PARTS; i++) {
                    uint c = 4 * (i * LANES + lane);
                    if (c < a.d_head)
                        z[i] += w * v_at(v_first + c, a.d_head - c);
                }
            }
        }
    }
    uint to = a.out_first + query * a.out_stride + head * a.d_head;
    [[unroll]] for (uint i = 0; i < PARTS; i++) {
        uint c = 4 * (i * LANES + lane);
        if (c < a.d_head)
            out_put(to + c, z[i] / total, a.d_head - c);
    }
}
