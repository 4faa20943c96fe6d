// x = keep * x + add * source over the columns of each edit. One team an edit. keep = 0 and add = 0 do not read
// their operand, which may hold anything.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"

layout(push_constant) uniform Push
{
    edit_args a;
};
OUTPUT

// The n <= 4 floats of the output from `first` on.
vec4 out_at(uint first, uint n)
{
    if (ALIGNED)
        return out4[first >> 2];
    return vec4(out1[first], n > 1 ? out1[first + 1] : 0.0, n > 2 ? out1[first + 2] : 0.0,
                n > 3 ? out1[first + 3] : 0.0);
}

INPUT(1, source)
layout(set = 0, binding = 5, std430) readonly buffer list
{
    edit_item edits[];
};

void main()
{
    uint id = TEAM_INDEX;
    if (id >= a.n_edits)
        return;
    edit_item e = edits[id];
    if (e.row < a.row_first || e.row - a.row_first >= a.rows)
        return;
    uint to = a.x_first + (e.row - a.row_first) * a.x_stride + e.first_col;
    uint from = a.source_first + e.source_row * a.source_stride + e.source_col;
    for (uint c = 4 * TEAM_LANE; c < e.n_cols; c += 4 * LANES) {
        uint n = e.n_cols - c;
        vec4 y = vec4(0);
        if (e.keep != 0.0)
            y = e.keep * out_at(to + c, n);
        if (e.add != 0.0)
            y += e.add * source_at(from + c, n);
        out_put(to + c, y, n);
    }
}
