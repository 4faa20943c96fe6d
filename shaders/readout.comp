// Reduce rows of logits to a readout_raw for each item. One workgroup an item; two readings: the peak, then the sums below it.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.h"
#include "exp.h"
#include "reduce.h"

layout(push_constant) uniform Push
{
    readout_args a;
};
layout(set = 0, binding = 0, std430) writeonly buffer result
{
    readout_raw raws[];
};
INPUT(1, logits)
layout(set = 0, binding = 5, std430) readonly buffer list
{
    readout_item items[];
};
layout(set = 0, binding = 6, std430) readonly buffer list_of_ids
{
    uint ids[];
};
shared float peaks[TEAMS];
shared uint peak_ids[TEAMS];

const uvec4 OFFSETS = uvec4(0, 1, 2, 3);
const float NEVER = -3.4e38;

// The larger value wins, among equals the lower id.
void take_higher(inout float value, inout uint id, float other, uint other_id)
{
    if (other > value || (other == value && other_id < id)) {
        value = other;
        id = other_id;
    }
}

void group_peak(inout float value, inout uint id)
{
    [[unroll]] for (uint i = 1; i < LANES; i <<= 1)
        take_higher(value, id, team_xor(value, i), team_xor(id, i));
    if (TEAMS == 1)
        return;
    if (TEAM_LANE == 0) {
        peaks[TEAM_IN_GROUP] = value;
        peak_ids[TEAM_IN_GROUP] = id;
    }
    barrier();
    for (uint i = 0; i < TEAMS; i++)
        take_higher(value, id, peaks[i], peak_ids[i]);
    barrier();
}

void find_peak(uint first, out float peak, out uint peak_id)
{
    vec4 best = vec4(NEVER);
    uvec4 best_id = uvec4(0);
    for (uint c = 4 * gl_LocalInvocationIndex; c < a.n; c += 4 * THREADS) {
        vec4 v = logits_at4((first + c) >> 2);
        bvec4 higher = greaterThan(v, best);
        if (a.n - c < 4)
            higher = mix(bvec4(false), higher, lessThan(OFFSETS, uvec4(a.n - c)));
        best = mix(best, v, higher);
        best_id = mix(best_id, c + OFFSETS, higher);
    }
    peak = best.x;
    peak_id = best_id.x;
    [[unroll]] for (uint i = 1; i < 4; i++)
        take_higher(peak, peak_id, best[i], best_id[i]);
    group_peak(peak, peak_id);
}

struct answer {
    float best, exps, below;
};

// An item's answer, the same in each thread.
answer read_answer(uint first, uint at, uint n)
{
    if (n == 0)
        return answer(logits_at1(first + at), 1.0, 0.0);
    float best = NEVER, exps = 0.0, below = 0.0;
    uint best_id = 0;
    for (uint i = gl_LocalInvocationIndex; i < n; i += THREADS)
        take_higher(best, best_id, logits_at1(first + ids[at + i]), ids[at + i]);
    group_peak(best, best_id);
    for (uint i = gl_LocalInvocationIndex; i < n; i += THREADS) {
        float d = logits_at1(first + ids[at + i]) - best;
        exps += exp_of(d);
        below += d;
    }
    return answer(best, group_sum(exps), group_sum(below));
}

void main()
{
    uint number = group_index();
    if (number >= a.items)
        return;
    number += a.item_first;
    readout_item item = items[number];
    uint first = item.row * a.logits_stride;
    float peak;
    uint peak_id;
    find_peak(first, peak, peak_id);

    answer target = read_answer(first, item.target, item.n_targets);
    answer foil = read_answer(first, item.foil, item.n_foils);
    careful others = careful(vec4(0), vec4(0)), slope = careful(vec4(0), vec4(0));
    uvec4 above = uvec4(0);
    for (uint c = 4 * gl_LocalInvocationIndex; c < a.n; c += 4 * THREADS) {
        vec4 v = logits_at4((first + c) >> 2), d = v - peak, e = exp_of(d);
        bvec4 counts = lessThan(c + OFFSETS, uvec4(a.n));
        bvec4 higher = mix(bvec4(false), greaterThan(v, vec4(target.best)), counts);
        counts = mix(counts, bvec4(false), equal(c + OFFSETS, uvec4(peak_id)));
        e = mix(vec4(0), e, counts);
        d = mix(vec4(0), d, counts);
        careful_add(others, e);
        careful_add(slope, e * d);
        above += uvec4(higher);
    }
    readout_raw raw;
    raw.peak = peak;
    raw.others = group_sum(careful_total(others));
    raw.slope = group_sum(careful_total(slope));
    // Counts stay below 2^24 per lane, where floats are exact; the sum of the four and of the lanes is taken in halves.
    uint count = above.x + above.y + above.z + above.w;
    uint low = uint(group_sum(float(count & 0xfff))), high = uint(group_sum(float(count >> 12)));
    raw.rank = low + (high << 12);
    raw.argmax = peak_id;
    raw.target_best = target.best;
    raw.target_exps = target.exps;
    raw.target_below = target.below;
    raw.foil_best = foil.best;
    raw.foil_exps = foil.exps;
    raw.foil_below = foil.below;
    raw.kl = 0.0;
    if (gl_LocalInvocationIndex == 0)
        raws[number] = raw;
}
