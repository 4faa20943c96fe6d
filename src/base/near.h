// "Did you mean": how far two words are apart.
#ifndef ABL_BASE_NEAR_H
#define ABL_BASE_NEAR_H

#include <stddef.h>

// Letters to add, drop or change (Levenshtein); SIZE_MAX for words beyond 31 bytes,
// which are not compared.
size_t near_distance(const char *a, const char *b);

// Words that are at most this far apart may be meant for one another.
enum { NEAR_ENOUGH = 2 };

#endif
