#include "engine/panel_matmul.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "engine/cpu_wide.h"
#include "engine/floats.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAS_X86 1
#endif

// A product is cut into blocks of rows and columns, and over k into slices. Of a slice, the block's
// rows of x lie beside each other in the second cache, and the columns of one panel in the first.
enum { SLICE = 256, BLOCK_ROWS = 144, BLOCK_COLS = 256 };
// What a thread works in: rows of x, and the block's sums, tile by tile.
enum { ROWS_FLOATS = BLOCK_ROWS * SLICE, SUM_FLOATS = BLOCK_ROWS * BLOCK_COLS };
enum { CACHE_LINE = 64 };

// A tile of sums (rows, cols) += x·w over `depth` rows of a panel; from 0 on where `begin`. x: rows
// SLICE floats apart.
typedef void tile_product(const float *x, const float *w, float *sums, uint32_t depth, bool begin);

// How one kind of machine multiplies. Blocks hold whole tiles: rows and cols divide their sizes.
struct panel_kind {
    uint32_t rows, cols; // of a tile; a panel is as wide
    tile_product *multiply;
    tile_product *multiply_row; // the first row alone
};

struct panel_matrix {
    const struct panel_kind *kind;
    uint32_t k, n;
    float *values; // (panels, k, cols), zeros beyond n
};

// Both functions of a machine, for tiles of ROWS times N registers of WIDTH floats, which hold the
// sums. Steps are spelled out by fours: the loop's own cost shows.
#define TILE(NAME, TARGET, VECTOR, WIDTH, ROWS, N, ZERO, LOAD, SPREAD, ADD, STORE)                 \
    TARGET static void NAME(const float *x, const float *w, float *sums, uint32_t depth,           \
                            bool begin)                                                            \
    {                                                                                              \
        VECTOR sum[ROWS][N], columns[N];                                                           \
        uint32_t i = 0;                                                                            \
        for (uint32_t r = 0; r < (ROWS); r++)                                                      \
            for (uint32_t c = 0; c < (N); c++)                                                     \
                sum[r][c] = begin ? ZERO : LOAD(sums + (r * (N) + c) * (WIDTH));                   \
        for (; i + 4 <= depth; i += 4)                                                             \
            for (uint32_t step = i; step < i + 4; step++)                                          \
                TILE_STEP(VECTOR, WIDTH, ROWS, N, LOAD, SPREAD, ADD, step)                         \
        for (; i < depth; i++)                                                                     \
            TILE_STEP(VECTOR, WIDTH, ROWS, N, LOAD, SPREAD, ADD, i)                                \
        for (uint32_t r = 0; r < (ROWS); r++)                                                      \
            for (uint32_t c = 0; c < (N); c++)                                                     \
                STORE(sums + (r * (N) + c) * (WIDTH), sum[r][c]);                                  \
    }
#define TILE_STEP(VECTOR, WIDTH, ROWS, N, LOAD, SPREAD, ADD, STEP)                                 \
    {                                                                                              \
        for (uint32_t c = 0; c < (N); c++)                                                         \
            columns[c] = LOAD(w + ((size_t)(STEP) * (N) + c) * (WIDTH));                           \
        for (uint32_t r = 0; r < (ROWS); r++) {                                                    \
            VECTOR one = SPREAD(x + r * SLICE + (STEP));                                           \
            for (uint32_t c = 0; c < (N); c++)                                                     \
                sum[r][c] = ADD(one, columns[c], sum[r][c]);                                       \
        }                                                                                          \
    }

// Every x86-64, and other machines as their compiler sees fit.
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
#define PLAIN_ZERO ((four){ 0 })
#define PLAIN_LOAD(p) (*(const four *)(p))
#define PLAIN_SPREAD(p) ((four){ *(p), *(p), *(p), *(p) })
#define PLAIN_ADD(x, w, sum) ((sum) + (x) * (w))
#define PLAIN_STORE(p, v) (*(four *)(p) = (v))
TILE(plain_tile, , four, 4, 3, 4, PLAIN_ZERO, PLAIN_LOAD, PLAIN_SPREAD, PLAIN_ADD, PLAIN_STORE)
TILE(plain_row, , four, 4, 1, 4, PLAIN_ZERO, PLAIN_LOAD, PLAIN_SPREAD, PLAIN_ADD, PLAIN_STORE)

