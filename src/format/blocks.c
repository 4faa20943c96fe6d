#include "format/blocks.h"

#include <assert.h>
#include <string.h>

#include "format/half.h"

static float half_at(const unsigned char *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return half_to_float(h);
}

static uint32_t u32_at(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

// ------------------------------------------------------------------------- blocks of 32, one scale

// d, 16 bytes: element j is the low half of byte j, element j + 16 the high one. (q - 8) d
static void q4_0(const unsigned char *b, float *y)
{
    float d = half_at(b);
    for (int j = 0; j < 16; j++) {
        y[j] = d * (float)((b[2 + j] & 15) - 8);
        y[j + 16] = d * (float)((b[2 + j] >> 4) - 8);
    }
}

// d, m, 16 bytes: q d + m
static void q4_1(const unsigned char *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int j = 0; j < 16; j++) {
        y[j] = d * (float)(b[4 + j] & 15) + m;
        y[j + 16] = d * (float)(b[4 + j] >> 4) + m;
    }
}

// d, 32 fifth bits, 16 bytes: (q - 16) d
static void q5_0(const unsigned char *b, float *y)
{
    float d = half_at(b);
    uint32_t high = u32_at(b + 2);
    for (int j = 0; j < 16; j++) {
        int low = (b[6 + j] & 15) | (int)(high >> j & 1) << 4;
        int up = b[6 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
        y[j] = d * (float)(low - 16);
        y[j + 16] = d * (float)(up - 16);
    }
}

// d, m, 32 fifth bits, 16 bytes: q d + m
static void q5_1(const unsigned char *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    uint32_t high = u32_at(b + 4);
    for (int j = 0; j < 16; j++) {
        int low = (b[8 + j] & 15) | (int)(high >> j & 1) << 4;
        int up = b[8 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
        y[j] = d * (float)low + m;
        y[j + 16] = d * (float)up + m;
    }
}

// d, 32 signed bytes: q d
static void q8_0(const unsigned char *b, float *y)
{
    float d = half_at(b);
    for (int j = 0; j < 32; j++)
        y[j] = d * (float)(signed char)b[2 + j];
}

// ------------------------------------------------- super-blocks of 256, with scales of their parts

// 16 bytes of scales (low half: scale, high half: minimum, of 16 elements each), 64 bytes, d, dmin.
// Each 32 bytes hold 128 elements, two bits each: shift 0 the first 32 of them, 2 the next, and so
// on. d sc q - dmin m
static void q2_k(const unsigned char *b, float *y)
{
    const unsigned char *scales = b, *quants = b + 16;
    float d = half_at(b + 80), min = half_at(b + 82);
    for (int half = 0; half < 2; half++, quants += 32)
        for (int shift = 0; shift < 8; shift += 2)
            for (int part = 0; part < 32; part += 16, scales++) {
                float scale = d * (float)(*scales & 15), low = min * (float)(*scales >> 4);
                for (int j = 0; j < 16; j++)
                    *y++ = scale * (float)(quants[part + j] >> shift & 3) - low;
            }
}

// Scale k of 16 (6 bits): low half in byte k & 7 (its high half for k >= 8), top two bits in byte 8
// + (k & 3).
static int q3_k_scale(const unsigned char *s, int k)
{
    int low = s[k & 7] >> (4 * (k >> 3)) & 15;
    return (low | (s[8 + (k & 3)] >> (2 * (k >> 2)) & 3) << 4) - 32;
}

// 32 bytes of third bits, 64 bytes of two bits as in q2_k, 12 bytes of scales, d. Bit k of a byte
// of third bits belongs to the k-th group of 32; where it is not set, 4 goes off. d (s - 32) q
static void q3_k(const unsigned char *b, float *y)
{
    const unsigned char *high = b, *quants = b + 32, *scales = b + 96;
    float d = half_at(b + 108);
    for (int group = 0; group < 8; group++)
        for (int part = 0; part < 32; part += 16) {
            float scale = d * (float)q3_k_scale(scales, 2 * group + part / 16);
            const unsigned char *q = quants + 32 * (group / 4) + part;
            for (int j = 0; j < 16; j++) {
                int low = q[j] >> (2 * (group % 4)) & 3;
                *y++ = scale * (float)(low - (high[part + j] >> group & 1 ? 0 : 4));
            }
        }
}

// Scale and minimum j of 8 (6 bits each) in 12 bytes.
static void k_scale_min(const unsigned char *s, int j, int *scale, int *min)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *min = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        *min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
    }
}

