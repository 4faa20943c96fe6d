#include "ui/parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct style colored(uint8_t r, uint8_t g, uint8_t b, unsigned flags)
{
    return (struct style){ .fg = { true, { r, g, b } }, .flags = flags };
}

struct style style_plain(void)
{
    return (struct style){ 0 };
}

struct style style_dim(void)
{
    return (struct style){ .flags = STYLE_DIM };
}

struct style style_bold(void)
{
    return (struct style){ .flags = STYLE_BOLD };
}

struct style style_accent(void)
{
    return colored(46, 134, 222, STYLE_BOLD);
}

struct style style_warn(void)
{
    return colored(208, 108, 32, STYLE_BOLD);
}

void format_signed(double value, double largest, uint32_t width, char out[NUMBER_SIZE])
{
    if (!isfinite(value)) {
        snprintf(out, NUMBER_SIZE, "·");
        return;
    }
    double bound = fmax(fabs(value), largest);
    int whole = bound < 1 ? 1 : (int)floor(log10(bound)) + 1;
    bool bare = bound < (width < 5 ? 0.995 : 0.0995); // ".12" shows a digit more than "0.1"
    int decimals = (int)width - 2 - (bare ? 0 : whole);
    char text[400];
    snprintf(text, sizeof text, "%+.*f", decimals > 0 ? decimals : 0, value);
    if (strspn(text + 1, "0.") == strlen(text + 1))
        text[0] = ' '; // no sign for what rounds to zero
    if (bare)
        memmove(text + 1, text + 2, strlen(text + 1));
    snprintf(out, NUMBER_SIZE, "%.*s", NUMBER_SIZE - 1, text);
}

void format_number(double value, char out[NUMBER_SIZE])
{
    double size = fabs(value);
    int decimals = size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0;
    if (!isfinite(value))
        snprintf(out, NUMBER_SIZE, "·");
    else if (size < 1e7)
        snprintf(out, NUMBER_SIZE, "%+.*f", decimals, value);
    else
        snprintf(out, NUMBER_SIZE, "%+.3g", value);
}

void format_interval(const struct estimate *e, char out[2 * NUMBER_SIZE])
{
    char lo[NUMBER_SIZE], hi[NUMBER_SIZE];
    if (!isfinite(e->ci_lo) || !isfinite(e->ci_hi)) {
        snprintf(out, 2 * NUMBER_SIZE, "[·]");
        return;
    }
    format_number(e->ci_lo, lo);
    format_number(e->ci_hi, hi);
    snprintf(out, 2 * NUMBER_SIZE, "[%.20s, %.20s]", lo, hi);
}

void format_probability(double p, char out[NUMBER_SIZE])
{
    if (!isfinite(p))
        snprintf(out, NUMBER_SIZE, "·");
    else if (p < 0.0005)
        snprintf(out, NUMBER_SIZE, "<0.0005");
    else
        snprintf(out, NUMBER_SIZE, "%.4f", p);
}

const char *metric_effect_name(enum metric m, char *out, size_t size)
{
    bool paired = m != METRIC_KL && m != METRIC_FLIP;
    snprintf(out, size, "%s%s", paired ? "Δ " : "", metric_info(m)->name);
    return out;
}

void draw_bar(struct grid *g, struct rect r, uint32_t x, uint32_t y, uint32_t width,
              double fraction, struct style style)
{
    static const uint32_t eighths[]
        = { ' ', 0x258F, 0x258E, 0x258D, 0x258C, 0x258B, 0x258A, 0x2589 };
    double cut = fraction > 0 ? fmin(fraction, 1) : 0;
    uint32_t filled = (uint32_t)lround(cut * 8 * width);
    for (uint32_t i = 0; i < width && x + i < r.w; i++) {
        uint32_t left = filled > 8 * i ? filled - 8 * i : 0;
        if (left)
            grid_put(g, r.x + x + i, r.y + y, left >= 8 ? 0x2588 : eighths[left], style);
    }
}