#ifdef HAS_X86
#define AVX __attribute__((target("avx")))
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f")))
#define AVX_ADD(x, w, sum) _mm256_add_ps(sum, _mm256_mul_ps(x, w))
TILE(avx_tile, AVX, __m256, 8, 6, 2, _mm256_setzero_ps(), _mm256_loadu_ps, _mm256_broadcast_ss,
     AVX_ADD, _mm256_storeu_ps)
TILE(avx_row, AVX, __m256, 8, 1, 2, _mm256_setzero_ps(), _mm256_loadu_ps, _mm256_broadcast_ss,
     AVX_ADD, _mm256_storeu_ps)
TILE(avx2_tile, AVX2, __m256, 8, 6, 2, _mm256_setzero_ps(), _mm256_loadu_ps, _mm256_broadcast_ss,
     _mm256_fmadd_ps, _mm256_storeu_ps)
TILE(avx2_row, AVX2, __m256, 8, 1, 2, _mm256_setzero_ps(), _mm256_loadu_ps, _mm256_broadcast_ss,
     _mm256_fmadd_ps, _mm256_storeu_ps)
#define AVX512_SPREAD(p) _mm512_set1_ps(*(p))
TILE(avx512_tile, AVX512, __m512, 16, 12, 2, _mm512_setzero_ps(), _mm512_loadu_ps, AVX512_SPREAD,
     _mm512_fmadd_ps, _mm512_storeu_ps)
TILE(avx512_row, AVX512, __m512, 16, 1, 2, _mm512_setzero_ps(), _mm512_loadu_ps, AVX512_SPREAD,
     _mm512_fmadd_ps, _mm512_storeu_ps)
#endif

static const struct panel_kind kinds[] = {
    [PANEL_PLAIN] = { 3, 16, plain_tile, plain_row },
#ifdef HAS_X86
    [PANEL_AVX] = { 6, 16, avx_tile, avx_row },
    [PANEL_AVX2] = { 6, 16, avx2_tile, avx2_row },
    [PANEL_AVX512] = { 12, 32, avx512_tile, avx512_row },
#endif
};

