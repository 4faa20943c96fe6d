// out = x · w for CPU-type devices: no shared memory and no barrier.
//
// One subgroup computes BLOCKS * LANES rows by 4 LANES columns. Lane l holds 4 columns of w and one row of x; the
// rows go round by shuffles with a constant lane, which are plain vector shuffles there:
//
//            lane 0 . . . lane 7
//   w  k     [4 columns] … [4 columns]   one fetch a lane and k
//   x  row i  x[m0 + i][k … k + 3] sits in lane i, and acc[i] += shuffle(x, i)[kk] * w[kk]
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "act.h"

layout(constant_id = 3) const uint BLOCKS = 4;       // of LANES rows each
layout(constant_id = 4) const uint ACT = SHADER_ACT_IDENTITY;
layout(constant_id = 5) const bool ACCUMULATE = false;
layout(push_constant) uniform Push
{
    linear_args a;
};
OUTPUT
INPUT(1, x)
INPUT(3, bias)
INPUT(4, old)
#include "weights.h"

void main()
{
    uint lane = TEAM_LANE;
    uint m0 = gl_WorkGroupID.x * LANES * BLOCKS, col = (gl_WorkGroupID.y * LANES + lane) * 4;
    vec4 acc[BLOCKS][LANES];
    uint x_first[BLOCKS];
    [[unroll]] for (uint b = 0; b < BLOCKS; b++) {
        x_first[b] = a.x_first + min(m0 + b * LANES + lane, a.m - 1) * a.x_stride;
        if (ALIGNED)
            x_first[b] >>= 2;
        [[unroll]] for (uint i = 0; i < LANES; i++)
            acc[b][i] = vec4(0);
    }
    uint w_next = (gl_WorkGroupID.y * a.k_pad + a.w_first) * LANES + lane;
    // The last rows may be fewer than 4; what is fetched in their place meets zeros of x, but has to be there.
    uint w_last = (gl_WorkGroupID.y * a.k_pad + a.k_pad - 1) * LANES + lane;
    [[dont_unroll]] for (uint k = 0; k < a.k; k += 4) {
        vec4 xs[BLOCKS], ws[4];
        [[unroll]] for (uint b = 0; b < BLOCKS; b++)
            xs[b] = ALIGNED ? x_at4(x_first[b] + (k >> 2)) : x_at(x_first[b] + k, a.k - k);
        [[unroll]] for (uint kk = 0; kk < 4; kk++)
            ws[kk] = w_load4(ALIGNED ? w_next + kk * LANES : min(w_next + kk * LANES, w_last));
        w_next += 4 * LANES;
        [[unroll]] for (uint b = 0; b < BLOCKS; b++)
            [[unroll]] for (uint i = 0; i < LANES; i++)
                [[unroll]] for (uint kk = 0; kk < 4; kk++)
                    acc[b][i] += subgroupShuffle(xs[b][kk], i) * ws[kk];
    }
    if (col >= a.n)
        return;
    vec4 add = vec4(0);
    if (a.has_bias != 0)
        add = bias_at(a.bias_first + col, a.n - col);
    [[unroll]] for (uint b = 0; b < BLOCKS; b++)
        [[unroll]] for (uint i = 0; i < LANES; i++) {
            uint row = m0 + b * LANES + i;
            if (row < a.m) {
                vec4 y = activate(ACT, acc[b][i] + add);
                if (ACCUMULATE)
                    y += old_at(a.old_first + row * a.out_stride + col, a.n - col);
                out_put(a.out_first + row * a.out_stride + col, y, a.n - col);
            }
        }
}
