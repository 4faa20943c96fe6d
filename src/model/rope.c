// Frequencies of rotary positions: theta^(-2i/R), and the ways in which checkpoints stretch them.
#include "model/rope.h"

#include <math.h>

static const double tau = 6.283185307179586;

// LLaMA 3.1: long waves are slowed down by `factor`, short ones stay,
// those between go over smoothly.
static double stretch_llama3(const struct rope_shape *r, double frequency)
{
    double turns = r->original_ctx * frequency / tau; // within the context of training
    if (turns > r->high_freq_factor)
        return frequency;
    if (turns < r->low_freq_factor)
        return frequency / r->factor;
    double smooth = (turns - r->low_freq_factor) / (r->high_freq_factor - r->low_freq_factor);
    return (1 - smooth) * frequency / r->factor + smooth * frequency;
}

// The dimension whose wave turns `turns` times within the context of training (Peng et al. 2023,
// equation 17).
static double yarn_dimension(const struct rope_shape *r, double turns)
{
    return r->n_dims * log(r->original_ctx / (turns * tau)) / (2 * log(r->theta));
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

// YaRN: pair i is slowed down by `factor` as far as the ramp between two dimensions has risen.
static double stretch_yarn(const struct rope_shape *r, uint32_t i, double frequency)
{
    double low = yarn_dimension(r, r->beta_fast), high = yarn_dimension(r, r->beta_slow);
    if (r->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, r->n_dims - 1.0);
    // the reference's guard against a step
    if (low == high)
        high += 0.001;
    double ramp = clamp((i - low) / (high - low), 0, 1);
    return frequency / r->factor * ramp + frequency * (1 - ramp);
}

static double frequency(const struct rope_shape *r, uint32_t i)
{
    double f = pow(r->theta, -2.0 * i / r->n_dims);
    switch (r->kind) {
    case ROPE_DEFAULT:
        return f;
    case ROPE_LINEAR:
        return f / r->factor;
    case ROPE_LLAMA3:
        return stretch_llama3(r, f);
    case ROPE_LONG:
        return f / r->divisors[i];
    case ROPE_YARN:
        break;
    }
    return stretch_yarn(r, i, f);
}

void rope_frequencies(const struct rope_shape *r, double *out)
{
    for (uint32_t i = 0; i < r->n_dims / 2; i++)
        out[i] = frequency(r, i);
}

bool rope_is_finite(const struct rope_shape *r)
{
    for (uint32_t i = 0; i < r->n_dims / 2; i++)
        if (!isfinite(frequency(r, i)))
            return false;
    return isfinite(r->scale);
}

double alibi_slope(uint32_t n_heads, uint32_t head)
{
    uint32_t n = 1;
    while (2 * n <= n_heads)
        n *= 2;
    if (head < n)
        return exp2(-8.0 * (head + 1) / n);
    return exp2(-4.0 * (2 * (head - n) + 1) / n);
}
