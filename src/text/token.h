// A token by its number in the vocabulary.
#ifndef ABL_TEXT_TOKEN_H
#define ABL_TEXT_TOKEN_H

#include <stdint.h>

#define TOKEN_NONE UINT32_MAX // no enumerator: those have to fit an int

#endif
