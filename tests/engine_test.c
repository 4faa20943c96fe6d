// Every operation of every engine against scalar references in double (support/engine_ref.c), at odd sizes and through
// views. ABLTUI_TEST_DEVICES names the devices ("cpu vulkan"); a Vulkan device that is not there is skipped.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "tests/support/engine_ref.h"

enum { MOST_ROWS = 130, MOST_THINGS = 64, MARGINS = 3 };

// Room around an output that must stay as it is: columns before it and behind it. 4 keeps vectors aligned, 3 does not.
static const uint32_t margins[MARGINS] = { 0, 4, 3 };

// One device and what a test made on it; freed after each test or turn.
struct bench {
    const char *device;
    struct engine *engine;
    bool missing;
    struct rng rng;
    struct arena arena; // host memory
    struct tensor tensors[MOST_THINGS];
    struct index lists[MOST_THINGS];
    struct weight *weights[MOST_THINGS];
    size_t n_tensors, n_lists, n_weights;
    struct abl_err err;
};

static void check(const struct bench *b, bool ok, const char *what, int line)
{
    if (!ok)
        fail_msg("%s: line %d: %s failed: %s", b->device, line, what, b->err.text);
}
#define CHECK(b, call) check(b, (b)->engine->ops->call, #call, __LINE__)

static void *host(struct bench *b, size_t n, size_t size)
{
    void *p = arena_alloc(&b->arena, n, size);
    assert_non_null(p);
    return p;
}

static struct ref *refs(struct bench *b, size_t rows, size_t cols)
{
    return host(b, rows * cols, sizeof(struct ref));
}

static void clear(struct bench *b)
{
    while (b->n_tensors)
        b->engine->ops->release(b->engine, &b->tensors[--b->n_tensors]);
    while (b->n_lists)
        b->engine->ops->index_release(b->engine, &b->lists[--b->n_lists]);
    while (b->n_weights)
        b->engine->ops->weight_free(b->engine, b->weights[--b->n_weights]);
    arena_release(&b->arena);
}

static struct bench *begin(void **state)
{
    struct bench *b = *state;
    if (b->missing)
        skip();
    rng_seed(&b->rng, 20240613);
    return b;
}

// Uniform in [-1, 1).
static float random_float(struct bench *b)
{
    return (float)((double)(rng_next(&b->rng) >> 11) * 0x1p-52 - 1.0);
}

static struct grid grid_new(struct bench *b, uint32_t rows, uint32_t cols)
{
    return (struct grid){ .at = host(b, (size_t)rows * cols, sizeof(float)),
                          .rows = rows,
                          .cols = cols,
                          .stride = cols };
}

static struct grid random_grid(struct bench *b, uint32_t rows, uint32_t cols)
{
    struct grid g = grid_new(b, rows, cols);
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        g.at[i] = random_float(b);
    return g;
}

// Multiples of unit, a power of two, up to 8 of it: their products and sums are exact in single precision.
static struct grid exact_grid(struct bench *b, uint32_t rows, uint32_t cols, float unit)
{
    struct grid g = grid_new(b, rows, cols);
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        g.at[i] = unit * ((float)rng_below(&b->rng, 17) - 8);
    return g;
}

static struct tensor upload(struct bench *b, struct grid g)
{
    assert_true(b->n_tensors < MOST_THINGS && g.stride == g.cols);
    struct tensor *t = &b->tensors[b->n_tensors];
    CHECK(b, alloc(b->engine, g.rows, g.cols, t, &b->err));
    b->n_tensors++;
    CHECK(b, upload(b->engine, *t, g.at, &b->err));
    return *t;
}

static struct tensor upload_row(struct bench *b, const float *values, uint32_t n)
{
    struct grid g = grid_new(b, 1, n);
    memcpy(g.at, values, n * sizeof *values);
    return upload(b, g);
}

static struct grid download(struct bench *b, struct tensor t)
{
    struct grid g = grid_new(b, t.rows, t.cols);
    CHECK(b, download(b->engine, t, g.at, &b->err));
    return g;
}

static struct index list_new(struct bench *b, const uint32_t *values, uint32_t n)
{
    assert_true(b->n_lists < MOST_THINGS);
    struct index *list = &b->lists[b->n_lists];
    CHECK(b, index_new(b->engine, values, n, list, &b->err));
    b->n_lists++;
    return *list;
}

// --- outputs ---

// An output inside of a larger tensor that is full of numbers.
struct target {
    struct tensor whole, out;
    struct grid before, old; // whole and out as they were
    uint32_t margin;
};

static struct target target_new(struct bench *b, uint32_t rows, uint32_t cols, uint32_t margin)
{
    struct target t = { .margin = margin };
    t.before = random_grid(b, rows + (margin ? 2 : 0), cols + 2 * margin);
    t.whole = upload(b, t.before);
    t.out = tensor_cols(tensor_rows(t.whole, margin ? 1 : 0, rows), margin, cols);
    t.old = grid_cols(grid_rows(t.before, margin ? 1 : 0, rows), margin, cols);
    return t;
}