// d, dmin, 12 bytes of scales, 128 bytes: of each 32 the low halves, then the high ones. d sc q -
// dmin m
static void q4_k(const unsigned char *b, float *y)
{
    float d = half_at(b), dmin = half_at(b + 2);
    for (int part = 0; part < 8; part++) {
        int scale, min;
        const unsigned char *q = b + 16 + 32 * (part / 2);
        k_scale_min(b + 4, part, &scale, &min);
        float by = d * (float)scale, low = dmin * (float)min;
        for (int j = 0; j < 32; j++)
            *y++ = by * (float)(q[j] >> (4 * (part % 2)) & 15) - low;
    }
}

// As q4_k, with 32 bytes of fifth bits before the others: bit `part` of byte j.
static void q5_k(const unsigned char *b, float *y)
{
    float d = half_at(b), dmin = half_at(b + 2);
    const unsigned char *high = b + 16;
    for (int part = 0; part < 8; part++) {
        int scale, min;
        const unsigned char *q = b + 48 + 32 * (part / 2);
        k_scale_min(b + 4, part, &scale, &min);
        float by = d * (float)scale, low = dmin * (float)min;
        for (int j = 0; j < 32; j++) {
            int fifth = (high[j] >> part & 1) << 4;
            *y++ = by * (float)((q[j] >> (4 * (part % 2)) & 15) + fifth) - low;
        }
    }
}

// 128 bytes of four bits, 64 of two more, 16 signed scales, d. Of each 128 elements, the low halves
// of 64 bytes are the first two groups of 32 and the high halves the other two. d sc (q - 32)
static void q6_k(const unsigned char *b, float *y)
{
    float d = half_at(b + 208);
    for (int part = 0; part < 8; part++) {
        const unsigned char *low = b + 64 * (part / 4) + 32 * (part % 2);
        const unsigned char *high = b + 128 + 32 * (part / 4);
        for (int j = 0; j < 32; j++) {
            int q = (low[j] >> (part % 4 / 2 * 4) & 15) | (high[j] >> (2 * (part % 4)) & 3) << 4;
            float scale = d * (float)(signed char)b[192 + 2 * part + j / 16];
            *y++ = scale * (float)(q - 32);
        }
    }
}

static const struct {
    void (*decode)(const unsigned char *block, float *y);
    uint32_t bytes, elements;
} kinds[DTYPE_OTHER] = {
    [DTYPE_Q4_0] = { q4_0, 18, BLOCK_SIZE },        [DTYPE_Q4_1] = { q4_1, 20, BLOCK_SIZE },
    [DTYPE_Q5_0] = { q5_0, 22, BLOCK_SIZE },        [DTYPE_Q5_1] = { q5_1, 24, BLOCK_SIZE },
    [DTYPE_Q8_0] = { q8_0, 34, BLOCK_SIZE },        [DTYPE_Q2_K] = { q2_k, 84, SUPER_BLOCK_SIZE },
    [DTYPE_Q3_K] = { q3_k, 110, SUPER_BLOCK_SIZE }, [DTYPE_Q4_K] = { q4_k, 144, SUPER_BLOCK_SIZE },
    [DTYPE_Q5_K] = { q5_k, 176, SUPER_BLOCK_SIZE }, [DTYPE_Q6_K] = { q6_k, 210, SUPER_BLOCK_SIZE },
};

void blocks_to_f32(enum dtype dtype, const unsigned char *from, size_t n_blocks, float *to)
{
    assert(dtype < DTYPE_OTHER && kinds[dtype].decode);
    for (size_t i = 0; i < n_blocks; i++)
        kinds[dtype].decode(from + i * kinds[dtype].bytes, to + i * kinds[dtype].elements);
}
