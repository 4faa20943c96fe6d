// Norms of both kinds and by groups, rotary positions, gates and the activations behind a product,
// on every engine, against double loops written here.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "tests/support/devices.h"

static const double pi = 3.14159265358979323846;

struct bench {
    const char *device;
    struct engine *e;
    struct rng rng;
    struct abl_err err;
};

#define CHECK(b, call)                                                                             \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", (b)->device, (b)->err.text);                                        \
    } while (0)

static void open_bench(struct bench *b, const char *device)
{
    *b = (struct bench){ .device = device };
    rng_seed(&b->rng, 21);
    CHECK(b, engine_open(device, 2, PRECISION_F32, &b->e, &b->err));
}

static void close_bench(struct bench *b)
{
    b->e->ops->free(b->e);
}

// Even numbers around 0, of size up to `reach`.
static float *random_floats(struct bench *b, size_t n, double reach)
{
    float *v = malloc(n * sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(reach * ((double)rng_below(&b->rng, 2000001) / 1e6 - 1));
    return v;
}

// A view of cols columns inside of a tensor that is wider, so that strides and margins are odd
// where `skip` is.
static struct tensor view_of(struct bench *b, struct tensor *whole, uint32_t rows, uint32_t cols,
                             uint32_t skip, const float *values)
{
    CHECK(b, b->e->ops->alloc(b->e, rows, cols + 2 * skip, whole, &b->err));
    struct tensor view = tensor_cols(*whole, skip, cols);
    CHECK(b, b->e->ops->upload(b->e, view, values, &b->err));
    return view;
}

static void expect(struct bench *b, struct tensor found, const double *expected, double tolerance,
                   const char *what)
{
    size_t n = (size_t)found.rows * found.cols;
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    CHECK(b, b->e->ops->download(b->e, found, values, &b->err));
    for (size_t i = 0; i < n; i++) {
        double diff = fabs((double)values[i] - expected[i]);
        if (!(diff <= tolerance * fmax(1, fabs(expected[i]))))
            fail_msg("%s: %s: row %zu column %zu is %.9g, expected %.9g", b->device, what,
                     i / found.cols, i % found.cols, (double)values[i], expected[i]);
    }
    free(values);
}

// --- norms ---

static void norm_in_double(const float *x, uint32_t n, const float *gain, const float *bias,
                           enum norm_kind kind, double *out)
{
    double mean = 0, squares = 0;
    for (uint32_t i = 0; kind == NORM_LAYER && i < n; i++)
        mean += (double)x[i] / n;
    for (uint32_t i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean) / n;
    for (uint32_t i = 0; i < n; i++)
        out[i] = ((double)x[i] - mean) / sqrt(squares + 1e-5) * (double)gain[i]
                 + (bias ? (double)bias[i] : 0);
}

static void check_norm(struct bench *b, enum norm_kind kind, uint32_t rows, uint32_t groups,
                       uint32_t cols, uint32_t skip, bool in_place)
{
    uint32_t width = groups * cols;
    float *x = random_floats(b, (size_t)rows * width, 3), *gain = random_floats(b, cols, 2),
          *bias = random_floats(b, cols, 1);
    double *expected = calloc((size_t)rows * width, sizeof *expected);
    struct tensor whole, other, g, c;
    struct tensor from = view_of(b, &whole, rows, width, skip, x);
    struct tensor to = view_of(b, &other, rows, width, skip, x);
    view_of(b, &g, 1, cols, 0, gain);
    view_of(b, &c, 1, cols, 0, bias);
    for (uint32_t r = 0; r < rows * groups; r++)
        norm_in_double(x + (size_t)r * cols, cols, gain, kind == NORM_LAYER ? bias : NULL, kind,
                       expected + (size_t)r * cols);
    struct norm_args args = { .gain = g, .eps = 1e-5f, .kind = kind, .groups = groups };
    if (kind == NORM_LAYER)
        args.bias = c;
    CHECK(b, b->e->ops->norm(b->e, in_place ? from : to, from, &args, &b->err));
    expect(b, in_place ? from : to, expected, 2e-5, "norm");
    struct tensor *all[] = { &whole, &other, &g, &c };
    for (size_t i = 0; i < 4; i++)
        b->e->ops->release(b->e, all[i]);
    free(x), free(gain), free(bias), free(expected);
}

static void norms_of_both_kinds_and_by_groups(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    static const uint32_t cols[] = { 2, 5, 12, 64, 130 }, groups[] = { 1, 3, 4 };
    for (size_t d = 0; d < n; d++) {
        struct bench b;
        open_bench(&b, devices[d]);
        for (uint32_t i = 0; i < 5 * 3 * 2 * 2; i++)
            check_norm(&b, i % 2 ? NORM_RMS : NORM_LAYER, 1 + i % 7 * 5, groups[i / 2 % 3],
                       cols[i / 6 % 5], i % 3, i / 30 % 2);
        close_bench(&b);
    }
}

// --- rope ---

static void check_rope(struct bench *b, uint32_t rows, uint32_t heads, uint32_t d_head,
                       uint32_t dims, uint32_t skip)
{
    enum { POSITIONS = 9 };
    uint32_t width = heads * d_head, half = dims / 2, positions[64];
    float *x = random_floats(b, (size_t)rows * width, 2);
    float *table = malloc(POSITIONS * dims * sizeof *table);
    double *expected = calloc((size_t)rows * width, sizeof *expected);
    assert_true(table && expected && rows <= 64);
    for (uint32_t p = 0; p < POSITIONS; p++)
        for (uint32_t i = 0; i < half; i++) {
            double angle = p * 1000.0 * pow(10, -2.0 * i / dims);
            table[p * dims + i] = (float)cos(angle);
            table[p * dims + half + i] = (float)sin(angle);
        }
    for (size_t i = 0; i < (size_t)rows * width; i++)
        expected[i] = (double)x[i];
    for (uint32_t r = 0; r < rows; r++) {
        positions[r] = (r * 5 + 3) % POSITIONS;
        const float *c = table + positions[r] * dims;
        for (uint32_t h = 0; h < heads; h++)
            for (uint32_t i = 0; i < half; i++) {
                double *u = expected + (size_t)r * width + h * d_head + i, *v = u + half, a = *u;
                *u = a * (double)c[i] - *v * (double)c[half + i];
                *v = *v * (double)c[i] + a * (double)c[half + i];
            }
    }
    struct tensor whole, t;
    struct index list;
    struct tensor view = view_of(b, &whole, rows, width, skip, x);
    view_of(b, &t, POSITIONS, dims, 0, table);
    CHECK(b, b->e->ops->index_new(b->e, positions, rows, &list, &b->err));
    CHECK(b, b->e->ops->rope(b->e, view, t, list, d_head, &b->err));
    expect(b, view, expected, 1e-6, "rope");
    b->e->ops->index_release(b->e, &list);
    b->e->ops->release(b->e, &whole);
    b->e->ops->release(b->e, &t);
    free(x), free(table), free(expected);
}

static void rope_turns_the_first_dimensions_of_each_head(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    static const uint32_t d_heads[] = { 2, 6, 10, 64, 80, 128 };
    for (size_t d = 0; d < n; d++) {
        struct bench b;
        open_bench(&b, devices[d]);
        for (uint32_t i = 0; i < 6 * 3; i++) {
            uint32_t d_head = d_heads[i % 6], dims = i < 6 ? d_head : i < 12 ? 2 : d_head / 4 * 2;
            check_rope(&b, 1 + i * 3, 1 + i % 4, d_head, dims ? dims : 2, i % 3);
        }
        close_bench(&b);
    }
}

// --- activations ---

static double act_in_double(enum act act, double x)
{
    switch (act) {
    case ACT_IDENTITY:
        return x;
    case ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    case ACT_SILU:
        return x / (1 + exp(-x));
    case ACT_RELU:
        return x < 0 ? 0 : x;
    }
    return NAN;
}

static void check_gate(struct bench *b, enum act act, uint32_t rows, uint32_t cols, uint32_t skip)
{
    size_t n = (size_t)rows * cols;
    float *x = random_floats(b, n, 2), *gate = random_floats(b, n, 9);
    double *expected = calloc(n, sizeof *expected);
    static const float ends[] = { -1e4f, 1e4f, 0.0f, -90.0f, 88.5f };
    for (size_t i = 0; i < 5 && i < n; i++)
        gate[i] = ends[i];
    for (size_t i = 0; i < n; i++)
        expected[i] = (double)x[i] * act_in_double(act, (double)gate[i]);
    struct tensor whole, other;
    struct tensor to = view_of(b, &whole, rows, cols, skip, x);
    struct tensor by = view_of(b, &other, rows, cols, 2 * skip, gate);
    CHECK(b, b->e->ops->gate(b->e, to, by, act, &b->err));
    expect(b, to, expected, 3e-6, "gate");
    b->e->ops->release(b->e, &whole);
    b->e->ops->release(b->e, &other);
    free(x), free(gate), free(expected);
}

static void gates_multiply_by_each_activation(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t d = 0; d < n; d++) {
        struct bench b;
        open_bench(&b, devices[d]);
        for (uint32_t i = 0; i < 24; i++)
            check_gate(&b, (enum act)(i % 4), 1 + i, 3 + 7 * (i % 9), i % 3);
        close_bench(&b);
    }
}