// What the output holds now; fails if anything around it has changed.
static struct grid target_read(struct bench *b, const struct target *t, const char *what)
{
    struct grid now = download(b, t->whole);
    uint32_t top = t->margin ? 1 : 0;
    for (uint32_t i = 0; i < now.rows; i++)
        for (uint32_t c = 0; c < now.cols; c++) {
            bool inside = i >= top && i - top < t->out.rows && c >= t->margin
                          && c - t->margin < t->out.cols;
            float found = grid_row(now, i)[c], expected = grid_row(t->before, i)[c];
            if (!inside && memcmp(&found, &expected, sizeof found) != 0)
                fail_msg("%s: %s (%u, %u): wrote outside at [%u][%u] of (%u, %u): found %.9g, "
                         "expected %.9g",
                         b->device, what, t->out.rows, t->out.cols, i, c, now.rows, now.cols,
                         (double)found, (double)expected);
        }
    return grid_cols(grid_rows(now, top, t->out.rows), t->margin, t->out.cols);
}

// How a row found alone differs from the same row found among others, relative to the size of its terms.
struct alone {
    double worst;
    bool same_bits;
};

static void compare_alone(struct alone *a, struct grid one, struct grid all, const struct ref *size,
                          uint32_t row)
{
    for (uint32_t c = 0; c < all.cols; c++) {
        float x = grid_row(one, 0)[c], y = grid_row(all, row)[c];
        double off = fabs((double)x - (double)y);
        a->same_bits &= memcmp(&x, &y, sizeof x) == 0;
        a->worst = fmax(a->worst, off == 0 ? 0 : off / size[(size_t)row * all.cols + c].size);
    }
}

static void report_alone(const struct bench *b, const char *what, const struct alone *a)
{
    if (!(a->worst <= 1e-6))
        fail_msg("%s: %s: a row alone differs from itself among others by %.3g, allowed 1e-6",
                 b->device, what, a->worst);
    print_message("%s: %s: a row alone and among others: %s (%.1e)\n", b->device, what,
                  a->same_bits ? "same bits" : "bits differ", a->worst);
}

// --- weights ---

struct matrix {
    struct grid values; // (k, n)
    bool out_in;
    uint32_t next, n_reads; // file rows read so far, in how many blocks
    bool fails;
};

static bool read_matrix(void *context, uint32_t first, uint32_t count, float *out,
                        struct abl_err *err)
{
    struct matrix *m = context;
    uint32_t rows = m->out_in ? m->values.cols : m->values.rows;
    uint32_t cols = m->out_in ? m->values.rows : m->values.cols;
    m->n_reads++;
    if (m->fails)
        return abl_fail(err, ABL_BAD_MODEL, "the disk is gone");
    if (count == 0 || first > rows || count > rows - first)
        return abl_fail(err, ABL_FAILED, "read of rows %u + %u of %u", first, count, rows);
    m->next = first == m->next ? first + count : UINT32_MAX;
    for (uint32_t i = first; i < first + count; i++)
        for (uint32_t c = 0; c < cols; c++)
            *out++ = m->out_in ? grid_row(m->values, c)[i] : grid_row(m->values, i)[c];
    return true;
}

static struct matrix_source source_of(struct matrix *m)
{
    return (struct matrix_source){ .k = m->values.rows,
                                   .n = m->values.cols,
                                   .out_in = m->out_in,
                                   .read = read_matrix,
                                   .context = m };
}

static struct weight *load(struct bench *b, struct matrix *m)
{
    assert_true(b->n_weights < MOST_THINGS);
    struct matrix_source source = source_of(m);
    CHECK(b, weight_new(b->engine, &source, &b->weights[b->n_weights], &b->err));
    assert_int_equal(m->next, m->out_in ? m->values.cols : m->values.rows);
    return b->weights[b->n_weights++];
}

static struct weight *load_grid(struct bench *b, struct grid values, bool out_in)
{
    struct matrix m = { .values = values, .out_in = out_in };
    return load(b, &m);
}

// --- memory ---

static void what_is_uploaded_comes_back_through_views(void **state)
{
    struct bench *b = begin(state);
    static const uint32_t sizes[][2] = { { 1, 1 }, { 7, 5 }, { 33, 64 }, { 3, 2053 } };
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < MARGINS; k++) {
            struct target t = target_new(b, sizes[i][0], sizes[i][1], margins[k]);
            struct grid g = random_grid(b, sizes[i][0], sizes[i][1]);
            CHECK(b, upload(b->engine, t.out, g.at, &b->err));
            struct grid found = target_read(b, &t, "upload"), view = download(b, t.out);
            for (uint32_t r = 0; r < g.rows; r++) {
                assert_memory_equal(grid_row(found, r), grid_row(g, r), g.cols * sizeof(float));
                assert_memory_equal(grid_row(view, r), grid_row(g, r), g.cols * sizeof(float));
            }
            CHECK(b, finish(b->engine, &b->err));
            clear(b);
        }
}

// --- norm ---

