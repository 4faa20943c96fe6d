#include "tests/support/bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/names.h"
#include "engine/f16.h"
#include "format/half.h"

const uint32_t bench_margins[MARGINS] = { 0, 4, 3 };
const uint32_t bench_heights[N_HEIGHTS] = { 1, 2, 7, 22, 33, MOST_ROWS };

void bench_check(const struct bench *b, bool ok, const char *what, int line)
{
    if (!ok)
        fail_msg("%s: line %d: %s failed: %s", b->device, line, what, b->err.text);
}

void *bench_host(struct bench *b, size_t n, size_t size)
{
    void *p = arena_alloc(&b->arena, n, size);
    assert_non_null(p);
    return p;
}

struct ref *bench_refs(struct bench *b, size_t rows, size_t cols)
{
    return bench_host(b, rows * cols, sizeof(struct ref));
}

void bench_clear(struct bench *b)
{
    while (b->n_tensors)
        b->engine->ops->release(b->engine, &b->tensors[--b->n_tensors]);
    while (b->n_lists)
        b->engine->ops->index_release(b->engine, &b->lists[--b->n_lists]);
    while (b->n_weights)
        b->engine->ops->weight_free(b->engine, b->weights[--b->n_weights]);
    arena_release(&b->arena);
}

struct bench *bench_begin(void **state)
{
    struct bench *b = *state;
    if (b->missing)
        skip();
    rng_seed(&b->rng, 20240613);
    return b;
}

float bench_float(struct bench *b)
{
    return (float)((double)(rng_next(&b->rng) >> 11) * 0x1p-52 - 1.0);
}

struct grid bench_grid(struct bench *b, uint32_t rows, uint32_t cols)
{
    return (struct grid){ .at = bench_host(b, (size_t)rows * cols, sizeof(float)),
                          .rows = rows,
                          .cols = cols,
                          .stride = cols };
}

struct grid bench_random(struct bench *b, uint32_t rows, uint32_t cols)
{
    struct grid g = bench_grid(b, rows, cols);
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        g.at[i] = bench_float(b);
    return g;
}

struct grid bench_halves(struct bench *b, uint32_t rows, uint32_t cols)
{
    struct grid g = bench_random(b, rows, cols);
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        g.at[i] = half_to_float(f16_round(g.at[i]));
    return g;
}

struct grid bench_exact(struct bench *b, uint32_t rows, uint32_t cols, float unit)
{
    struct grid g = bench_grid(b, rows, cols);
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        g.at[i] = unit * ((float)rng_below(&b->rng, 17) - 8);
    return g;
}

struct tensor bench_tensor(struct bench *b, uint32_t rows, uint32_t cols)
{
    assert_true(b->n_tensors < MOST_THINGS);
    CHECK(b, alloc(b->engine, rows, cols, &b->tensors[b->n_tensors], &b->err));
    return b->tensors[b->n_tensors++];
}

struct tensor bench_upload(struct bench *b, struct grid g)
{
    assert_true(g.stride == g.cols);
    struct tensor t = bench_tensor(b, g.rows, g.cols);
    CHECK(b, upload(b->engine, t, g.at, &b->err));
    return t;
}

struct tensor bench_upload_row(struct bench *b, const float *values, uint32_t n)
{
    struct grid g = bench_grid(b, 1, n);
    memcpy(g.at, values, n * sizeof *values);
    return bench_upload(b, g);
}

struct grid bench_download(struct bench *b, struct tensor t)
{
    struct grid g = bench_grid(b, t.rows, t.cols);
    CHECK(b, download(b->engine, t, g.at, &b->err));
    return g;
}

struct index bench_list(struct bench *b, const uint32_t *values, uint32_t n)
{
    assert_true(b->n_lists < MOST_THINGS);
    struct index *list = &b->lists[b->n_lists];
    CHECK(b, index_new(b->engine, values, n, list, &b->err));
    b->n_lists++;
    return *list;
}

void bench_release_last(struct bench *b)
{
    b->engine->ops->release(b->engine, &b->tensors[--b->n_tensors]);
}

// --- outputs ---

