// Sums over a workgroup for the shaders that give a whole workgroup to one row, and sums that keep their rounding error.

const uint TEAMS = (THREADS + LANES - 1) / LANES;
shared float partial[TEAMS];

// The sum of v over the workgroup, the same bits in each thread.
float group_sum(float v)
{
    v = team_sum(v);
    if (TEAMS == 1)
        return v;
    if (TEAM_LANE == 0)
        partial[TEAM_IN_GROUP] = v;
    barrier();
    float total = 0.0;
    for (uint i = 0; i < TEAMS; i++)
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
