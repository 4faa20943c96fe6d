// UTF-8 for Oniguruma with the characters of Unicode 16, whatever version the library itself has.
#ifndef ABL_TEXT_PATTERN_CHARACTERS_H
#define ABL_TEXT_PATTERN_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>

#include <oniguruma.h>

#include "base/err.h"

// Made at the first call, for good; any number of threads may ask.
bool pattern_characters(OnigEncoding *out, struct abl_err *err);

// Byte of the first character of text[0..len) by which \X, \y and \Y may tell otherwise than the
// reference; len where there is none. text is sound UTF-8.
size_t pattern_unsure_break(const char *text, size_t len);

#endif
