#include "report/palette.h"

#include <math.h>

#include "stats/ranks.h"

// Both arms run straight from the same near-white down to the same lightness in OKLab (Ottosson, "A
// perceptual color space for image processing", 2020), so lightness alone tells the strength and
// hue the sign.
//
// Chroma at the end of an arm is as strong as sRGB can show at that hue and lightness.
struct arm {
    double hue_degrees, chroma;
};

static const struct scale {
    double light_zero, light_end;
    struct arm negative, positive;
} on_white = { 0.97, 0.58, { 252.0, 0.15 }, { 52.0, 0.155 } },
  on_black = { 0.24, 0.74, { 252.0, 0.125 }, { 58.0, 0.155 } };

// Linear light 0..1 to an sRGB byte.
static uint8_t encode(double c)
{
    double v = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
    return (uint8_t)lround(255.0 * fmin(fmax(v, 0.0), 1.0));
}

static double decode(uint8_t byte)
{
    double v = byte / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static struct rgb from_oklab(double L, double a, double b)
{
    double l = L + 0.3963377774 * a + 0.2158037573 * b;
    double m = L - 0.1055613458 * a - 0.0638541728 * b;
    double s = L - 0.0894841775 * a - 1.2914855480 * b;
    l = l * l * l, m = m * m * m, s = s * s * s;
    return (struct rgb){ encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                         encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                         encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s) };
}

static struct rgb diverging(double t, const struct scale *s)
{
    double strength = isnan(t) ? 0.0 : fmin(fabs(t), 1.0);
    const struct arm *arm = t < 0 ? &s->negative : &s->positive;
    // Chroma runs ahead of lightness: a straight line would pass through greyish skin tones.
    double chroma = arm->chroma * strength * (2.0 - strength);
    double hue = arm->hue_degrees * (3.14159265358979323846 / 180.0);
    return from_oklab(s->light_zero + (s->light_end - s->light_zero) * strength, chroma * cos(hue),
                      chroma * sin(hue));
}

struct rgb palette_diverging(double t)
{
    return diverging(t, &on_white);
}

struct rgb palette_diverging_dark(double t)
{
    return diverging(t, &on_black);
}

struct rgb palette_ink(struct rgb background)
{
    double luminance = 0.2126 * decode(background.r) + 0.7152 * decode(background.g)
                       + 0.0722 * decode(background.b);
    // Equal WCAG contrast against black and white lies at sqrt(1.05 * 0.05) - 0.05 = 0.179; dark
    // text on mid tones is thin, so white begins a little earlier.
    return luminance > 0.22 ? (struct rgb){ 16, 16, 16 } : (struct rgb){ 255, 255, 255 };
}

double palette_scale(const double *values, size_t n, double *scratch)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            scratch[m++] = fabs(values[i]);
    return m ? ranks_quantile(scratch, m, 0.99) : 0.0;
}
