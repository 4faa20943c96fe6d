// Each row, or each of the `groups` parts of a row, normed: (x - mean) / sqrt(variance + eps) * gain + bias; RMS norm takes
// no mean away. One team a part: a reading for each moment (the variance of what is left after the mean), one for the
// result. A lane reads and writes the same columns throughout, so that the output may be x.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"

layout(push_constant) uniform Push
{
    norm_push a;
};
OUTPUT
INPUT(1, x)
INPUT(2, gain)
INPUT(3, bias)

void main()
{
    uint item = TEAM_INDEX, row = item / a.groups, skip = item % a.groups * a.cols;
    if (row >= a.rows)
        return;
    uint first = a.x_first + row * a.x_stride + skip, to = a.out_first + row * a.out_stride + skip;
    uint lane = 4 * TEAM_LANE, step = 4 * LANES;
    float mean = 0.0;
    if (a.is_centred != 0) {
        vec4 sums = vec4(0);
        for (uint c = lane; c < a.cols; c += step)
            sums += x_at(first + c, a.cols - c);
        mean = team_sum(sum4(sums)) / float(a.cols);
    }

    vec4 squares = vec4(0);
    for (uint c = lane; c < a.cols; c += step) {
        vec4 d = x_at(first + c, a.cols - c) - mean;
        if (!ALIGNED)
            d = mix(vec4(0), d, lessThan(uvec4(0, 1, 2, 3), uvec4(a.cols - c)));
        squares += d * d;
    }
    float total = team_sum(sum4(squares));
    // What overflows has no norm, rather than one of 0.
    float scale = total <= 3.4e38 ? 1.0 / sqrt(total / float(a.cols) + a.eps) : intBitsToFloat(0x7fc00000);

    for (uint c = lane; c < a.cols; c += step) {
        uint n = a.cols - c;
        vec4 y = (x_at(first + c, n) - mean) * scale * gain_at(a.gain_first + c, n);
        if (a.has_bias != 0)
            y += bias_at(a.bias_first + c, n);
        out_put(to + c, y, n);
    }
}
