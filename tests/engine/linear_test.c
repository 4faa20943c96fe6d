// Products of every engine against scalar references in double (support/engine_ref.c), at odd sizes
// and through views, and the reading of weights.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/bench.h"

enum { N_SHAPES = 6 };
static const uint32_t shapes[N_SHAPES][2]
    = { { 60, 180 }, { 60, 176 }, { 176, 60 }, { 128, 384 }, { 12, 5 }, { 64, 2053 } };

static const struct finish {
    const char *name;
    bool bias, accumulate;
    enum act act;
} finishes[] = {
    { "none", false, false, ACT_IDENTITY },
    { "bias", true, false, ACT_IDENTITY },
    { "gelu", false, false, ACT_GELU_TANH },
    { "accumulate", false, true, ACT_IDENTITY },
    { "bias+accumulate", true, true, ACT_IDENTITY },
    { "bias+gelu", true, false, ACT_GELU_TANH },
    { "bias+gelu+accumulate", true, true, ACT_GELU_TANH },
    { "gelu_erf", false, false, ACT_GELU_ERF },
    { "bias+gelu_erf+accumulate", true, true, ACT_GELU_ERF },
    { "silu", false, false, ACT_SILU },
    { "bias+silu", true, false, ACT_SILU },
    { "bias+silu+accumulate", true, true, ACT_SILU },
    { "bias+relu", true, false, ACT_RELU },
};
enum { N_FINISHES = sizeof finishes / sizeof *finishes };

struct linear_case {
    struct grid x;
    struct tensor x_device, bias_device;
    const float *bias;
    struct weight *w;
    struct ref *product;
    uint32_t k, n;
};

static struct linear_case linear_case_new(struct bench *b, uint32_t shape)
{
    struct linear_case l = { .k = shapes[shape][0], .n = shapes[shape][1] };
    struct grid w = bench_halves(b, l.k, l.n);
    l.x = bench_random(b, MOST_ROWS, l.k);
    l.bias = bench_random(b, 1, l.n).at;
    l.product = bench_refs(b, MOST_ROWS, l.n);
    ref_product(l.x, w, l.product);
    l.x_device = bench_upload(b, l.x);
    l.bias_device = bench_upload_row(b, l.bias, l.n);
    l.w = bench_load_grid(b, w, shape % 2);
    return l;
}

// The last m rows of x. Tolerance 1e-6 of Σ |x w| + |bias| + |old|, which is about 1e-5 of a
// typical product.
static void linear_once(struct bench *b, const struct linear_case *l, uint32_t m,
                        const struct finish *f, uint32_t margin)
{
    struct target out = target_new(b, m, l->n, margin);
    struct ref *expected = bench_refs(b, m, l->n);
    struct epilogue epilogue = { .bias = f->bias ? l->bias_device : (struct tensor){ 0 },
                                 .act = f->act,
                                 .accumulate = f->accumulate };
    uint32_t first = MOST_ROWS - m;
    ref_epilogue(l->product + (size_t)first * l->n, m, l->n, f->bias ? l->bias : NULL, f->act,
                 f->accumulate ? &out.old : NULL, expected);
    CHECK(b,
          linear(b->engine, out.out, tensor_rows(l->x_device, first, m), l->w, &epilogue, &b->err));
    ref_check(target_read(b, &out, "linear"), expected, 1e-6,
              "%s: linear m %u k %u n %u, epilogue %s, margin %u", b->device, m, l->k, l->n,
              f->name, margin);
    bench_release_last(b);
}

static void linear_is_the_product_with_each_epilogue(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t shape = 0; shape < N_SHAPES; shape++) {
        struct linear_case l = linear_case_new(b, shape);
        for (uint32_t i = 0; i < N_HEIGHTS * N_FINISHES; i++)
            linear_once(b, &l, bench_heights[i % N_HEIGHTS], &finishes[i / N_HEIGHTS],
                        bench_margins[(i + i / N_HEIGHTS + shape) % MARGINS]);
        bench_clear(b);
    }
}

static void linear_reads_columns_of_a_wider_tensor(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < 2 * MARGINS; i++) {
        uint32_t k = 60, n = 36, m = i < MARGINS ? 1 : 22;
        struct target x = target_new(b, m, k, bench_margins[i % MARGINS]),
                      out = target_new(b, m, n, 0);
        struct grid w = bench_halves(b, k, n);
        struct ref *expected = bench_refs(b, m, n);
        ref_product(x.old, w, expected);
        CHECK(b, linear(b->engine, out.out, x.out, bench_load_grid(b, w, false),
                        &(struct epilogue){ 0 }, &b->err));
        ref_check(target_read(b, &out, "linear"), expected, 1e-6,
                  "%s: linear of columns, margin %u", b->device, x.margin);
        bench_clear(b);
    }
}

