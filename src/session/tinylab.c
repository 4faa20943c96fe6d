#include "session/tinylab.h"

#include <stddef.h>
#include <string.h>

static const char tinylab[] = "tinylab";

const char *compat_name(enum compat c)
{
    return c == COMPAT_TINYLAB ? tinylab : NULL;
}

bool compat_parse(const char *name, enum compat *out)
{
    if (strcmp(name, tinylab) != 0)
        return false;
    *out = COMPAT_TINYLAB;
    return true;
}

const char *compat_banner(enum compat c)
{
    return c == COMPAT_TINYLAB
               ? "COMPAT tinylab: prompts are padded to one length and read at the last column, "
                 "as tinyLab did; for comparison with its figures only"
               : NULL;
}