// Tolerance 1e-5 of (|x| + |mean|) / sd * |gain| + |bias|: one may sum in single precision.
static void norm_is_layer_norm(void **state)
{
    struct bench *b = begin(state);
    static const uint32_t cols[] = { 1, 5, 12, 60, 64, 176, 768, 2053 };
    static const uint32_t rows[] = { 1, 2, 7, 22, 33, 130 };
    for (uint32_t i = 0; i < 8 * 6; i++) {
        uint32_t m = rows[i % 6], n = cols[i / 6], margin = margins[i % MARGINS];
        const float *gain = random_grid(b, 1, n).at, *bias = i % 2 ? random_grid(b, 1, n).at : NULL;
        struct target x = target_new(b, m, n, margins[i / 3 % MARGINS]);
        struct target out = target_new(b, m, n, margin);
        struct ref *expected = refs(b, m, n);
        for (uint32_t r = 0; r < m; r++)
            for (uint32_t c = 0; c < n; c++)
                x.old.at[r * x.old.stride + c] += (float)(i % 4) * 10; // far from a mean of 0
        CHECK(b, upload(b->engine, x.whole, x.before.at, &b->err));
        ref_norm(x.old, gain, bias, 1e-5, expected);
        struct norm_args args = { .gain = upload_row(b, gain, n), .eps = 1e-5f, .groups = 1 };
        if (bias)
            args.bias = upload_row(b, bias, n);
        CHECK(b, norm(b->engine, out.out, x.out, &args, &b->err));
        ref_check(target_read(b, &out, "norm"), expected, 1e-5, "%s: norm (%u, %u), bias %d",
                  b->device, m, n, bias != NULL);
        clear(b);
    }
}

// --- linear ---

enum { N_SHAPES = 6, N_HEIGHTS = 6 };
static const uint32_t shapes[N_SHAPES][2]
    = { { 60, 180 }, { 60, 176 }, { 176, 60 }, { 128, 384 }, { 12, 5 }, { 64, 2053 } };
static const uint32_t heights[N_HEIGHTS] = { 1, 2, 7, 22, 33, MOST_ROWS };

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
    struct grid w = random_grid(b, l.k, l.n);
    l.x = random_grid(b, MOST_ROWS, l.k);
    l.bias = random_grid(b, 1, l.n).at;
    l.product = refs(b, MOST_ROWS, l.n);
    ref_product(l.x, w, l.product);
    l.x_device = upload(b, l.x);
    l.bias_device = upload_row(b, l.bias, l.n);
    l.w = load_grid(b, w, shape % 2);
    return l;
}

// The last m rows of x. Tolerance 1e-6 of Σ |x w| + |bias| + |old|, which is about 1e-5 of a typical product.
static void linear_once(struct bench *b, const struct linear_case *l, uint32_t m,
                        const struct finish *f, uint32_t margin)
{
    struct target out = target_new(b, m, l->n, margin);
    struct ref *expected = refs(b, m, l->n);
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
    b->engine->ops->release(b->engine, &b->tensors[--b->n_tensors]);
}

static void linear_is_the_product_with_each_epilogue(void **state)
{
    struct bench *b = begin(state);
    for (uint32_t shape = 0; shape < N_SHAPES; shape++) {
        struct linear_case l = linear_case_new(b, shape);
        for (uint32_t i = 0; i < N_HEIGHTS * N_FINISHES; i++)
            linear_once(b, &l, heights[i % N_HEIGHTS], &finishes[i / N_HEIGHTS],
                        margins[(i + i / N_HEIGHTS + shape) % MARGINS]);
        clear(b);
    }
}

static void linear_reads_columns_of_a_wider_tensor(void **state)
{
    struct bench *b = begin(state);
    for (uint32_t i = 0; i < 2 * MARGINS; i++) {
        uint32_t k = 60, n = 36, m = i < MARGINS ? 1 : 22;
        struct target x = target_new(b, m, k, margins[i % MARGINS]), out = target_new(b, m, n, 0);
        struct grid w = random_grid(b, k, n);
        struct ref *expected = refs(b, m, n);
        ref_product(x.old, w, expected);
        CHECK(b, linear(b->engine, out.out, x.out, load_grid(b, w, false), &(struct epilogue){ 0 },
                        &b->err));
        ref_check(target_read(b, &out, "linear"), expected, 1e-6,
                  "%s: linear of columns, margin %u", b->device, x.margin);
        clear(b);
    }
}

// 9 MB: more than an engine takes in one block.
static void weights_are_read_in_blocks_in_both_layouts(void **state)
{
    struct bench *b = begin(state);
    for (int out_in = 0; out_in < 2; out_in++) {
        struct matrix m = { .values = random_grid(b, 1100, 2053), .out_in = out_in };
        struct target out = target_new(b, 2, 2053, 0);
        struct grid x = random_grid(b, 2, 1100);
        struct ref *expected = refs(b, 2, 2053);
        ref_product(x, m.values, expected);
        struct weight *w = load(b, &m);
        assert_true(m.n_reads > 1);
        CHECK(b, linear(b->engine, out.out, upload(b, x), w, &(struct epilogue){ 0 }, &b->err));
        ref_check(target_read(b, &out, "linear"), expected, 1e-6,
                  "%s: linear k 1100 n 2053, out_in %d, %u reads", b->device, out_in, m.n_reads);
        clear(b);
    }
}

