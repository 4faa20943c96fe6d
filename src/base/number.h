// Numbers out of text that somebody typed.
#ifndef ABL_BASE_NUMBER_H
#define ABL_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

// A finite number that fills the text, '.' its decimal point whatever the locale.
bool number_parse(const char *text, double *out);

// A whole number from 0 on that fills the text.
bool number_parse_whole(const char *text, uint64_t *out);

#endif
