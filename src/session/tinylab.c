#include "session/tinylab.h"

static const char tinylab[] = "tinylab";

const char *compat_name(size_t c)
{
    return c == COMPAT_TINYLAB ? tinylab : NULL;
}

const char *compat_banner(enum compat c)
{
    return c == COMPAT_TINYLAB
               ? "COMPAT tinylab: prompts are padded to one length and read at the last column, "
                 "as tinyLab did; for comparison with its figures only"
               : NULL;
}
