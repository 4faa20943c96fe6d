#include "engine/precision.h"

#include <stddef.h>

static const struct {
    const char *name;
    uint64_t bytes;
} precisions[N_PRECISIONS] = {
    [PRECISION_F32] = { "f32", 4 },
    [PRECISION_BF16X3] = { "bf16x3", 6 }, // the high half lies there twice
    [PRECISION_F16] = { "f16", 2 },
};

const char *precision_name(size_t p)
{
    return p < N_PRECISIONS ? precisions[p].name : NULL;
}

uint64_t precision_bytes(enum precision p)
{
    return precisions[p].bytes;
}
