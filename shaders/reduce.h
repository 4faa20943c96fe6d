// Sums over a workgroup for the shaders that give a whole workgroup to one row, and sums that keep their rounding error.

layout(constant_id = 2) const uint THREADS = 256; // the workgroup's size again
const uint SUBGROUPS = (THREADS + LANES - 1) / LANES;
shared float partial[SUBGROUPS];

// The sum of v over the workgroup, the same bits in each thread.
float group_sum(float v)
{
    v = subgroup_sum(v);
    if (SUBGROUPS == 1)
        return v;
    if (gl_SubgroupInvocationID == 0)
        partial[gl_SubgroupID] = v;
    barrier();
    float total = 0.0;
    for (uint i = 0; i < SUBGROUPS; i++)
        total += partial[i];
    barrier();
    return total;
}

// Kahan's sum, four at a time: `lost` is what rounding took from `sum`.
struct careful {
    vec4 sum, lost;
};

void careful_add(inout careful s, vec4 v)
{
    precise vec4 y = v - s.lost;
    precise vec4 t = s.sum + y;
    precise vec4 back = t - s.sum;
    s.lost = back - y;
    s.sum = t;
}

float careful_total(careful s)
{
    return sum4(s.sum - s.lost);
}
