// The activations of enum act. None overflows: far below zero each is 0, far above it x.
#include "exp.h"

// x / (1 + e^-y), where y is negative if x is. exp_of stops at e^88, which a large x would still show over.
vec4 times_logistic(vec4 x, vec4 y)
{
    return mix(x / (1.0 + exp_of(-y)), vec4(0), lessThan(y, vec4(-87)));
}

// 0.5 x (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3), is x / (1 + e^(-2u)).
vec4 gelu_tanh(vec4 x)
{
    return times_logistic(x, 1.5957691216057308 * (x + 0.044715 * x * x * x));
}

// 0.5 x (1 + erf(x / sqrt 2)). With a = |x|, 1 - erf(a / sqrt 2) = e^(a p(a)): nothing cancels, and nothing is divided by.
// p is the polynomial of degree 10 whose largest error of a p(a) over 0 < a < 6, in units of max(1, |a p(a)|), is least
// (Remez exchange): 1.0e-8. From 6 on the result is 0 or x, right to 6e-9.
vec4 gelu_erf(vec4 x)
{
    vec4 a = min(abs(x), vec4(6));
    vec4 p = a * 1.85035497e-9 - 6.87073762e-8;
    p = p * a + 1.13116607e-6;
    p = p * a - 1.07917607e-5;
    p = p * a + 6.4117527e-5;
    p = p * a - 2.16763114e-4;
    p = p * a + 2.65887408e-5;
    p = p * a + 4.80031314e-3;
    p = p * a - 3.63477444e-2;
    p = p * a - 3.18306342e-1;
    p = p * a - 7.97884901e-1;
    vec4 tail = mix(exp_of(p * a), vec4(0), greaterThanEqual(a, vec4(6)));
    return 0.5 * x * mix(2.0 - tail, tail, lessThan(x, vec4(0)));
}

vec4 activate(uint act, vec4 x)
{
    if (act == SHADER_ACT_GELU_TANH)
        return gelu_tanh(x);
    if (act == SHADER_ACT_GELU_ERF)
        return gelu_erf(x);
    if (act == SHADER_ACT_SILU)
        return times_logistic(x, x);
    if (act == SHADER_ACT_RELU)
        return mix(x, vec4(0), lessThan(x, vec4(0)));
    return x;
}