static void weight_that_cannot_be_read_is_an_error(void **state)
{
    struct bench *b = begin(state);
    struct matrix m = { .values = random_grid(b, 12, 5), .fails = true };
    struct matrix_source source = source_of(&m);
    struct weight *w;
    assert_false(b->engine->ops->weight_new(b->engine, &source, &w, &b->err));
    assert_int_equal(b->err.code, ABL_BAD_MODEL);
    assert_non_null(strstr(b->err.text, "the disk is gone"));
}

static void linear_rows_do_not_depend_on_each_other(void **state)
{
    struct bench *b = begin(state);
    for (uint32_t shape = 0; shape < N_SHAPES; shape++) {
        struct linear_case l = linear_case_new(b, shape);
        struct target out = target_new(b, MOST_ROWS, l.n, 0), one = target_new(b, 1, l.n, 0);
        struct epilogue none = { 0 };
        struct alone a = { .same_bits = true };
        char what[64];
        CHECK(b, linear(b->engine, out.out, l.x_device, l.w, &none, &b->err));
        struct grid all = download(b, out.out);
        for (uint32_t r = 0; r < MOST_ROWS; r += 43) {
            CHECK(b,
                  linear(b->engine, one.out, tensor_rows(l.x_device, r, 1), l.w, &none, &b->err));
            compare_alone(&a, download(b, one.out), all, l.product, r);
        }
        snprintf(what, sizeof what, "linear k %u n %u", l.k, l.n);
        report_alone(b, what, &a);
        clear(b);
    }
}

// --- attend ---

struct attend_case {
    uint32_t d_head, n_heads, n_kv_heads;
    bool fused; // q, k and v are columns of one tensor
    float scale;
};

enum { QUERIES = 21, KEYS = 37 };

// Query 0 sees one row, query 1 seventy with repeats; the others share the first rows and go on by themselves.
static uint32_t ragged_contexts(struct bench *b, uint32_t *start, uint32_t *rows)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < QUERIES; i++) {
        uint32_t length = i == 0 ? 1 : i == 1 ? 70 : 1 + rng_below(&b->rng, KEYS);
        start[i] = n;
        for (uint32_t c = 0; c < length; c++)
            rows[n++] = i > 1 && c < 9 ? c : rng_below(&b->rng, KEYS);
    }
    start[QUERIES] = n;
    return n;
}

struct attend_pair {
    struct attend_args args;
    struct ref_attend ref;
};

static struct attend_pair attend_pair_new(struct bench *b, const struct attend_case *c)
{
    uint32_t q_cols = c->n_heads * c->d_head, kv_cols = c->n_kv_heads * c->d_head;
    uint32_t *start = host(b, QUERIES + 1, sizeof *start);
    uint32_t *rows = host(b, (size_t)QUERIES * 2 * KEYS, sizeof *rows);
    uint32_t n = ragged_contexts(b, start, rows);
    struct attend_pair p = { .ref = { .start = start,
                                      .rows = rows,
                                      .n_heads = c->n_heads,
                                      .n_kv_heads = c->n_kv_heads,
                                      .d_head = c->d_head,
                                      .scale = (double)c->scale },
                             .args = { .contexts = { .start = list_new(b, start, QUERIES + 1),
                                                     .rows = list_new(b, rows, n) },
                                       .n_heads = c->n_heads,
                                       .n_kv_heads = c->n_kv_heads,
                                       .d_head = c->d_head,
                                       .scale = c->scale } };
    struct grid all = random_grid(b, KEYS, q_cols + 2 * kv_cols);
    struct tensor t = upload(b, all);
    p.ref.q = grid_rows(grid_cols(all, 0, q_cols), 5, QUERIES);
    p.ref.k = grid_cols(all, q_cols, kv_cols);
    p.ref.v = grid_cols(all, q_cols + kv_cols, kv_cols);
    p.args.q = tensor_rows(tensor_cols(t, 0, q_cols), 5, QUERIES);
    p.args.k = tensor_cols(t, q_cols, kv_cols);
    p.args.v = tensor_cols(t, q_cols + kv_cols, kv_cols);
    if (!c->fused) {
        p.ref.k = random_grid(b, KEYS, kv_cols);
        p.ref.v = random_grid(b, KEYS, kv_cols);
        p.args.k = upload(b, p.ref.k);
        p.args.v = upload(b, p.ref.v);
    }
    return p;
}