// x·1 + bias through the epilogue: the weight is the unit matrix, so that the activation alone is
// seen.
static bool unit_rows(void *context, uint32_t first, uint32_t count, float *out,
                      struct abl_err *err)
{
    (void)err;
    uint32_t n = *(const uint32_t *)context;
    memset(out, 0, (size_t)count * n * sizeof *out);
    for (uint32_t i = 0; i < count; i++)
        out[(size_t)i * n + first + i] = 1;
    return true;
}

static void products_end_in_each_activation(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n_devices = test_devices(devices);
    for (size_t d = 0; d < n_devices; d++) {
        struct bench b;
        open_bench(&b, devices[d]);
        for (int act = ACT_IDENTITY; act <= ACT_RELU; act++) {
            uint32_t rows = 33, n = 41;
            struct matrix_source source
                = { .k = n, .n = n, .out_in = true, .read = unit_rows, .context = &n };
            float *x = random_floats(&b, rows * n, 8), *bias = random_floats(&b, n, 1);
            double *expected = calloc(rows * n, sizeof *expected);
            struct weight *w;
            struct tensor in, out, c;
            view_of(&b, &in, rows, n, 0, x);
            view_of(&b, &out, rows, n, 0, x);
            view_of(&b, &c, 1, n, 0, bias);
            for (uint32_t i = 0; i < rows * n; i++)
                expected[i] = act_in_double((enum act)act, (double)x[i] + (double)bias[i % n]);
            struct epilogue ep = { .bias = c, .act = (enum act)act };
            CHECK(&b, b.e->ops->weight_new(b.e, &source, &w, &b.err));
            CHECK(&b, b.e->ops->linear(b.e, out, in, w, &ep, &b.err));
            expect(&b, out, expected, 3e-6, "linear");
            b.e->ops->weight_free(b.e, w);
            struct tensor *all[] = { &in, &out, &c };
            for (size_t i = 0; i < 3; i++)
                b.e->ops->release(b.e, all[i]);
            free(x), free(bias), free(expected);
        }
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_of_both_kinds_and_by_groups),
        cmocka_unit_test(rope_turns_the_first_dimensions_of_each_head),
        cmocka_unit_test(gates_multiply_by_each_activation),
        cmocka_unit_test(products_end_in_each_activation),
    };
    return cmocka_run_group_tests_name("engine_ops", tests, NULL, NULL);
}
