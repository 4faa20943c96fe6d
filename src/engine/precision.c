#include "engine/precision.h"

#include <string.h>

static const struct {
    const char *name;
    uint64_t bytes;
} precisions[N_PRECISIONS] = {
    [PRECISION_F32] = { "f32", 4 },
    [PRECISION_BF16X3] = { "bf16x3", 6 }, // the high half lies there twice
    [PRECISION_F16] = { "f16", 2 },
};

const char *precision_name(enum precision p)
{
    return precisions[p].name;
}

bool precision_named(const char *name, enum precision *out)
{
    for (int i = 0; i < N_PRECISIONS; i++)
        if (!strcmp(precisions[i].name, name)) {
            *out = (enum precision)i;
            return true;
        }
    return false;
}

uint64_t precision_bytes(enum precision p)
{
    return precisions[p].bytes;
}
