#include "engine/bf16.h"

#include <string.h>

// Inlined, and without branches: what calls it in a loop is vectorised.
static inline uint16_t round_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    uint32_t rounded = (u + 0x7FFFu + (u >> 16 & 1u)) >> 16, quiet = u >> 16 | 0x40u;
    return (uint16_t)((u & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
}

static inline float widen_bits(uint16_t h)
{
    uint32_t u = (uint32_t)h << 16;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

uint16_t bf16_round(float x)
{
    return round_bits(x);
}

float bf16_widen(uint16_t h)
{
    return widen_bits(h);
}

void bf16_split(const float *x, size_t n, uint16_t *high, uint16_t *low)
{
    for (size_t i = 0; i < n; i++) {
        high[i] = round_bits(x[i]);
        low[i] = round_bits(x[i] - widen_bits(high[i]));
    }
}

void bf16_split_rows(const float *x, size_t n, size_t k, size_t stride, size_t width, uint16_t *out)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i++) {
        uint16_t *high = out + i * 3 * width, *low = high + 2 * width;
        bf16_split(x + i * stride, k, high, low);
        memset(high + k, 0, (width - k) * sizeof *high);
        memset(low + k, 0, (width - k) * sizeof *low);
        memcpy(high + width, high, width * sizeof *high);
    }
}