struct target target_new(struct bench *b, uint32_t rows, uint32_t cols, uint32_t margin)
{
    struct target t = { .margin = margin };
    t.before = bench_random(b, rows + (margin ? 2 : 0), cols + 2 * margin);
    t.whole = bench_upload(b, t.before);
    t.out = tensor_cols(tensor_rows(t.whole, margin ? 1 : 0, rows), margin, cols);
    t.old = grid_cols(grid_rows(t.before, margin ? 1 : 0, rows), margin, cols);
    return t;
}

struct grid target_read(struct bench *b, const struct target *t, const char *what)
{
    struct grid now = bench_download(b, t->whole);
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

void alone_compare(struct alone *a, struct grid one, struct grid all, const struct ref *size,
                   uint32_t row)
{
    for (uint32_t c = 0; c < all.cols; c++) {
        float x = grid_row(one, 0)[c], y = grid_row(all, row)[c];
        double off = fabs((double)x - (double)y);
        a->same_bits &= memcmp(&x, &y, sizeof x) == 0;
        a->worst = fmax(a->worst, off == 0 ? 0 : off / size[(size_t)row * all.cols + c].size);
    }
}

void alone_report(const struct bench *b, const char *what, const struct alone *a)
{
    if (!(a->worst <= 1e-6))
        fail_msg("%s: %s: a row alone differs from itself among others by %.3g, allowed 1e-6",
                 b->device, what, a->worst);
    print_message("%s: %s: a row alone and among others: %s (%.1e)\n", b->device, what,
                  a->same_bits ? "same bits" : "bits differ", a->worst);
}

// --- weights ---

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
    m->n_rows += count;
    for (uint32_t i = first; i < first + count; m->sum += i++)
        for (uint32_t c = 0; c < cols; c++)
            *out++ = m->out_in ? grid_row(m->values, c)[i] : grid_row(m->values, i)[c];
    return true;
}

struct matrix_source matrix_source(struct matrix *m)
{
    return (struct matrix_source){ .k = m->values.rows,
                                   .n = m->values.cols,
                                   .out_in = m->out_in,
                                   .read = read_matrix,
                                   .context = m };
}

struct weight *bench_load(struct bench *b, struct matrix *m)
{
    assert_true(b->n_weights < MOST_THINGS);
    struct matrix_source source = matrix_source(m);
    CHECK(b, weight_new(b->engine, &source, &b->weights[b->n_weights], &b->err));
    uint64_t rows = m->out_in ? m->values.cols : m->values.rows; // each once, in whatever order
    assert_int_equal(m->n_rows, rows);
    assert_int_equal(m->sum, rows * (rows - 1) / 2);
    return b->weights[b->n_weights++];
}

struct weight *bench_load_grid(struct bench *b, struct grid values, bool out_in)
{
    struct matrix m = { .values = values, .out_in = out_in };
    return bench_load(b, &m);
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

static enum precision test_precision(void)
{
    const char *name = getenv("ABLTUI_TEST_PRECISION");
    size_t p = PRECISION_F32;
    if (name && !name_find(precision_name, 0, name, strlen(name), &p))
        fail_msg("ABLTUI_TEST_PRECISION is '%s', which is no precision", name);
    return (enum precision)p;
}

int bench_open(void **state)
{
    struct bench *b = &the_bench;
    b->missing = device_is_missing(b->device);
    if (!b->missing && !engine_open(b->device, 0, test_precision(), &b->engine, &b->err)) {
        print_error("%s: %s\n", b->device, b->err.text);
        return -1;
    }
    if (!b->missing)
        print_message("%s: %s, %s\n", b->device, b->engine->info.name, b->engine->info.driver);
    *state = b;
    return 0;
}

int bench_close(void **state)
{
    struct bench *b = *state;
    if (b->engine)
        b->engine->ops->free(b->engine);
    *b = (struct bench){ 0 };
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *b = *state;
    bench_clear(b);
    return 0;
}

int bench_each_device(int (*run)(const char *device))
{
    const char *wanted = getenv("ABLTUI_TEST_DEVICES");
    char *names = strdup(wanted ? wanted : "cpu vulkan"), *rest = names;
    int failed = 0;
    if (!names)
        return 1;
    for (char *name; (name = strsep(&rest, " ,"));)
        if (name[0]) {
            the_bench.device = name;
            failed += run(name);
        }
    free(names);
    return failed > 0;
}
