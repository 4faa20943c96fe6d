#include "engine/pack.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

#include "base/size.h"
#include "engine/cpu_wide.h"

// File rows that a thread reads at a time: what they become is a whole line of the cache.
enum { PACK_ROWS = 16, SIDE = 4 };

typedef float side __attribute__((vector_size(SIDE * sizeof(float)), aligned(4), may_alias));

static uint32_t file_cols(const struct matrix_source *s)
{
    return s->out_in ? s->k : s->n;
}

size_t panels_fill_scratch(const struct matrix_source *s)
{
    return (size_t)omp_get_max_threads() * PACK_ROWS * file_cols(s);
}

// to[j][i] = from[i][j] of SIDE x SIDE numbers.
INLINED void turn(const float *from, size_t from_stride, float *to, size_t to_stride)
{
    side a = *(const side *)from, b = *(const side *)(from + from_stride);
    side c = *(const side *)(from + 2 * from_stride), d = *(const side *)(from + 3 * from_stride);
    side ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    side ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    side cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    side cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(side *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(side *)(to + to_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(side *)(to + 2 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(side *)(to + 3 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

// Columns [first, first + n), each a row of k numbers, all in one panel.
static void put_columns(const struct panels *to, uint32_t first, uint32_t n, uint32_t k,
                        const float *rows)
{
    size_t width = to->width;
    float *out = to->values + (size_t)(first / to->width) * to->depth * width + first % to->width;
    uint32_t whole_n = n / SIDE * SIDE, whole_k = k / SIDE * SIDE;
    for (uint32_t i = 0; i < whole_k; i += SIDE)
        for (uint32_t c = 0; c < whole_n; c += SIDE)
            turn(rows + (size_t)c * k + i, k, out + i * width + c, width);
    for (uint32_t i = 0; i < k; i++)
        for (uint32_t c = i < whole_k ? whole_n : 0; c < n; c++)
            out[i * width + c] = rows[(size_t)c * k + i];
}

static void put_rows(const struct panels *to, uint32_t first, uint32_t count, uint32_t n,
                     const float *rows)
{
    for (uint32_t c = 0; c < n; c += to->width) {
        float *out = to->values + ((size_t)(c / to->width) * to->depth + first) * to->width;
        size_t cols = size_min(to->width, n - c);
        for (uint32_t i = 0; i < count; i++)
            memcpy(out + (size_t)i * to->width, rows + (size_t)i * n + c, cols * sizeof *out);
    }
}

bool panels_fill(const struct matrix_source *s, uint32_t first, uint32_t count,
                 const struct panels *to, float *scratch, struct abl_err *err)
{
    assert(s->out_in || (first == 0 && count == s->n));
    assert(!s->out_in || to->width % PACK_ROWS == 0 || to->width >= count);
    uint32_t rows = s->out_in ? count : s->k, n_parts = rows / PACK_ROWS + (rows % PACK_ROWS != 0);
    size_t each = (size_t)PACK_ROWS * file_cols(s);
    bool ok = true;
#pragma omp parallel for schedule(dynamic)
    for (uint32_t part = 0; part < n_parts; part++) {
        float *block = scratch + (size_t)omp_get_thread_num() * each;
        uint32_t row = part * PACK_ROWS, n = (uint32_t)size_min(PACK_ROWS, rows - row);
        struct abl_err own = { 0 };
        if (!s->read(s->context, first + row, n, block, &own)) {
#pragma omp critical(pack_failed)
            {
                ok = false;
                *err = own;
            }
        } else if (s->out_in)
            put_columns(to, row, n, s->k, block);
        else
            put_rows(to, row, n, s->n, block);
    }
    return ok;
}

void panels_clear_rest(const struct panels *p, uint32_t k, uint32_t n)
{
    size_t width = p->width, n_panels = n / width + (n % width != 0), rest = n % width;
    for (size_t i = 0; i < n_panels; i++)
        memset(p->values + (i * p->depth + k) * width, 0, (p->depth - k) * width * sizeof(float));
    for (uint32_t i = 0; rest && i < k; i++)
        memset(p->values + ((n_panels - 1) * p->depth + i) * width + rest, 0,
               (width - rest) * sizeof(float));
}
