#include "base/array.h"

#include <stdlib.h>

#include "base/size.h"

enum { LEAST_ITEMS = 16 };

void *array_room(void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    size_t more = LEAST_ITEMS, bytes;
    if ((*cap && !size_mul(*cap, 2, &more)) || !size_mul(more, size, &bytes))
        return NULL;
    void *moved = realloc(items, bytes);
    if (moved)
        *cap = more;
    return moved;
}
