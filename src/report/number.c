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

// DBL_DIG digits come back unchanged from any normal double, and %g drops trailing zeros: if that many digits
// identify the value, no shorter text does. Subnormals have fewer digits to trust, so all lengths are tried.
void number_format(double value, char out[NUMBER_SIZE])
{
    *out = '\0';
    if (!isfinite(value))
        return;
    int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    do
        snprintf(out, NUMBER_SIZE, "%.*g", digits, value + 0.0); // -0 becomes 0
    while (strtod(out, NULL) != value && ++digits <= DBL_DECIMAL_DIG);
    tidy(out);
}

void number_format_float(float value, char out[NUMBER_SIZE])
{
    *out = '\0';
    if (!isfinite(value))
        return;
    int digits = fabsf(value) < FLT_MIN ? 1 : FLT_DIG;
    do
        snprintf(out, NUMBER_SIZE, "%.*g", digits, (double)value + 0.0);
    while (strtof(out, NULL) != value && ++digits <= FLT_DECIMAL_DIG);
    tidy(out);
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
