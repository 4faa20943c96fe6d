// What the cpu engine's loops share.
#ifndef ABL_ENGINE_CPU_WIDE_H
#define ABL_ENGINE_CPU_WIDE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/wide.h"

// Below this many floats, waking other threads costs more than they bring.
enum { PARALLEL_FROM = 32768 };

// e^x for x <= 0 as it is needed by softmax, within 2 ulp; 0 below -87. 2^n by exponent bits, the rest by a polynomial
// of degree 6 on [-ln2/2, ln2/2] (Taylor coefficients are within rounding there).
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
    int32_t bits = ((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : e * scale;
}

#endif
