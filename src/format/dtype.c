#include "format/dtype.h"

#include <string.h>

enum { N_SAFETENSORS = 22 };

// Those of safetensors first, then the block types in the order of enum dtype.
static const struct dtype_info types[] = {
    { "F32", 1, 32, DTYPE_F32 },
    { "F16", 1, 16, DTYPE_F16 },
    { "BF16", 1, 16, DTYPE_BF16 },
    { "BOOL", 1, 8, DTYPE_OTHER },
    { "U8", 1, 8, DTYPE_OTHER },
    { "I8", 1, 8, DTYPE_OTHER },
    { "U16", 1, 16, DTYPE_OTHER },
    { "I16", 1, 16, DTYPE_OTHER },
    { "U32", 1, 32, DTYPE_OTHER },
    { "I32", 1, 32, DTYPE_OTHER },
    { "U64", 1, 64, DTYPE_OTHER },
    { "I64", 1, 64, DTYPE_OTHER },
    { "F64", 1, 64, DTYPE_OTHER },
    { "C64", 1, 64, DTYPE_OTHER },
    { "F8_E4M3", 1, 8, DTYPE_OTHER },
    { "F8_E5M2", 1, 8, DTYPE_OTHER },
    { "F8_E8M0", 1, 8, DTYPE_OTHER },
    { "F8_E4M3FNUZ", 1, 8, DTYPE_OTHER },
    { "F8_E5M2FNUZ", 1, 8, DTYPE_OTHER },
    { "F6_E2M3", 1, 6, DTYPE_OTHER },
    { "F6_E3M2", 1, 6, DTYPE_OTHER },
    { "F4", 1, 4, DTYPE_OTHER },
    { "Q4_0", BLOCK_SIZE, 18 * 8, DTYPE_Q4_0 },
    { "Q4_1", BLOCK_SIZE, 20 * 8, DTYPE_Q4_1 },
    { "Q5_0", BLOCK_SIZE, 22 * 8, DTYPE_Q5_0 },
    { "Q5_1", BLOCK_SIZE, 24 * 8, DTYPE_Q5_1 },
    { "Q8_0", BLOCK_SIZE, 34 * 8, DTYPE_Q8_0 },
    { "Q2_K", SUPER_BLOCK_SIZE, 84 * 8, DTYPE_Q2_K },
    { "Q3_K", SUPER_BLOCK_SIZE, 110 * 8, DTYPE_Q3_K },
    { "Q4_K", SUPER_BLOCK_SIZE, 144 * 8, DTYPE_Q4_K },
    { "Q5_K", SUPER_BLOCK_SIZE, 176 * 8, DTYPE_Q5_K },
    { "Q6_K", SUPER_BLOCK_SIZE, 210 * 8, DTYPE_Q6_K },
};

enum { N_TYPES = sizeof types / sizeof *types };

// By the number that GGUF files use. Gaps are types that came and went.
static const char *const gguf_names[] = {
    [0] = "F32",     [1] = "F16",      [2] = "Q4_0",   [3] = "Q4_1",    [6] = "Q5_0",
    [7] = "Q5_1",    [8] = "Q8_0",     [9] = "Q8_1",   [10] = "Q2_K",   [11] = "Q3_K",
    [12] = "Q4_K",   [13] = "Q5_K",    [14] = "Q6_K",  [15] = "Q8_K",   [16] = "IQ2_XXS",
    [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S", [20] = "IQ4_NL", [21] = "IQ3_S",
    [22] = "IQ2_S",  [23] = "IQ4_XS",  [24] = "I8",    [25] = "I16",    [26] = "I32",
    [27] = "I64",    [28] = "F64",     [29] = "IQ1_M", [30] = "BF16",   [34] = "TQ1_0",
    [35] = "TQ2_0",  [39] = "MXFP4",   [40] = "NVFP4", [41] = "Q1_0",   [42] = "Q2_0",
};

const char dtype_readable[]
    = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K or Q6_K";

const struct dtype_info *dtype_find(const char *name, size_t len)
{
    for (size_t i = 0; i < N_SAFETENSORS; i++)
        if (strlen(types[i].name) == len && memcmp(types[i].name, name, len) == 0)
            return &types[i];
    return NULL;
}

const struct dtype_info *dtype_find_gguf(uint32_t number, const char **name)
{
    *name = number < sizeof gguf_names / sizeof *gguf_names ? gguf_names[number] : NULL;
    if (!*name)
        *name = "?";
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].dtype != DTYPE_OTHER && strcmp(types[i].name, *name) == 0)
            return &types[i];
    return NULL;
}

const char *dtype_name(enum dtype dtype)
{
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].dtype == dtype)
            return types[i].name;
    return "?";
}