// Tolerance 2e-6 of Σ p |v| (1 + largest Σ |scale q k|).
static void attend_is_softmax_over_each_context(void **state)
{
    struct bench *b = begin(state);
    static const uint32_t d_heads[] = { 1, 3, 5, 12, 16, 64, 80 };
    static const uint32_t ratios[] = { 1, 2, 4 };
    for (uint32_t i = 0; i < 7 * 3 * 2; i++) {
        struct attend_case c = { .d_head = d_heads[i / 6],
                                 .n_heads = 4,
                                 .n_kv_heads = 4 / ratios[i % 3],
                                 .fused = i / 3 % 2,
                                 .scale = i % 5 == 0 ? 8 : 1 / sqrtf((float)d_heads[i / 6]) };
        struct attend_pair p = attend_pair_new(b, &c);
        uint32_t cols = c.n_heads * c.d_head;
        struct target z = target_new(b, QUERIES, cols, margins[i % MARGINS]);
        struct ref *expected = refs(b, QUERIES, cols);
        ref_attend(&p.ref, expected);
        CHECK(b, attend(b->engine, z.out, &p.args, &b->err));
        ref_check(target_read(b, &z, "attend"), expected, 2e-6,
                  "%s: attend d_head %u, heads %u:%u, fused %d, margin %u", b->device, c.d_head,
                  c.n_heads, c.n_kv_heads, c.fused, z.margin);
        clear(b);
    }
}

static void attend_rows_do_not_depend_on_each_other(void **state)
{
    struct bench *b = begin(state);
    struct attend_case c
        = { .d_head = 12, .n_heads = 4, .n_kv_heads = 2, .fused = true, .scale = 0.3f };
    struct attend_pair p = attend_pair_new(b, &c);
    struct target z = target_new(b, QUERIES, 48, 0), one = target_new(b, 1, 48, 0);
    struct ref *expected = refs(b, QUERIES, 48);
    struct alone a = { .same_bits = true };
    ref_attend(&p.ref, expected);
    CHECK(b, attend(b->engine, z.out, &p.args, &b->err));
    struct grid all = download(b, z.out);
    for (uint32_t r = 0; r < QUERIES; r++) {
        struct attend_args args = p.args;
        uint32_t n = p.ref.start[r + 1] - p.ref.start[r], start[2] = { 0, n };
        args.q = tensor_rows(args.q, r, 1);
        args.contexts.start = list_new(b, start, 2);
        args.contexts.rows = list_new(b, p.ref.rows + p.ref.start[r], n);
        CHECK(b, attend(b->engine, one.out, &args, &b->err));
        compare_alone(&a, download(b, one.out), all, expected, r);
    }
    report_alone(b, "attend", &a);
}

static void attend_takes_the_first_queries_of_longer_lists(void **state)
{
    struct bench *b = begin(state);
    struct attend_case c
        = { .d_head = 5, .n_heads = 2, .n_kv_heads = 2, .fused = true, .scale = 0.4f };
    struct attend_pair p = attend_pair_new(b, &c);
    struct target z = target_new(b, 6, 10, 3);
    struct ref *expected = refs(b, QUERIES, 10);
    ref_attend(&p.ref, expected);
    p.args.q.rows = 6;
    p.args.contexts.start.count = 7;
    p.args.contexts.rows.count = p.ref.start[6];
    CHECK(b, attend(b->engine, z.out, &p.args, &b->err));
    ref_check(target_read(b, &z, "attend"), expected, 2e-6, "%s: attend of 6 of %d queries",
              b->device, QUERIES);
}

// --- gather ---

static void gather_copies_rows_with_repeats(void **state)
{
    struct bench *b = begin(state);
    static const uint32_t cols[] = { 1, 5, 12, 60, 768 };
    enum { COUNT = 45, TAKEN = 33 };
    for (uint32_t i = 0; i < 5 * MARGINS; i++) {
        uint32_t n = cols[i / MARGINS], list[COUNT];
        for (uint32_t r = 0; r < COUNT; r++)
            list[r] = r % 5 == 4 ? list[r - 1] : rng_below(&b->rng, 22);
        struct target x = target_new(b, 22, n, margins[(i + 1) % MARGINS]);
        struct target out = target_new(b, TAKEN, n, margins[i % MARGINS]);
        struct index rows = list_new(b, list, COUNT);
        rows.count = TAKEN;
        CHECK(b, gather(b->engine, out.out, x.out, rows, &b->err));
        struct grid found = target_read(b, &out, "gather");
        for (uint32_t r = 0; r < TAKEN; r++)
            if (memcmp(grid_row(found, r), grid_row(x.old, list[r]), n * sizeof(float)) != 0)
                fail_msg("%s: gather of %u columns: row %u is not row %u of x", b->device, n, r,
                         list[r]);
        clear(b);
    }
}

// --- edit ---

// Columns in units, so that one list serves for odd columns and for whole vectors.
static const struct row_edit edit_kinds[] = {
    { .row = 0, .first_col = 0, .n_cols = 12, .keep = 0, .add = 0 },
    { .row = 1, .first_col = 0, .n_cols = 5, .keep = 0, .add = 1, .source_row = 3 },
    { .row = 1, .first_col = 5, .n_cols = 7, .keep = 1, .add = 0, .source_row = 4 },
    { .row = 2,
      .first_col = 3,
      .n_cols = 2,
      .keep = 0.5f,
      .add = 0.25f,
      .source_row = 1,
      .source_col = 6 },
    { .row = 2,
      .first_col = 7,
      .n_cols = 5,
      .keep = 0,
      .add = -2,
      .source_row = 0,
      .source_col = 1 },
    { .row = 4,
      .first_col = 11,
      .n_cols = 1,
      .keep = 1,
      .add = 1,
      .source_row = 3,
      .source_col = 7 },
    { .row = 5, .first_col = 1, .n_cols = 4, .keep = -1.5f, .add = 0 },
    { .row = 8, .first_col = 0, .n_cols = 8, .keep = 1, .add = -1, .source_row = 0 },
    { .row = 6, .first_col = 2, .n_cols = 9, .keep = 0, .add = 0, .source_row = 4 },
};
enum { N_EDITS = sizeof edit_kinds / sizeof *edit_kinds, EDIT_ROWS = 9, EDIT_COLS = 12 };

