// Numbers as the screen shows them: short, lined up, and never a zero that is none.
#ifndef ABL_UI_FORMAT_H
#define ABL_UI_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "stats/metrics.h"
#include "stats/stats.h"

enum { FORMAT_SIZE = 32 };

// A signed number of at most `width` columns (4 or more) with as many decimals as numbers up
// to `largest` leave room for, so that a table of them lines up: "+1.23", "-.045". What
// these decimals would round to zero is "-.02" or, where that does not help either, "≈0"
// beside much larger numbers and "+2e-5" beside others; only an exact zero shows as one,
// without a sign. Not finite: "·".
void format_signed(double value, double largest, uint32_t width, char out[FORMAT_SIZE]);

// A number by itself with two to five digits that count, signed: "+1.234", "-12.34", "+2.1e-5";
// "0"; not finite: "·".
void format_number(double value, char out[FORMAT_SIZE]);

// "[-0.123, +0.045]", "[+2e-5, +.0123]"; "[·]" where there is no interval.
void format_interval(const struct estimate *e, char out[2 * FORMAT_SIZE]);

// A probability: "0.0123", "<0.0005", "·".
void format_probability(double p, char out[FORMAT_SIZE]);

// "Δ ld" for effects; kl and flip compare with the intact run by themselves and have no Δ.
const char *format_effect(enum metric m, char *out, size_t size);

#endif
