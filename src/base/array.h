// Arrays that grow as items come.
#ifndef ABL_BASE_ARRAY_H
#define ABL_BASE_ARRAY_H

#include <stddef.h>

// An array of n items, each `size` bytes, with room for one more: `items` itself where *cap has it,
// else moved to where there is, with *cap told. NULL when memory is out, and then all is as before.
void *array_room(void *items, size_t n, size_t *cap, size_t size);

#endif