static void set_row(struct grid g, uint32_t row, uint32_t first, uint32_t n, float value)
{
    for (uint32_t c = first; c < first + n; c++)
        g.at[row * g.stride + c] = value;
}

static void edit_once(struct bench *b, uint32_t unit, uint32_t margin, bool with_source)
{
    struct target x = target_new(b, EDIT_ROWS, EDIT_COLS * unit, margin);
    struct target from = target_new(b, 5, 8 * unit, margin);
    struct ref *expected = refs(b, EDIT_ROWS, EDIT_COLS * unit);
    struct row_edit edits[N_EDITS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_EDITS; i++)
        if (with_source || edit_kinds[i].add == 0) {
            edits[n] = edit_kinds[i];
            edits[n].first_col *= unit;
            edits[n].n_cols *= unit;
            edits[n++].source_col *= unit;
        }
    set_row(x.old, 0, 0, EDIT_COLS * unit, NAN); // set to zero
    set_row(x.old, 6, 2 * unit, 9 * unit, INFINITY);
    if (with_source)
        set_row(x.old, 1, 0, 5 * unit, NAN); // replaced
    set_row(from.old, 4, 0, 8 * unit, NAN);  // its edits add nothing
    CHECK(b, upload(b->engine, x.whole, x.before.at, &b->err));
    CHECK(b, upload(b->engine, from.whole, from.before.at, &b->err));
    for (uint32_t r = 0; r < EDIT_ROWS; r++)
        for (uint32_t c = 0; c < EDIT_COLS * unit; c++) {
            double v = (double)grid_row(x.old, r)[c];
            expected[r * EDIT_COLS * unit + c] = (struct ref){ .value = v, .size = 0 };
        }
    ref_edit(expected, EDIT_COLS * unit, edits, n, from.old);
    CHECK(b,
          edit(b->engine, x.out, edits, n, with_source ? from.out : (struct tensor){ 0 }, &b->err));
    ref_check(target_read(b, &x, "edit"), expected, 2e-7,
              "%s: edit in units of %u, margin %u, source %d", b->device, unit, margin,
              with_source);
    clear(b);
}

// Tolerance 2e-7 of |keep x| + |add s|; exact where no edit is.
static void edits_keep_and_add_what_they_say(void **state)
{
    struct bench *b = begin(state);
    for (uint32_t i = 0; i < 2 * 2 * MARGINS; i++)
        edit_once(b, i % 2 ? 4 : 1, margins[i / 2 % MARGINS], i / 2 / MARGINS);
}

static void many_edits_go_at_once(void **state)
{
    struct bench *b = begin(state);
    enum { MANY = 6000, COLS = 3 };
    struct target x = target_new(b, MANY, COLS, 0), from = target_new(b, 7, COLS, 0);
    struct row_edit *edits = host(b, MANY, sizeof *edits);
    struct ref *expected = refs(b, MANY, COLS);
    for (uint32_t i = 0; i < MANY; i++) {
        edits[i] = (struct row_edit){ .row = MANY - 1 - i,
                                      .first_col = i % COLS,
                                      .n_cols = 1,
                                      .source_row = i % 7,
                                      .source_col = i % 2,
                                      .keep = (float)(i % 4) / 2,
                                      .add = (float)(i % 3) };
        for (uint32_t c = 0; c < COLS; c++)
            expected[i * COLS + c].value = (double)grid_row(x.old, i)[c];
    }
    ref_edit(expected, COLS, edits, MANY, from.old);
    CHECK(b, edit(b->engine, x.out, edits, MANY, from.out, &b->err));
    ref_check(target_read(b, &x, "edit"), expected, 2e-7, "%s: %d edits", b->device, MANY);
}

// --- readout ---

struct reading {
    struct grid x, base; // base.at NULL: none
    struct ref *logits, *base_logits;
    struct tensor x_device, base_device;
    struct weight *w;
    struct readout_row *asks;
    struct row_stats *stats;
    uint32_t n;
};

