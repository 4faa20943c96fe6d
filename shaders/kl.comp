// sum p_base (ln p_base - ln p) for items already reduced by readout.comp. One workgroup an item.
//
// With t = ln p - ln p_base the sum equals sum p_base (e^t - 1 - t), because both p add up to 1. Written so, no term is
// negative and equal distributions give 0: nothing cancels, however small the divergence.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "exp.h"
#include "reduce.h"

layout(push_constant) uniform Push
{
    readout_args a;
};
layout(set = 0, binding = 0, std430) buffer result
{
    readout_raw raws[];
};
INPUT(1, logits)
layout(set = 0, binding = 5, std430) readonly buffer list
{
    readout_item items[];
};

// e^t - 1 - t for |t| <= 1/2 by its series: the first term left out is 3e-8 of the sum.
vec4 excess(vec4 t)
{
    vec4 s = t * (1.0 / 362880.0) + 1.0 / 40320.0;
    s = s * t + 1.0 / 5040.0;
    s = s * t + 1.0 / 720.0;
    s = s * t + 1.0 / 120.0;
    s = s * t + 1.0 / 24.0;
    s = s * t + 1.0 / 6.0;
    s = s * t + 0.5;
    return s * t * t;
}

void main()
{
    uint item = group_index();
    if (item >= a.items)
        return;
    item += a.item_first;
    uint base = items[item].base, base_item = a.base_first + base;
    uint first = items[item].row * a.logits_stride, base_first = base * a.logits_stride;
    float sum = 1.0 + raws[item].others, base_sum = 1.0 + raws[base_item].others;
    float peak = raws[item].peak, base_peak = raws[base_item].peak;
    float ln_sum = ln_of(sum), base_ln_sum = ln_of(base_sum);
    float shift = (peak - base_peak) + ln_of(sum / base_sum); // of the normalisers; exact when it is small
    careful total = careful(vec4(0), vec4(0));
    for (uint c = 4 * gl_LocalInvocationIndex; c < a.n; c += 4 * THREADS) {
        vec4 l = logits_at4((first + c) >> 2), l_base = logits_at4((base_first + c) >> 2);
        vec4 t = (l - l_base) - shift, p = exp_of(l - peak - ln_sum);
        vec4 p_base = exp_of(l_base - base_peak - base_ln_sum);
        vec4 term = mix(p - p_base - p_base * t, p_base * excess(t), lessThanEqual(abs(t), vec4(0.5)));
        if (a.n - c < 4)
            term = mix(vec4(0), term, lessThan(uvec4(0, 1, 2, 3), uvec4(a.n - c)));
        careful_add(total, term);
    }
    float kl = group_sum(careful_total(total));
    if (gl_LocalInvocationIndex == 0)
        raws[item].kl = kl;
}