static const struct panel_kind *kind_of(enum panel_isa isa)
{
#ifdef HAS_X86
    if (isa >= PANEL_AVX512 && __builtin_cpu_supports("avx512f"))
        return &kinds[PANEL_AVX512];
    if (isa >= PANEL_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &kinds[PANEL_AVX2];
    if (isa >= PANEL_AVX && __builtin_cpu_supports("avx"))
        return &kinds[PANEL_AVX];
#endif
    (void)isa;
    return &kinds[PANEL_PLAIN];
}

static uint32_t panels_of(const struct panel_matrix *w)
{
    return w->n / w->kind->cols + (w->n % w->kind->cols != 0);
}

bool panel_matrix_new(enum panel_isa isa, uint32_t k, uint32_t n, struct panel_matrix **out,
                      struct abl_err *err)
{
    struct panel_matrix *w = calloc(1, sizeof *w);
    size_t floats;
    if (!w)
        return abl_no_memory(err);
    *w = (struct panel_matrix){ .kind = kind_of(isa), .k = k, .n = n };
    if (size_mul((size_t)panels_of(w) * w->kind->cols, k, &floats))
        w->values = floats_new(floats);
    if (!w->values) {
        free(w);
        return abl_fail(err, ABL_FAILED, "out of memory for a matrix of %u x %u; lower --mem", k,
                        n);
    }
    *out = w;
    return true;
}

void panel_matrix_free(struct panel_matrix *w)
{
    if (!w)
        return;
    free(w->values);
    free(w);
}

struct panels panel_matrix_panels(const struct panel_matrix *w)
{
    return (struct panels){ .values = w->values, .width = w->kind->cols, .depth = w->k };
}

// --- what follows a product ---

// x σ(u), where σ(u) = 1 / (1 + e^-u); the exponent is never positive, so that nothing overflows.
INLINED float gated(float x, float u)
{
    float e = exp_negative(-fabsf(u));
    return x * (u < 0 ? e : 1.0f) / (1.0f + e);
}

// 0.5 x (1 + tanh(u)) = x σ(2u)
INLINED float gelu_tanh(float x)
{
    return gated(x, 1.595769122f * (x + 0.044715f * x * x * x));
}

// 0.5 x erfc(−x/√2) by Abramowitz & Stegun's rational approximation 7.1.26, off by 1.5e-7 at most.
INLINED float gelu_erf(float x)
{
    float z = fabsf(x) * 0.707106781f, t = 1.0f / (1.0f + 0.3275911f * z);
    float p = 1.061405429f * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = (p * t + 0.254829592f) * t;
    float tail = p * exp_negative(-z * z); // erfc(|x|/√2)
    return 0.5f * x * (x < 0 ? tail : 2.0f - tail);
}

// Sums of a tile's rows over at most LANES columns, and where they go.
struct finish {
    const float *sums, *bias; // bias may be NULL
    float *y;
    uint32_t n_rows, n_cols, sums_stride, y_stride;
    unsigned flags;
};

// y = act(sums + bias) [+ y]; every row and column by the same instructions.
WIDE static void finish_rows(const struct finish *f)
{
    float row[LANES] = { 0 }, added[LANES] = { 0 };
    if (f->bias)
        memcpy(added, f->bias, f->n_cols * sizeof *added);
    for (uint32_t r = 0; r < f->n_rows; r++) {
        float *y = f->y + (size_t)r * f->y_stride;
        memcpy(row, f->sums + (size_t)r * f->sums_stride, sizeof row);
#pragma omp simd
        for (uint32_t i = 0; i < LANES; i++)
            row[i] += added[i];
        if (f->flags & PRODUCT_GELU_TANH)
#pragma omp simd
            for (uint32_t i = 0; i < LANES; i++)
                row[i] = gelu_tanh(row[i]);
        if (f->flags & PRODUCT_GELU_ERF)
#pragma omp simd
            for (uint32_t i = 0; i < LANES; i++)
                row[i] = gelu_erf(row[i]);
        if (f->flags & PRODUCT_SILU)
#pragma omp simd
            for (uint32_t i = 0; i < LANES; i++)
                row[i] = gated(row[i], row[i]);
        if (f->flags & PRODUCT_RELU)
#pragma omp simd
            for (uint32_t i = 0; i < LANES; i++)
                row[i] = row[i] < 0 ? 0 : row[i];
        if (f->flags & PRODUCT_ACCUMULATE)
            for (uint32_t i = 0; i < f->n_cols; i++)
                y[i] += row[i];
        else
            memcpy(y, row, f->n_cols * sizeof *y);
    }
}

// --- products ---

// Rows and panels of a product that one thread multiplies.
struct block {
    uint32_t row, n_rows, panel, n_panels;
};

static void finish_tile(const struct panel_matrix *w, const struct product *p,
                        const struct block *b, uint32_t panel, uint32_t first, const float *sums)
{
    uint32_t cols = w->kind->cols, n_rows = (uint32_t)size_min(w->kind->rows, b->n_rows - first);
    for (uint32_t c = 0, col = (b->panel + panel) * cols; c < cols && col < w->n;
         c += LANES, col += LANES) {
        struct finish f = { .sums = sums + c,
                            .bias = p->flags & PRODUCT_BIAS ? p->bias + col : NULL,
                            .y = p->y + (size_t)(b->row + first) * p->y_stride + col,
                            .n_rows = n_rows,
                            .n_cols = (uint32_t)size_min(LANES, w->n - col),
                            .sums_stride = cols,
                            .y_stride = p->y_stride,
                            .flags = p->flags };
        finish_rows(&f);
    }
}

// The block's rows of x over a slice of k, and zeros up to whole tiles.
static void take_rows(const struct product *p, const struct block *b, uint32_t n_rows,
                      uint32_t first, uint32_t depth, float *to)
{
    for (uint32_t r = 0; r < b->n_rows; r++)
        memcpy(to + (size_t)r * SLICE, p->x + (size_t)(b->row + r) * p->x_stride + first,
               depth * sizeof *to);
    for (uint32_t r = b->n_rows; r < n_rows; r++)
        memset(to + (size_t)r * SLICE, 0, depth * sizeof *to);
}

// The next panel's slice comes into the second cache while this one is multiplied, a share of it
// with each tile.
static void fetch_ahead(const float *from, size_t n, uint32_t share, uint32_t of)
{
    for (size_t i = n * share / of; i < n * (share + 1) / of; i += CACHE_LINE / sizeof *from)
        __builtin_prefetch(from + i, 0, 2);
}

static void multiply_block(const struct panel_matrix *w, uint32_t first, uint32_t depth,
                           const struct product *p, const struct block *b, float *scratch)
{
    const struct panel_kind *kind = w->kind;
    uint32_t tiles = b->n_rows / kind->rows + (b->n_rows % kind->rows != 0);
    float *x = scratch, *sums = scratch + ROWS_FLOATS;
    for (uint32_t at = 0; at < depth; at += SLICE) {
        uint32_t n = (uint32_t)size_min(SLICE, depth - at);
        take_rows(p, b, tiles * kind->rows, at, n, x);
        for (uint32_t j = 0; j < b->n_panels; j++) {
            const float *panel
                = w->values + ((size_t)(b->panel + j) * w->k + first + at) * kind->cols;
            for (uint32_t t = 0; t < tiles; t++) {
                float *tile = sums + ((size_t)j * tiles + t) * kind->rows * kind->cols;
                bool single = b->n_rows - t * kind->rows == 1;
                if (j + 1 < b->n_panels)
                    fetch_ahead(panel + (size_t)w->k * kind->cols, (size_t)n * kind->cols, t,
                                tiles);
                (single ? kind->multiply_row : kind->multiply)(x + (size_t)t * kind->rows * SLICE,
                                                               panel, tile, n, at == 0);
                if (at + n == depth)
                    finish_tile(w, p, b, j, t * kind->rows, tile);
            }
        }
    }
}

size_t panel_scratch(void)
{
    return (size_t)omp_get_max_threads() * (ROWS_FLOATS + SUM_FLOATS);
}

// Panels of a block: fewer where there would be less than a few blocks for each thread.
static uint32_t block_panels(const struct panel_matrix *w, uint32_t row_blocks)
{
    uint32_t most = BLOCK_COLS / w->kind->cols, n = panels_of(w);
    uint32_t wanted = 4 * (uint32_t)omp_get_max_threads() / row_blocks + 1;
    uint32_t share = n / wanted + 1;
    return share < most ? share : most;
}

// Below this many multiplications, waking other threads costs more than they bring.
enum { PARALLEL_PRODUCTS = 1 << 17 };

void panel_matrix_multiply(const struct panel_matrix *w, uint32_t first, uint32_t depth,
                           const struct product *p, float *scratch)
{
    uint32_t row_blocks = p->m / BLOCK_ROWS + (p->m % BLOCK_ROWS != 0), n_panels = panels_of(w);
    uint32_t each = row_blocks ? block_panels(w, row_blocks) : 1;
    size_t n = (size_t)row_blocks * (n_panels / each + (n_panels % each != 0));
    bool many = (uint64_t)p->m * depth * w->n > PARALLEL_PRODUCTS;
#pragma omp parallel for schedule(dynamic) if (many)
    for (size_t i = 0; i < n; i++) {
        struct block b = { .row = (uint32_t)(i % row_blocks) * BLOCK_ROWS,
                           .panel = (uint32_t)(i / row_blocks) * each };
        b.n_rows = (uint32_t)size_min(BLOCK_ROWS, p->m - b.row);
        b.n_panels = (uint32_t)size_min(each, n_panels - b.panel);
        multiply_block(w, first, depth, p, &b,
                       scratch + (size_t)omp_get_thread_num() * (ROWS_FLOATS + SUM_FLOATS));
    }
}
