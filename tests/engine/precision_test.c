// Products of bf16 halves, against double precision.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/bf16.h"
#include "engine/dnnl_matmul.h"
#include "engine/f16.h"
#include "format/half.h"
#include "tests/support/check.h"

static struct abl_err err;

static float draw(struct rng *r)
{
    return (float)rng_below(r, 2000001) / 1e6f - 1;
}

static float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

// Every bf16 and the floats around the middle between it and the next.
static void rounding_is_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7F80; h++) {
        uint32_t low = h << 16, even = h & 1 ? h + 1 : h;
        assert_int_equal(bf16_round(from_bits(low)), h);
        assert_int_equal(bf16_round(from_bits(low + 0x7FFF)), h);
        assert_int_equal(bf16_round(from_bits(low + 0x8000)), even);
        assert_int_equal(bf16_round(from_bits(low + 0x8001)), h + 1);
        assert_int_equal(bf16_round(-from_bits(low)), h | 0x8000);
        assert_true(bf16_widen((uint16_t)h) == from_bits(low));
    }
    assert_int_equal(bf16_round(INFINITY), 0x7F80);
    assert_true(isnan(bf16_widen(bf16_round(from_bits(0x7F800001)))));
    assert_true(isnan(bf16_widen(bf16_round(from_bits(0xFFFFFFFF)))));
}

// Every fp16 and the floats around the middle between it and the next.
static void fp16_is_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7C00; h++) {
        uint16_t even = (uint16_t)(h & 1 ? h + 1 : h);
        float low = half_to_float((uint16_t)h);
        float high = h + 1 < 0x7C00 ? half_to_float((uint16_t)(h + 1)) : 65536.0f;
        float middle = low + (high - low) / 2; // exact
        assert_int_equal(f16_round(low), h);
        assert_int_equal(f16_round(middle), even);
        assert_int_equal(f16_round(nextafterf(middle, 0)), h);
        assert_int_equal(f16_round(nextafterf(middle, INFINITY)), h + 1);
        assert_int_equal(f16_round(-low), h | 0x8000);
    }
    assert_int_equal(f16_round(INFINITY), 0x7C00);
    assert_int_equal(f16_round(-1e30f), 0xFC00);
    assert_true(isnan(half_to_float(f16_round(NAN))));
    assert_false(f16_overflows(65519.0f) || f16_overflows(-65519.0f));
    assert_true(f16_overflows(65520.0f) && f16_overflows(-INFINITY) && f16_overflows(NAN));
}

static void halves_add_up(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < 100000; i++) {
        float x = ldexpf(draw(&r), (int)rng_below(&r, 40) - 20);
        uint16_t high, low;
        bf16_split(&x, 1, &high, &low);
        double off = fabs((double)x - bf16_widen(high) - bf16_widen(low));
        if (off > ldexp(fabs((double)x), -17))
            fail_msg("%.9g is %.9g off the sum of its halves", (double)x, off);
    }
}

static void rows_are_split_side_by_side(void **state)
{
    (void)state;
    enum { N = 3, K = 5, STRIDE = 7, WIDTH = 8 };
    float x[N * STRIDE];
    uint16_t out[N * 3 * WIDTH];
    for (int i = 0; i < N * STRIDE; i++)
        x[i] = 1.0f / (float)(i + 1);
    memset(out, 0xFF, sizeof out);
    bf16_split_rows(x, N, K, STRIDE, WIDTH, out);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < WIDTH; k++) {
            uint16_t high = 0, low = 0, *row = out + i * 3 * WIDTH;
            if (k < K)
                bf16_split(&x[i * STRIDE + k], 1, &high, &low);
            assert_int_equal(row[k], high);
            assert_int_equal(row[WIDTH + k], high);
            assert_int_equal(row[2 * WIDTH + k], low);
        }
}

struct shape {
    uint32_t m, k, n;
    bool out_in;
    unsigned flags;
};

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

