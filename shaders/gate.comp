// x = act(gate) x, in place. One team a row.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "act.h"

layout(constant_id = 3) const uint ACT = SHADER_ACT_IDENTITY;
layout(push_constant) uniform Push
{
    gate_push a;
};
OUTPUT
INPUT(1, x)
INPUT(2, gate)

void main()
{
    uint row = TEAM_INDEX;
    if (row >= a.rows)
        return;
    uint from = a.x_first + row * a.x_stride, by = a.gate_first + row * a.gate_stride;
    uint to = a.out_first + row * a.x_stride;
    for (uint c = 4 * TEAM_LANE; c < a.cols; c += 4 * LANES) {
        uint n = a.cols - c;
        out_put(to + c, x_at(from + c, n) * activate(ACT, gate_at(by + c, n)), n);
    }
}
