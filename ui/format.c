#include "ui/format.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// "+2e-5": printf writes at least two digits of exponent.
static void format_power(double value, int decimals, char out[FORMAT_SIZE])
{
    char text[64];
    snprintf(text, sizeof text, "%+.*e", decimals, value);
    char *e = strchr(text, 'e');
    const char *minus = e[1] == '-' ? "-" : "";
    const char *exponent = e + 2 + strspn(e + 2, "0");
    *e = '\0';
    snprintf(out, FORMAT_SIZE, "%.16se%s%s", text, minus, *exponent ? exponent : "0");
}

static bool all_zeros(const char *digits)
{
    return strspn(digits, "0.") == strlen(digits);
}

// "+.02": without the zero there is a decimal more. False where that does not help.
static bool format_bare(double value, uint32_t width, char out[FORMAT_SIZE])
{
    char text[64];
    if (!(fabs(value) < 0.5))
        return false;
    snprintf(text, sizeof text, "%+.*f", (int)width - 2, value);
    snprintf(out, FORMAT_SIZE, "%c%.16s", text[0], text + 2);
    return !all_zeros(out + 1);
}

// What does not fit into the decimals of its table: nearly nothing beside the
// others, or an exponent.
static void format_out_of_range(double value, double largest, uint32_t width, char out[FORMAT_SIZE])
{
    if (format_bare(value, width, out))
        return;
    format_power(value, 0, out);
    if (fabs(value) < largest / 100 || (strlen(out) > width && fabs(value) < 1))
        snprintf(out, FORMAT_SIZE, "≈0");
}

void format_signed(double value, double largest, uint32_t width, char out[FORMAT_SIZE])
{
    if (!isfinite(value)) {
        snprintf(out, FORMAT_SIZE, "·");
        return;
    }
    double bound = fmax(fabs(value), largest);
    int whole = bound < 1 ? 1 : (int)floor(log10(bound)) + 1;
    bool bare = bound < (width < 5 ? 0.995 : 0.0995); // ".12" shows a digit more than "0.1"
    int decimals = (int)width - 2 - (bare ? 0 : whole);
    char text[400];
    snprintf(text, sizeof text, "%+.*f", decimals > 0 ? decimals : 0, value);
    bool vanishes = all_zeros(text + 1);
    if (bare)
        memmove(text + 1, text + 2, strlen(text + 1));
    if (strlen(text) > width && decimals > 0) // rounding up took a digit more: "+10.0"
        snprintf(text, sizeof text, "%+.*f", decimals - 1, value);
    if ((vanishes && value != 0) || strlen(text) > width) {
        format_out_of_range(value, largest, width, out);
        return;
    }
    if (vanishes)
        text[0] = ' ';
    snprintf(out, FORMAT_SIZE, "%.*s", FORMAT_SIZE - 1, text);
}

void format_number(double value, char out[FORMAT_SIZE])
{
    double size = fabs(value);
    int decimals = size < 0.01 ? 4 : size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0;
    if (!isfinite(value))
        snprintf(out, FORMAT_SIZE, "·");
    else if (size <= 0)
        snprintf(out, FORMAT_SIZE, "0");
    else if (size < 0.001)
        format_power(value, 1, out);
    else if (size < 1e7)
        snprintf(out, FORMAT_SIZE, "%+.*f", decimals, value);
    else
        format_power(value, 2, out);
}

// An end of an interval has a sign: it tells whether zero is inside.
static void format_end(double value, double largest, char out[FORMAT_SIZE])
{
    char text[FORMAT_SIZE];
    format_signed(value, largest, 6, text);
    if (!(fabs(value) > 0))
        strcpy(text, "0");
    else if (strcmp(text, "≈0") == 0)
        format_power(value, 0, text);
    strcpy(out, text);
}

void format_interval(const struct estimate *e, char out[2 * FORMAT_SIZE])
{
    char lo[FORMAT_SIZE], hi[FORMAT_SIZE];
    if (!isfinite(e->ci_lo) || !isfinite(e->ci_hi)) {
        snprintf(out, 2 * FORMAT_SIZE, "[·]");
        return;
    }
    double largest = fmax(fabs(e->ci_lo), fabs(e->ci_hi));
    format_end(e->ci_lo, largest, lo);
    format_end(e->ci_hi, largest, hi);
    snprintf(out, 2 * FORMAT_SIZE, "[%.20s, %.20s]", lo, hi);
}

void format_probability(double p, char out[FORMAT_SIZE])
{
    if (!isfinite(p))
        snprintf(out, FORMAT_SIZE, "·");
    else if (p < 0.0005)
        snprintf(out, FORMAT_SIZE, "<0.0005");
    else
        snprintf(out, FORMAT_SIZE, "%.4f", p);
}

const char *format_effect(enum metric m, char *out, size_t size)
{
    const struct metric_info *info = metric_info(m);
    snprintf(out, size, "%s%s", info->sense == SENSE_CHANGE ? "" : "Δ ", info->name);
    return out;
}