// rows 0: no base.
static struct reading reading_new(struct bench *b, struct grid x, struct grid w, uint32_t n_base)
{
    struct reading r = { .x = x, .n = w.cols };
    r.logits = refs(b, x.rows, w.cols);
    ref_product(x, w, r.logits);
    r.x_device = upload(b, x);
    r.w = load_grid(b, w, true);
    if (n_base) {
        r.base = grid_new(b, n_base, x.cols); // some rows of x, changed a little
        for (uint32_t i = 0; i < n_base; i++)
            memcpy(r.base.at + i * r.base.stride, grid_row(x, i * 7 % x.rows),
                   x.cols * sizeof(float));
        for (uint32_t i = 1; i < n_base; i += 2)
            r.base.at[i * r.base.stride + i % x.cols] *= -1;
        r.base_logits = refs(b, n_base, w.cols);
        ref_product(r.base, w, r.base_logits);
        r.base_device = upload(b, r.base);
    }
    r.asks = host(b, x.rows, sizeof *r.asks);
    r.stats = host(b, x.rows, sizeof *r.stats);
    for (uint32_t i = 0; i < x.rows; i++)
        r.asks[i] = (struct readout_row){ .target = rng_below(&b->rng, r.n),
                                          .foil = rng_below(&b->rng, r.n),
                                          .base = n_base ? i * n_base / x.rows : 0 };
    r.asks[0].target = r.n - 1;
    r.asks[x.rows - 1].target = 0;
    return r;
}

static void read_and_check(struct bench *b, struct reading *r, double tolerance, double slack,
                           const char *what)
{
    CHECK(b, readout(b->engine, r->x_device, r->w, r->base_device, r->asks, r->stats, &b->err));
    for (uint32_t i = 0; i < r->x.rows; i++) {
        const struct ref *logits = r->logits + (size_t)i * r->n;
        const struct ref *base
            = r->base.at ? r->base_logits + (size_t)r->asks[i].base * r->n : NULL;
        struct ref_stats expected;
        ref_readout(logits, base, r->n, &r->asks[i], slack, &expected);
        ref_check_stats(&r->stats[i], &expected, logits, tolerance, slack,
                        "%s: readout of %s: row %u of %u, k %u, n %u, base rows %u", b->device,
                        what, i, r->x.rows, r->x.cols, r->n, r->base.rows);
    }
}

// Logits are exact, so that many tokens are equal: rank counts only those above, argmax is the lowest id.
static void readout_ranks_equal_logits_by_the_rule(void **state)
{
    struct bench *b = begin(state);
    static const uint32_t n[] = { 5, 12, 180, 2053 };
    for (uint32_t i = 0; i < 4; i++) {
        struct grid x = exact_grid(b, 33, 12, 0.125f), w = exact_grid(b, 12, n[i], 0.125f);
        memset(x.at, 0, 12 * sizeof(float)); // row 0: all logits are 0
        struct reading r = reading_new(b, x, w, i % 2 ? 9 : 0);
        read_and_check(b, &r, 2e-6, 0, "ties");
        assert_int_equal(r.stats[0].rank, 0);
        assert_int_equal(r.stats[0].argmax, 0);
        clear(b);
    }
}

static void readout_of_small_and_large_batches(void **state)
{
    struct bench *b = begin(state);
    for (uint32_t i = 0; i < 2 * N_HEIGHTS; i++) {
        uint32_t m = heights[i / 2];
        struct grid x = random_grid(b, m, 64), w = random_grid(b, 64, 2053);
        struct reading r = reading_new(b, x, w, i % 2 ? (m + 2) / 3 : 0);
        read_and_check(b, &r, 1e-5, 3e-5, "random logits");
        clear(b);
    }
}

static void readout_of_logits_as_large_as_80(void **state)
{
    struct bench *b = begin(state);
    struct grid x = exact_grid(b, 22, 12, 0.125f), w = exact_grid(b, 12, 2053, 4.0f);
    double most = 0;
    struct reading r = reading_new(b, x, w, 22);
    for (size_t i = 0; i < (size_t)22 * 2053; i++)
        most = fmax(most, fabs(r.logits[i].value));
    assert_true(most >= 80);
    read_and_check(b, &r, 2e-6, 0, "large logits");
}

static void kl_of_an_equal_base_is_zero(void **state)
{
    struct bench *b = begin(state);
    struct grid x = random_grid(b, 33, 64), w = random_grid(b, 64, 2053);
    struct reading r = reading_new(b, x, w, 0);
    r.base = x;
    r.base_logits = r.logits;
    r.base_device = upload(b, x);
    for (uint32_t i = 0; i < 33; i++)
        r.asks[i].base = i;
    read_and_check(b, &r, 1e-5, 3e-5, "an equal base");
    for (uint32_t i = 0; i < 33; i++)
        if (!(fabs((double)r.stats[i].kl) <= 2e-6))
            fail_msg("%s: kl of row %u with itself: found %.9g, expected 0, allowed 2e-6",
                     b->device, i, (double)r.stats[i].kl);
}

// 130 rows and 44 of base, of 120001 logits each, do not fit an engine's scratch at once.
static void readout_in_blocks_is_the_same(void **state)
{
    struct bench *b = begin(state);
    struct grid x = exact_grid(b, MOST_ROWS, 5, 0.125f), w = exact_grid(b, 5, 120001, 0.5f);
    struct reading r = reading_new(b, x, w, 44);
    read_and_check(b, &r, 2e-6, 0, "several blocks");
}