// The matrix comes in blocks, so that the last is a part of one.
static struct dnnl_matrix *pack(struct dnnl_context *c, const struct shape *s, const float *w)
{
    struct dnnl_matrix *matrix;
    uint32_t rows = s->out_in ? s->n : s->k, cols = s->out_in ? s->k : s->n;
    CHECK(dnnl_matrix_new(c, s->k, s->n, s->out_in, &matrix, &err));
    for (uint32_t first = 0; first < rows; first += MATRIX_BLOCK) {
        uint32_t count = rows - first < MATRIX_BLOCK ? rows - first : MATRIX_BLOCK;
        CHECK(dnnl_matrix_fill(matrix, first, count, w + (size_t)first * cols, &err));
    }
    return matrix;
}

static void check_product(struct dnnl_context *c, const struct shape *s, struct rng *r)
{
    uint32_t x_stride = s->k + 3, y_stride = s->n + 5;
    float *x = calloc((size_t)s->m * x_stride, sizeof *x),
          *w = calloc((size_t)s->k * s->n, sizeof *w);
    float *bias = calloc(s->n, sizeof *bias), *y = calloc((size_t)s->m * y_stride, sizeof *y);
    assert_true(x && w && bias && y);
    for (size_t i = 0; i < (size_t)s->m * x_stride; i++)
        x[i] = draw(r);
    for (size_t i = 0; i < (size_t)s->k * s->n; i++)
        w[i] = draw(r);
    for (size_t i = 0; i < s->n; i++)
        bias[i] = draw(r);
    for (size_t i = 0; i < (size_t)s->m * y_stride; i++)
        y[i] = 0.25f;
    struct dnnl_matrix *matrix = pack(c, s, w);
    struct product p = { x, y, bias, s->m, x_stride, y_stride, s->flags };
    for (int twice = 0; twice < 2; twice++) { // the second time by what the first has left behind
        for (size_t i = 0; i < (size_t)s->m * y_stride; i++)
            y[i] = 0.25f;
        CHECK(dnnl_matrix_multiply(matrix, &p, &err));
    }
    for (uint32_t i = 0; i < s->m; i++)
        for (uint32_t j = 0; j < y_stride; j++) {
            double expected = 0, size = 0;
            for (uint32_t k = 0; j < s->n && k < s->k; k++) {
                double term = (double)x[i * x_stride + k]
                              * (s->out_in ? w[(size_t)j * s->k + k] : w[(size_t)k * s->n + j]);
                expected += term;
                size += fabs(term);
            }
            if (j < s->n && s->flags & PRODUCT_BIAS)
                expected += bias[j];
            if (s->flags & PRODUCT_GELU_ERF)
                expected = gelu(expected);
            if (j >= s->n || s->flags & PRODUCT_ACCUMULATE) // beyond the matrix nothing is touched
                expected = j < s->n ? expected + 0.25 : 0.25;
            double off = fabs(y[i * y_stride + j] - expected);
            if (off > 2e-5 * (size + 1))
                fail_msg("%u x %u x %u, %s, element %u, %u: found %.9g, expected %.9g", s->m, s->k,
                         s->n, s->out_in ? "out_in" : "in_out", i, j, (double)y[i * y_stride + j],
                         expected);
        }
    dnnl_matrix_free(matrix);
    free(x);
    free(w);
    free(bias);
    free(y);
}

static void three_products_are_nearly_fp32(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        { 1, 1, 1, false, 0 },
        { 5, 31, 17, false, PRODUCT_BIAS },
        { 5, 31, 17, true, PRODUCT_BIAS | PRODUCT_ACCUMULATE },
        { 33, 64, 64, false, PRODUCT_BIAS | PRODUCT_GELU_ERF },
        { 40, 65, 130, true, PRODUCT_ACCUMULATE },
        { 130, 200, 96, false, PRODUCT_ACCUMULATE },
        { 64, 257, 300, true, PRODUCT_BIAS },
    };
    struct dnnl_context *c;
    struct rng r;
    if (!dnnl_context_new(PRECISION_BF16X3, &c, &err)) {
        print_message("%s\n", err.text);
        skip();
    }
    rng_seed(&r, 1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_product(c, &shapes[i], &r);
    dnnl_context_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_to_nearest_even),
        cmocka_unit_test(fp16_is_to_nearest_even),
        cmocka_unit_test(halves_add_up),
        cmocka_unit_test(rows_are_split_side_by_side),
        cmocka_unit_test(three_products_are_nearly_fp32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
