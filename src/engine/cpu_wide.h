// What the cpu engine's loops share.
#ifndef ABL_ENGINE_CPU_WIDE_H
#define ABL_ENGINE_CPU_WIDE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/wide.h"

// Floats beside each other, wherever they begin: a register of the widest machines, several of the
// others. Sums over few floats are spelled out in these, as compilers leave a loop over a vector's
// lanes at the end of each.
enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

INLINED float sum_lanes(const lanes *v)
{
    typedef float half __attribute__((vector_size(32)));
    typedef float quarter __attribute__((vector_size(16)));
    half h = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7)
             + __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);
    quarter q
        = __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
    return (q[0] + q[2]) + (q[1] + q[3]);
}

// Below this many floats, waking other threads costs more than they bring.
enum { PARALLEL_FROM = 32768 };

// e^x for x <= 0 as it is needed by softmax, within 2 ulp; 0 below -87, NaN of NaN.
// 2^n by exponent bits, the rest by a polynomial of degree 6 on [-ln2/2,
// ln2/2] (Taylor coefficients are within rounding there).
static inline float exp_negative(float x)
{
    float clipped = x < -87.0f ? -87.0f : x;
    float n = rintf(clipped * 1.44269504f);
    float r = clipped - n * 0.693359375f; // ln2 in two parts (Cody & Waite)
    r = r + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    float e = p * r * r + r + 1.0f;
    // 1.5 * 2^23 and the exponent's bias bring n + 127 to the lowest bits, also where n is no
    // number.
    float biased = n + (12582912.0f + 127.0f);
    uint32_t bits;
    memcpy(&bits, &biased, sizeof bits);
    bits <<= 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : e * scale;
}

#endif
