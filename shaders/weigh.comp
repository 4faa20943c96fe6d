// weights = softmax(scale q·k) of every edge, an entry of a query's context list. One team a query and head.
//
// LANES keys at a time: lane j has the score of key j. The scores are found twice, for the peak and their sum and then
// for the weights, so that nothing has to be kept for contexts of any length.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "cap.h"

layout(push_constant) uniform Push
{
    weigh_push a;
};
OUTPUT
INPUT(1, q)
INPUT(2, k)
INPUT(3, lean)
layout(set = 0, binding = 5, std430) readonly buffer list_of_starts
{
    uint starts[];
};
layout(set = 0, binding = 6, std430) readonly buffer list_of_rows
{
    uint rows[];
};

// lean_place: where that of the key stands
float score_of(uint q_first, uint k_first, uint lean_place)
{
    vec4 sums = vec4(0);
    [[dont_unroll]] for (uint c = 0; c < a.d_head; c += 4)
        sums += q_at(q_first + c, a.d_head - c) * k_at(k_first + c, a.d_head - c);
    float score = capped_score(a.scale * sum4(sums), a.cap);
    return a.has_lean != 0 ? score + lean_at1(lean_place) : score;
}

void main()
{
    uint id = TEAM_INDEX, lane = TEAM_LANE;
    if (id >= a.n_queries * a.n_heads)
        return;
    uint query = id / a.n_heads, head = id % a.n_heads, kv = head / a.heads_per_kv * a.d_head;
    uint q_first = a.q_first + query * a.q_stride + head * a.d_head;
    uint begin = starts[query], end = starts[query + 1];

    uint lean_begin = a.lean_first + head * a.lean_stride - begin;
    float peak = -3.0e38, total = 0.0;
    for (uint first = begin; first < end; first += LANES) {
        bool listed = first + lane < end;
        uint row = rows[min(first + lane, end - 1)];
        float score = score_of(q_first, a.k_first + row * a.k_stride + kv,
                               lean_begin + min(first + lane, end - 1));
        float new_peak = max(peak, team_max(listed ? score : -3.0e38));
        total = total * exp_of(peak - new_peak)
                + team_sum(listed ? exp_of(score - new_peak) : 0.0);
        peak = new_peak;
    }
    for (uint first = begin; first < end; first += LANES) {
        uint edge = min(first + lane, end - 1), in_window = edge - a.edge_first;
        float score = score_of(q_first, a.k_first + rows[edge] * a.k_stride + kv, lean_begin + edge);
        if (first + lane < end && in_window < a.n_edges)
            out1[a.out_first + in_window * a.out_stride + head] = exp_of(score - peak) / total;
    }
}
