// out[i] = x[rows[i]]. One team a row.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"

layout(push_constant) uniform Push
{
    gather_args a;
};
OUTPUT
INPUT(1, x)
layout(set = 0, binding = 5, std430) readonly buffer list
{
    uint rows[];
};

void main()
{
    uint row = TEAM_INDEX;
    if (row >= a.rows)
        return;
    uint from = a.x_first + rows[a.list_first + row] * a.x_stride;
    uint to = a.out_first + row * a.out_stride;
    for (uint c = 4 * TEAM_LANE; c < a.cols; c += 4 * LANES)
        out_put(to + c, x_at(from + c, a.cols - c), a.cols - c);
}
