#include "format/to_f32.h"

#include <assert.h>
#include <string.h>

#include "format/blocks.h"
#include "format/half.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "checkpoint files are little-endian");

static void f16_to_f32(const unsigned char *bytes, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        to[i] = half_to_float(half);
    }
}

static void bf16_to_f32(const unsigned char *bytes, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        to[i] = bits_to_float((uint32_t)half << 16);
    }
}

void to_f32(enum dtype dtype, const void *from, size_t n, float *to)
{
    assert(dtype != DTYPE_OTHER);
    if (dtype == DTYPE_F32)
        memcpy(to, from, n * sizeof *to);
    else if (dtype == DTYPE_F16)
        f16_to_f32(from, n, to);
    else if (dtype == DTYPE_BF16)
        bf16_to_f32(from, n, to);
    else {
        size_t block = dtype >= DTYPE_Q2_K ? SUPER_BLOCK_SIZE : BLOCK_SIZE;
        assert(n % block == 0);
        blocks_to_f32(dtype, from, n / block, to);
    }
}
