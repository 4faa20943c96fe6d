// x = cap · tanh(x / cap), in place. One team a row.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "cap.h"

layout(push_constant) uniform Push
{
    cap_push a;
};
OUTPUT
INPUT(1, x)

void main()
{
    uint row = TEAM_INDEX;
    if (row >= a.rows)
        return;
    uint from = a.x_first + row * a.x_stride, to = a.out_first + row * a.x_stride;
    for (uint c = 4 * TEAM_LANE; c < a.cols; c += 4 * LANES) {
        uint n = a.cols - c;
        out_put(to + c, capped(x_at(from + c, n), a.cap), n);
    }
}
