#include "report/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// printf wrote text in the current locale, with at least two exponent digits: "1,5e-07" → "1.5e-7".
static void tidy(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        if (strchr("0123456789-", *from)) {
            *to++ = *from++;
        } else if (*from == 'e') {
            *to++ = *from++;
            if (*from == '-')
                *to++ = *from;
            from += strspn(from, "+-0");
        } else { // the locale's decimal point, maybe of several bytes
            *to++ = '.';
            from += strcspn(from, "0123456789");
        }
    }
    *to = '\0';
}

// How many digits a type's values have: `least` come back unchanged from any normal
// value, and %g drops trailing zeros, so that no shorter text than these is worth a try;
// `most` identify every value.
struct digits {
    int least, most;
    double normal; // the smallest value that has them all
    bool (*comes_back)(const char *text, double value);
};

static bool double_comes_back(const char *text, double value)
{
    return strtod(text, NULL) == value;
}

static bool float_comes_back(const char *text, double value)
{
    return (double)strtof(text, NULL) == value;
}

static void print(double value, int digits, char out[NUMBER_SIZE])
{
    snprintf(out, NUMBER_SIZE, "%.*g", digits, value + 0.0); // -0 becomes 0
}

// From the least digits on, one more at a time.
static void shortest_from_below(double value, const struct digits *d, int least,
                                char out[NUMBER_SIZE])
{
    int digits = least;
    do
        print(value, digits, out);
    while (digits++ < d->most && !d->comes_back(out, value));
}

// The shortest text that comes back. Most values need one digit less than the most, or all: these
// are tried first. Below a power of two the next value is nearer than above it, so that a longer
// text may miss it where a shorter one does not.
static void shortest(double value, const struct digits *d, char out[NUMBER_SIZE])
{
    char shorter[NUMBER_SIZE];
    int exponent, least = fabs(value) < d->normal ? 1 : d->least, digits = d->most - 1;
    if (fabs(frexp(value, &exponent)) == 0.5) {
        shortest_from_below(value, d, least, out);
        return;
    }
    print(value, digits, out);
    if (!d->comes_back(out, value)) {
        print(value, d->most, out);
        return;
    }
    while (digits-- > least) {
        print(value, digits, shorter);
        if (!d->comes_back(shorter, value))
            return;
        memcpy(out, shorter, sizeof shorter);
    }
}

void number_format(double value, char out[NUMBER_SIZE])
{
    static const struct digits d = { DBL_DIG, DBL_DECIMAL_DIG, DBL_MIN, double_comes_back };
    *out = '\0';
    if (!isfinite(value))
        return;
    shortest(value, &d, out);
    tidy(out);
}

void number_format_float(float value, char out[NUMBER_SIZE])
{
    static const struct digits d = { FLT_DIG, FLT_DECIMAL_DIG, (double)FLT_MIN, float_comes_back };
    *out = '\0';
    if (!isfinite(value))
        return;
    shortest((double)value, &d, out);
    tidy(out);
}

void number_with_point(char digits[NUMBER_SIZE])
{
    if (*digits && !strpbrk(digits, ".e"))
        strcat(digits, ".0");
}

void number_fixed(double value, int decimals, char out[NUMBER_SIZE])
{
    if (!(fabs(value) < 1e6)) {
        number_format(value, out);
        return;
    }
    snprintf(out, NUMBER_SIZE, "%.*f", decimals, value);
    tidy(out);
    if (!out[strspn(out, "-0.")]) // rounded to nothing: no sign
        snprintf(out, NUMBER_SIZE, "%.*f", decimals, 0.0), tidy(out);
}
