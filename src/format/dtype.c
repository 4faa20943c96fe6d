#include "format/dtype.h"

#include <assert.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "checkpoint files are little-endian");

static const struct dtype_info types[] = {
    { "F32", 32, DTYPE_F32 },          { "F16", 16, DTYPE_F16 },
    { "BF16", 16, DTYPE_BF16 },        { "BOOL", 8, DTYPE_OTHER },
    { "U8", 8, DTYPE_OTHER },          { "I8", 8, DTYPE_OTHER },
    { "U16", 16, DTYPE_OTHER },        { "I16", 16, DTYPE_OTHER },
    { "U32", 32, DTYPE_OTHER },        { "I32", 32, DTYPE_OTHER },
    { "U64", 64, DTYPE_OTHER },        { "I64", 64, DTYPE_OTHER },
    { "F64", 64, DTYPE_OTHER },        { "C64", 64, DTYPE_OTHER },
    { "F8_E4M3", 8, DTYPE_OTHER },     { "F8_E5M2", 8, DTYPE_OTHER },
    { "F8_E8M0", 8, DTYPE_OTHER },     { "F8_E4M3FNUZ", 8, DTYPE_OTHER },
    { "F8_E5M2FNUZ", 8, DTYPE_OTHER }, { "F6_E2M3", 6, DTYPE_OTHER },
    { "F6_E3M2", 6, DTYPE_OTHER },     { "F4", 4, DTYPE_OTHER },
};

const struct dtype_info *dtype_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].name) == len && memcmp(types[i].name, name, len) == 0)
            return &types[i];
    return NULL;
}

static float bits_to_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

// IEEE half: sign 1, exponent 5 (bias 15), fraction 10; fp32 has 8 (bias 127) and 23. Both ways of a half are computed
// and one is picked, so that the compiler can convert many at once.
static float half_to_float(uint16_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    // Infinity and NaN keep their fraction and get the top exponent; the rest is rebiased by 127 - 15.
    uint32_t rebias = magnitude < 0x7c00u ? 112u << 23 : 224u << 23;
    uint32_t normal = (magnitude << 13) + rebias, subnormal;
    float fraction = (float)(int32_t)magnitude * 0x1p-24f; // exponent 0: fraction · 2^-24, exact
    memcpy(&subnormal, &fraction, sizeof subnormal);
    return bits_to_float(sign | (magnitude < 0x400u ? subnormal : normal));
}

void dtype_to_f32(enum dtype dtype, const void *from, size_t n, float *to)
{
    const unsigned char *bytes = from;
    uint16_t half;
    switch (dtype) {
    case DTYPE_F32:
        memcpy(to, from, n * sizeof *to);
        return;
    case DTYPE_F16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&half, bytes + 2 * i, sizeof half);
            to[i] = half_to_float(half);
        }
        return;
    case DTYPE_BF16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&half, bytes + 2 * i, sizeof half);
            to[i] = bits_to_float((uint32_t)half << 16);
        }
        return;
    case DTYPE_OTHER:
        break;
    }
    assert(false && "a readable type");
}
