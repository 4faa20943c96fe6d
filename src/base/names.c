#include "base/names.h"

#include <stdio.h>
#include <string.h>

bool name_find(name_list *list, size_t first, const char *text, size_t len, size_t *out)
{
    for (size_t i = first; list(i); i++)
        if (strlen(list(i)) == len && memcmp(list(i), text, len) == 0) {
            *out = i;
            return true;
        }
    return false;
}

const char *names_join(name_list *list, size_t first, const char *between, const char *last,
                       char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = first; list(i) && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s",
                                i == first    ? ""
                                : list(i + 1) ? between
                                              : last,
                                list(i));
    return out;
}
