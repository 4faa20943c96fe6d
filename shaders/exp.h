// exp and ln of our own: a driver's may be wrong in the sixth digit.

// e^x, good to about 2^-23 of itself between -87 and 88 and held at these ends; NaN stays NaN.
// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its series, whose ninth term is below 6e-9.
vec4 exp_of(vec4 x)
{
    vec4 y = clamp(x, vec4(-87.0), vec4(88.0));
    vec4 n = floor(y * 1.44269504 + 0.5);
    vec4 r = y - n * 0.693359375;     // ln 2 in two parts: n times the first is exact
    r += n * 2.12194440054690583e-4;
    vec4 p = r * (1.0 / 5040.0) + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r * r + r + 1.0;
    vec4 e = p * intBitsToFloat((ivec4(n) + 127) << 23);
    return mix(e, x, isnan(x));
}

float exp_of(float x)
{
    return exp_of(vec4(x)).x;
}

// ln x for normal x > 0. x = 2^e m with m around 1; ln m = 2 artanh f, f = (m - 1) / (m + 1), |f| < 0.172.
float ln_of(float x)
{
    int bits = floatBitsToInt(x);
    int e = (bits - 0x3f3504f3) >> 23; // bits of sqrt(1/2)
    float m = intBitsToFloat(bits - (e << 23));
    float f = (m - 1.0) / (m + 1.0), z = f * f;
    float s = z * (1.0 / 9.0) + 1.0 / 7.0;
    s = s * z + 1.0 / 5.0;
    s = s * z + 1.0 / 3.0;
    s = s * z * f + f;
    float n = float(e);
    return n * 0.693359375 + (2.0 * s - n * 2.12194440054690583e-4);
}
