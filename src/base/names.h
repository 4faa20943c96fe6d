// Lists of names: what the values of an enum are called wherever somebody reads or writes them.
#ifndef ABL_BASE_NAMES_H
#define ABL_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

// The name of value i; NULL behind the last.
typedef const char *name_list(size_t i);

// The value from `first` on whose name is text[0..len); false where there is none.
bool name_find(name_list *list, size_t first, const char *text, size_t len, size_t *out);

// "a, b or c" from `first` on, `between` and `last` put where they belong, cut off where out is
// full. Returns out.
const char *names_join(name_list *list, size_t first, const char *between, const char *last,
                       char *out, size_t size);

enum { NAMES_SIZE = 256 }; // room for any list joined

#endif
