#include "tests/support/labelled.h"

#include <string.h>

size_t labelled(const struct variants *v, const char *label)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->items[i].label, label) == 0)
            return i;
    return NO_VARIANT;
}