// Columns of z in a wider tensor against rows of w, from where no vector begins too; the last rows
// of w among them.
static void head_out_adds_the_product_with_some_rows(void **state)
{
    struct bench *b = bench_begin(state);
    // k, n, first, d
    static const uint32_t heads[][4]
        = { { 60, 36, 0, 20 },   { 60, 36, 40, 20 },  { 21, 65, 7, 7 }, { 10, 33, 5, 5 },
            { 128, 97, 64, 64 }, { 768, 70, 64, 64 }, { 12, 5, 11, 1 }, { 36, 129, 18, 18 } };
    for (uint32_t i = 0; i < sizeof heads / sizeof *heads * MARGINS; i++) {
        const uint32_t *h = heads[i / MARGINS], k = h[0], n = h[1], first = h[2], d = h[3];
        uint32_t m = bench_heights[i % N_HEIGHTS], margin = bench_margins[i % MARGINS];
        struct target z = target_new(b, m, d, margin), x = target_new(b, m, n, margin);
        struct grid w = bench_halves(b, k, n);
        struct ref *expected = bench_refs(b, m, n), *product = bench_refs(b, m, n);
        ref_product(z.old, grid_rows(w, first, d), product);
        ref_epilogue(product, m, n, NULL, ACT_IDENTITY, &x.old, expected);
        CHECK(b, head_out(b->engine, x.out, z.out, bench_load_grid(b, w, i % 2), first, &b->err));
        ref_check(target_read(b, &x, "head_out"), expected, 1e-6,
                  "%s: head_out m %u k %u n %u, rows %u to %u, margin %u", b->device, m, k, n,
                  first, first + d, margin);
        bench_clear(b);
    }
}

// 9 MB: more than an engine takes in one block.
static void weights_are_read_in_blocks_in_both_layouts(void **state)
{
    struct bench *b = bench_begin(state);
    for (int out_in = 0; out_in < 2; out_in++) {
        struct matrix m = { .values = bench_halves(b, 1100, 2053), .out_in = out_in };
        struct target out = target_new(b, 2, 2053, 0);
        struct grid x = bench_random(b, 2, 1100);
        struct ref *expected = bench_refs(b, 2, 2053);
        ref_product(x, m.values, expected);
        struct weight *w = bench_load(b, &m);
        assert_true(m.n_reads > 1);
        CHECK(b,
              linear(b->engine, out.out, bench_upload(b, x), w, &(struct epilogue){ 0 }, &b->err));
        ref_check(target_read(b, &out, "linear"), expected, 1e-6,
                  "%s: linear k 1100 n 2053, out_in %d, %u reads", b->device, out_in, m.n_reads);
        bench_clear(b);
    }
}

static void weight_that_cannot_be_read_is_an_error(void **state)
{
    struct bench *b = bench_begin(state);
    struct matrix m = { .values = bench_random(b, 12, 5), .fails = true };
    struct matrix_source source = matrix_source(&m);
    struct weight *w;
    assert_false(b->engine->ops->weight_new(b->engine, &source, &w, &b->err));
    assert_int_equal(b->err.code, ABL_BAD_MODEL);
    assert_non_null(strstr(b->err.text, "the disk is gone"));
}

static void linear_rows_do_not_depend_on_each_other(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t shape = 0; shape < N_SHAPES; shape++) {
        struct linear_case l = linear_case_new(b, shape);
        struct target out = target_new(b, MOST_ROWS, l.n, 0), one = target_new(b, 1, l.n, 0);
        struct epilogue none = { 0 };
        struct alone a = { .same_bits = true };
        char what[64];
        CHECK(b, linear(b->engine, out.out, l.x_device, l.w, &none, &b->err));
        struct grid all = bench_download(b, out.out);
        for (uint32_t r = 0; r < MOST_ROWS; r += 43) {
            CHECK(b,
                  linear(b->engine, one.out, tensor_rows(l.x_device, r, 1), l.w, &none, &b->err));
            alone_compare(&a, bench_download(b, one.out), all, l.product, r);
        }
        snprintf(what, sizeof what, "linear k %u n %u", l.k, l.n);
        alone_report(b, what, &a);
        bench_clear(b);
    }
}

static int run(const char *device)
{
    const struct CMUnitTest tests[] = {
        TEST(linear_is_the_product_with_each_epilogue),
        TEST(linear_reads_columns_of_a_wider_tensor),
        TEST(head_out_adds_the_product_with_some_rows),
        TEST(weights_are_read_in_blocks_in_both_layouts),
        TEST(weight_that_cannot_be_read_is_an_error),
        TEST(linear_rows_do_not_depend_on_each_other),
    };
    return cmocka_run_group_tests_name(device, tests, bench_open, bench_close);
}

int main(void)
{
    return bench_each_device(run);
}
