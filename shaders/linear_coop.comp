// out = x · w for GPUs that multiply fp16 matrices by whole subgroups (VK_KHR_cooperative_matrix); w is stored as fp16.
//
// x is fp32: its rows go into two halves, x = high + low up to 2^-20 of x, and each is multiplied by w. Products of halves are
// exact in fp32, in which they are added up, so that the result is that of linear_tile to rounding. A workgroup computes
// TILE x TILE outputs from slices of 16 k, as linear_tile does; they are cut into CM x CN matrices, dealt out to the subgroups
// in reading order.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common.h"
#include "act.h"

layout(constant_id = 3) const uint TILE = 64; // 64 or 128
layout(constant_id = 4) const uint ACT = SHADER_ACT_IDENTITY;
layout(constant_id = 5) const bool ACCUMULATE = false;
layout(constant_id = 6) const uint CM = 16; // what the device multiplies at once: CM x CK by CK x CN
layout(constant_id = 7) const uint CN = 16;
layout(constant_id = 8) const uint CK = 16;
layout(push_constant) uniform Push
{
    linear_args a;
};
OUTPUT
INPUT(1, x)
layout(set = 0, binding = 2, std430) readonly buffer w_halves
{
    uvec2 w_half4[];
};
INPUT(3, bias)
INPUT(4, old)

const uint SLICE = 16, PANEL4 = 16; // a panel of w is 64 columns
const uint SUBGROUPS = THREADS / LANES;
const uint MATRICES = (TILE / CM) * (TILE / CN) / SUBGROUPS; // of one subgroup
const uint X_ROW = SLICE + 8, W_ROW = TILE + 8; // longer than they need be, so that rows begin in different banks
shared float16_t x_high[TILE * X_ROW], x_low[TILE * X_ROW], w_slice[SLICE * W_ROW];
shared float sums[SUBGROUPS * CM * CN]; // a matrix of each subgroup, on its way out

void put_halves(uint at, vec4 v)
{
    // The first 11 bits are cut off as bits: compilers take a conversion to halves and back for nothing.
    vec4 high = uintBitsToFloat(floatBitsToUint(v) & 0xffffe000u);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        x_high[at + i] = float16_t(high[i]);
        x_low[at + i] = float16_t(v[i] - high[i]);
    }
}

void load_slices(uint m0, uint n0, uint k0)
{
    uint last_panel = (a.n - 1) / 64;
    [[unroll]] for (uint i = 0; i < TILE * SLICE / 4; i += THREADS) {
        uint at = i + gl_LocalInvocationIndex, row = at / (SLICE / 4), k4 = at % (SLICE / 4) * 4;
        vec4 v = vec4(0);
        if (m0 + row < a.m && k0 + k4 < a.k)
            v = x_at(a.x_first + (m0 + row) * a.x_stride + k0 + k4, a.k - k0 - k4);
        put_halves(row * X_ROW + k4, v);
    }
    [[unroll]] for (uint i = 0; i < SLICE * TILE / 4; i += THREADS) {
        uint at = i + gl_LocalInvocationIndex, k = at / (TILE / 4), n4 = at % (TILE / 4);
        uint panel = min(n0 / 64 + n4 / PANEL4, last_panel); // beyond the last: anything, never stored
        uint w_row = min(a.w_first + k0 + k, a.k_pad - 1); // beyond k: anything, it meets zeros of x
        uvec2 four = w_half4[(panel * a.k_pad + w_row) * PANEL4 + n4 % PANEL4];
        f16vec2 front = unpackFloat2x16(four.x), back = unpackFloat2x16(four.y);
        uint to = k * W_ROW + 4 * n4;
        w_slice[to] = front.x;
        w_slice[to + 1] = front.y;
        w_slice[to + 2] = back.x;
        w_slice[to + 3] = back.y;
    }
}

// Rows and columns [row, row + CM) x [col, col + CN) of the tile, which this subgroup has put into sums.
void store_matrix(uint m0, uint n0, uint row, uint col)
{
    for (uint at = gl_SubgroupInvocationID; at < CM * CN / 4; at += LANES) {
        uint m = m0 + row + at / (CN / 4), in_row = at % (CN / 4) * 4, n = n0 + col + in_row;
        if (m >= a.m || n >= a.n)
            continue;
        uint from = (gl_SubgroupID * CM + at / (CN / 4)) * CN + in_row;
        vec4 y = vec4(sums[from], sums[from + 1], sums[from + 2], sums[from + 3]);
        if (a.has_bias != 0)
            y += bias_at(a.bias_first + n, a.n - n);
        y = activate(ACT, y);
        if (ACCUMULATE)
            y += old_at(a.old_first + m * a.out_stride + n, a.n - n);
        out_put(a.out_first + m * a.out_stride + n, y, a.n - n);
    }
}

void main()
{
    uint m0 = gl_WorkGroupID.x * TILE, n0 = gl_WorkGroupID.y * TILE, first = gl_SubgroupID * MATRICES;
    coopmat<float, gl_ScopeSubgroup, CM, CN, gl_MatrixUseAccumulator> acc[MATRICES];
    [[unroll]] for (uint i = 0; i < MATRICES; i++)
        acc[i] = coopmat<float, gl_ScopeSubgroup, CM, CN, gl_MatrixUseAccumulator>(0);

    [[dont_unroll]] for (uint k0 = 0; k0 < a.k; k0 += SLICE) {
        load_slices(m0, n0, k0);
        barrier();
        [[unroll]] for (uint k = 0; k < SLICE; k += CK)
            [[unroll]] for (uint i = 0; i < MATRICES; i++) {
                uint row = (first + i) / (TILE / CN) * CM, col = (first + i) % (TILE / CN) * CN;
                coopmat<float16_t, gl_ScopeSubgroup, CM, CK, gl_MatrixUseA> high, low;
                coopmat<float16_t, gl_ScopeSubgroup, CK, CN, gl_MatrixUseB> w;
                coopMatLoad(high, x_high, row * X_ROW + k, X_ROW, gl_CooperativeMatrixLayoutRowMajor);
                coopMatLoad(low, x_low, row * X_ROW + k, X_ROW, gl_CooperativeMatrixLayoutRowMajor);
                coopMatLoad(w, w_slice, k * W_ROW + col, W_ROW, gl_CooperativeMatrixLayoutRowMajor);
                acc[i] = coopMatMulAdd(high, w, acc[i]);
                acc[i] = coopMatMulAdd(low, w, acc[i]);
            }
        barrier();
    }

    [[unroll]] for (uint i = 0; i < MATRICES; i++) {
        uint row = (first + i) / (TILE / CN) * CM, col = (first + i) % (TILE / CN) * CN;
        coopMatStore(acc[i], sums, gl_SubgroupID * CM * CN, CN, gl_CooperativeMatrixLayoutRowMajor);
        subgroupBarrier();
        store_matrix(m0, n0, row, col);
        subgroupBarrier();
    }
}
