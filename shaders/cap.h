// Soft caps: cap · tanh(x / cap). With e = e^(-2|u|), tanh u is (1 - e) / (1 + e) with u's sign; what that loses near 0 is
// far below a bit of the cap.
#include "exp.h"

vec4 capped(vec4 x, float cap)
{
    vec4 e = exp_of(-2.0 * abs(x) / cap);
    return cap * sign(x) * (1.0 - e) / (1.0 + e);
}

// cap 0: none
float capped_score(float x, float cap)
{
    return cap > 0.0 ? capped(vec4(x), cap).x : x;
}
