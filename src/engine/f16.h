// fp32 to fp16, for matrices that are stored so.
#ifndef ABL_ENGINE_F16_H
#define ABL_ENGINE_F16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// To nearest, ties to even (IEEE 754-2019, 4.3.1), below 2^-14 too; 65520 and more become infinite,
// what is no number stays none. Without branches, so that loops over it are vectorised.
static inline uint16_t f16_round(float x)
{
    uint32_t u, a;
    float small, shift = 0.5f; // whose last bit is worth 2^-24, the least fp16
    memcpy(&u, &x, sizeof u);
    uint32_t sign = u >> 16 & 0x8000u, half_bits;
    a = u & 0x7FFFFFFFu;
    memcpy(&small, &a, sizeof small);
    small += shift;
    memcpy(&half_bits, &small, sizeof half_bits);
    uint32_t below = half_bits - 0x3F000000u; // a is less than 2^-14
    // 112: 127 - 15, the biases
    uint32_t normal = (a - (112u << 23) + 0xFFFu + (a >> 13 & 1u)) >> 13;
    uint32_t beyond = a > 0x7F800000u ? 0x7E00u : 0x7C00u;
    uint32_t finite = a < 113u << 23 ? below : normal;
    return (uint16_t)(sign | (a >= 0x477FF000u ? beyond : finite));
}

// Whether a number has no finite fp16.
static inline bool f16_overflows(float x)
{
    return !(x > -65520.0f && x < 65520.0f);
}

#endif