static void readout_takes_views_and_skips_base_rows(void **state)
{
    struct bench *b = begin(state);
    struct grid x = exact_grid(b, 22, 12, 0.125f), w = exact_grid(b, 12, 180, 0.125f);
    struct reading r = reading_new(b, x, w, 22);
    struct grid base = r.base;
    enum { FIRST = 5, ROWS = 4 };
    static const uint32_t rows[ROWS] = { 2, 2, 9, 14 };
    r.x = grid_rows(x, FIRST, ROWS);
    r.x_device = tensor_rows(r.x_device, FIRST, ROWS);
    r.logits += (size_t)FIRST * r.n;
    r.base = grid_rows(base, 1, 15);
    r.base_device = tensor_rows(r.base_device, 1, 15);
    r.base_logits += r.n;
    for (uint32_t i = 0; i < ROWS; i++)
        r.asks[i].base = rows[i];
    read_and_check(b, &r, 2e-6, 0, "views");
}

static void readout_rows_do_not_depend_on_each_other(void **state)
{
    struct bench *b = begin(state);
    struct grid x = random_grid(b, 33, 64), w = random_grid(b, 64, 2053);
    struct reading r = reading_new(b, x, w, 11);
    read_and_check(b, &r, 1e-5, 3e-5, "a batch");
    struct alone a = { .same_bits = true };
    for (uint32_t i = 0; i < 33; i++) {
        struct row_stats one;
        CHECK(b, readout(b->engine, tensor_rows(r.x_device, i, 1), r.w, r.base_device, &r.asks[i],
                         &one, &b->err));
        float alone[] = { one.target_logit, one.foil_logit, one.lse, one.entropy, one.kl };
        float among[] = { r.stats[i].target_logit, r.stats[i].foil_logit, r.stats[i].lse,
                          r.stats[i].entropy, r.stats[i].kl };
        struct ref sizes[] = { { 0, 16 }, { 0, 16 }, { 0, 16 }, { 0, 16 }, { 0, 16 } };
        compare_alone(&a, (struct grid){ .at = alone, .rows = 1, .cols = 5, .stride = 5 },
                      (struct grid){ .at = among, .rows = 1, .cols = 5, .stride = 5 }, sizes, 0);
    }
    report_alone(b, "readout", &a);
}

// --- one group for each device ---

static struct bench the_bench; // cmocka's group setup takes no argument

static bool device_is_missing(const char *name)
{
    struct device_info *list;
    size_t n;
    char note[512];
    struct abl_err err;
    if (strncmp(name, "vulkan", 6) != 0 || !vulkan_device_list(&list, &n, note, sizeof note, &err))
        return false;
    free(list);
    if (n == 0)
        print_message("%s: %s\n", name, note);
    return n == 0;
}

static int open_bench(void **state)
{
    struct bench *b = &the_bench;
    b->missing = device_is_missing(b->device);
    if (!b->missing && !engine_open(b->device, 0, &b->engine, &b->err)) {
        print_error("%s: %s\n", b->device, b->err.text);
        return -1;
    }
    if (!b->missing)
        print_message("%s: %s, %s\n", b->device, b->engine->info.name, b->engine->info.driver);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;
    if (b->engine)
        b->engine->ops->free(b->engine);
    *b = (struct bench){ 0 };
    return 0;
}

static int clear_bench(void **state)
{
    struct bench *b = *state;
    clear(b);
    return 0;
}

static int test_device(const char *device)
{
#define TEST(name) cmocka_unit_test_teardown(name, clear_bench)
    const struct CMUnitTest tests[] = {
        TEST(what_is_uploaded_comes_back_through_views),
        TEST(norm_is_layer_norm),
        TEST(linear_is_the_product_with_each_epilogue),
        TEST(linear_reads_columns_of_a_wider_tensor),
        TEST(weights_are_read_in_blocks_in_both_layouts),
        TEST(weight_that_cannot_be_read_is_an_error),
        TEST(linear_rows_do_not_depend_on_each_other),
        TEST(attend_is_softmax_over_each_context),
        TEST(attend_rows_do_not_depend_on_each_other),
        TEST(attend_takes_the_first_queries_of_longer_lists),
        TEST(gather_copies_rows_with_repeats),
        TEST(edits_keep_and_add_what_they_say),
        TEST(many_edits_go_at_once),
        TEST(readout_ranks_equal_logits_by_the_rule),
        TEST(readout_of_small_and_large_batches),
        TEST(readout_of_logits_as_large_as_80),
        TEST(kl_of_an_equal_base_is_zero),
        TEST(readout_in_blocks_is_the_same),
        TEST(readout_takes_views_and_skips_base_rows),
        TEST(readout_rows_do_not_depend_on_each_other),
    };
    the_bench.device = device;
    return cmocka_run_group_tests_name(device, tests, open_bench, close_bench);
}

int main(void)
{
    const char *wanted = getenv("ABLTUI_TEST_DEVICES");
    char *names = strdup(wanted ? wanted : "cpu vulkan"), *rest = names;
    int failed = 0;
    if (!names)
        return 1;
    for (char *name; (name = strsep(&rest, " ,"));)
        if (name[0])
            failed += test_device(name);
    free(names);
    return failed > 0;
}
