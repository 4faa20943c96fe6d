// out = x · w for GPUs: a workgroup of 16 x 16 (or 16 x 8) threads computes TILE x TILE outputs, TILE / 16 columns of every
// 16th (8th) row a thread, from slices of 16 k that it shares. Both slices keep the order they have in memory, 4 floats to a vector: x along k, so
// that a thread reads 4 k of a row at once, w along n. The rows of the x slice are one vector longer than they need be,
// so that a column of them falls into different banks.
//
//            n ──►  thread tx: columns 4 tx … 4 tx + 3, and so on 64 further
//   k│16    [ w slice: 16 x TILE ]
//    ▼
//  [ x slice: TILE x 16 ]   thread ty: rows ty, ty + 16, … (ty + 8, …)
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "act.h"

layout(constant_id = 3) const uint TILE = 64; // 64 or 128
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

const uint SLICE = 16, SLICE4 = SLICE / 4, PANEL4 = 16; // a panel of w is 64 columns
const uint X_ROW = SLICE4 + 1;
const uint HEIGHT = THREADS / 16, ROWS = TILE / HEIGHT, COLS4 = TILE / 64; // of one thread
shared vec4 x_slice[TILE * X_ROW];
shared vec4 w_slice[SLICE * TILE / 4];

void load_slices(uint m0, uint n0, uint k0)
{
    uint last_panel = (a.n - 1) / 64;
    [[unroll]] for (uint i = 0; i < TILE * SLICE4; i += THREADS) {
        uint at = i + gl_LocalInvocationIndex, row = at / SLICE4, k = k0 + at % SLICE4 * 4;
        vec4 v = vec4(0);
        if (m0 + row < a.m && k < a.k)
            v = x_at(a.x_first + (m0 + row) * a.x_stride + k, a.k - k);
        x_slice[row * X_ROW + at % SLICE4] = v;
    }
    [[unroll]] for (uint i = 0; i < SLICE * TILE / 4; i += THREADS) {
        uint at = i + gl_LocalInvocationIndex, k = k0 + at / (TILE / 4), n4 = at % (TILE / 4);
        uint panel = min(n0 / 64 + n4 / PANEL4, last_panel); // beyond the last: anything, never stored
        uint w_row = min(a.w_first + k, a.k_pad - 1); // beyond k: anything, it meets zeros of x
        w_slice[at] = w_load4((panel * a.k_pad + w_row) * PANEL4 + n4 % PANEL4);
    }
}

void main()
{
    uint tx = gl_LocalInvocationIndex % 16, ty = gl_LocalInvocationIndex / 16;
    uint m0 = gl_WorkGroupID.x * TILE, n0 = gl_WorkGroupID.y * TILE;
    vec4 acc[ROWS][COLS4];
    [[unroll]] for (uint i = 0; i < ROWS; i++)
        [[unroll]] for (uint j = 0; j < COLS4; j++)
            acc[i][j] = vec4(0);

    [[dont_unroll]] for (uint k0 = 0; k0 < a.k; k0 += SLICE) {
        load_slices(m0, n0, k0);
        barrier();
        [[unroll]] for (uint k4 = 0; k4 < SLICE4; k4++) {
            vec4 ws[4][COLS4];
            [[unroll]] for (uint kk = 0; kk < 4; kk++)
                [[unroll]] for (uint j = 0; j < COLS4; j++)
                    ws[kk][j] = w_slice[(4 * k4 + kk) * (TILE / 4) + tx + 16 * j];
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                vec4 xs = x_slice[(ty + HEIGHT * i) * X_ROW + k4];
                [[unroll]] for (uint j = 0; j < COLS4; j++)
                    [[unroll]] for (uint kk = 0; kk < 4; kk++)
                        acc[i][j] += xs[kk] * ws[kk][j];
            }
        }
        barrier();
    }

    [[unroll]] for (uint j = 0; j < COLS4; j++) {
        uint col = n0 + 64 * j + 4 * tx;
        if (col < a.n) {
            vec4 add = vec4(0);
            if (a.has_bias != 0)
                add = bias_at(a.bias_first + col, a.n - col);
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                uint row = m0 + ty + HEIGHT * i;
                if (row < a.m) {
                    vec4 y = activate(ACT, acc[i][j] + add);
                    if (ACCUMULATE)
                        y += old_at(a.old_first + row * a.out_stride + col, a.n - col);
                    out_put(a.out_first + row * a.out_stride + col, y, a.n - col);
                }
            }
        }
    }
}
