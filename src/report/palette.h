// Colours of effects, the same on screen and in figures.
#ifndef ABL_REPORT_PALETTE_H
#define ABL_REPORT_PALETTE_H

#include <stddef.h>
#include <stdint.h>

struct rgb {
    uint8_t r, g, b;
};

// Blue (-1) over near-white (0) to orange (1); t outside is cut, NaN is 0. Steps of t look equally
// big, and opposite values equally strong, also to the colour-blind.
struct rgb palette_diverging(double t);

// The same over near-black, for a screen that is dark: light is strong.
struct rgb palette_diverging_dark(double t);

// Black or white, whichever reads better on `background`.
struct rgb palette_ink(struct rgb background);

// The effect that gets the full colour: 99th percentile of |values|, so that one outlier does not
// bleach the rest. Values that are not finite do not count; 0 when there are none. scratch has room
// for n.
double palette_scale(const double *values, size_t n, double *scratch);

#endif
