// IEEE half precision to fp32.
#ifndef ABL_FORMAT_HALF_H
#define ABL_FORMAT_HALF_H

#include <stdint.h>
#include <string.h>

static inline float bits_to_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

// Sign 1, exponent 5 (bias 15), fraction 10; fp32 has 8 (bias 127) and 23. Both ways of a half are
// computed and one is picked, so that the compiler can convert many at once.
static inline float half_to_float(uint16_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    // Infinity and NaN keep their fraction and get the top exponent;
    // the rest is rebiased by 127 - 15.
    uint32_t rebias = magnitude < 0x7c00u ? 112u << 23 : 224u << 23;
    uint32_t normal = (magnitude << 13) + rebias, subnormal;
    float fraction = (float)(int32_t)magnitude * 0x1p-24f; // exponent 0: fraction · 2^-24, exact
    memcpy(&subnormal, &fraction, sizeof subnormal);
    return bits_to_float(sign | (magnitude < 0x400u ? subnormal : normal));
}

#endif
