// Matrices that stay in their files: the cpu engine's products with them have the bits of those with matrices that it keeps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/work.h"
#include "tests/support/check.h"

enum { MOST_ROWS = 65 };

static struct abl_err err;

// Numbers that depend on their place alone.
struct file {
    uint32_t cols;
    uint32_t ends; // file row from which on it cannot be read
};

static bool read_file(void *context, uint32_t first, uint32_t count, float *out, struct abl_err *e)
{
    const struct file *f = context;
    if (first + count > f->ends)
        return abl_fail(e, ABL_FAILED, "'file' ends at row %u", f->ends);
    for (size_t i = 0; i < (size_t)count * f->cols; i++)
        out[i] = (float)(((size_t)first * f->cols + i) * 2654435761u % 8191) / 4096.0f - 1;
    return true;
}

struct shape {
    uint32_t k, n;
    bool out_in;
};

static struct matrix_source source_of(const struct shape *s, struct file *f)
{
    *f = (struct file){ s->out_in ? s->k : s->n, UINT32_MAX };
    return (struct matrix_source){
        .k = s->k, .n = s->n, .out_in = s->out_in, .read = read_file, .context = f
    };
}

static struct tensor filled(struct engine *e, uint32_t rows, uint32_t cols)
{
    struct tensor t;
    float *values = malloc((size_t)rows * cols * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        values[i] = (float)(i * 40503u % 1021) / 512.0f - 1;
    CHECK(e->ops->alloc(e, rows, cols, &t, &err));
    CHECK(e->ops->upload(e, t, values, &err));
    free(values);
    return t;
}

static void same_bits(struct engine *e, struct tensor a, struct tensor b, const char *what)
{
    size_t n = (size_t)a.rows * a.cols;
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    assert_true(x && y);
    CHECK(e->ops->download(e, a, x, &err));
    CHECK(e->ops->download(e, b, y, &err));
    for (size_t i = 0; i < n; i++)
        if (memcmp(&x[i], &y[i], sizeof *x) != 0)
            fail_msg("%s of %u x %u: [%zu][%zu] is %.9g kept and %.9g stored", what, a.rows, a.cols,
                     i / a.cols, i % a.cols, (double)x[i], (double)y[i]);
    free(x);
    free(y);
}

static void check_shape(struct engine *e, const struct shape *s)
{
    static const uint32_t heights[] = { 1, 7, 33, MOST_ROWS };
    struct file file;
    struct matrix_source source = source_of(s, &file);
    struct weight *kept, *stored;
    CHECK(e->ops->weight_new(e, &source, &kept, &err));
    source.stays = true;
    CHECK(e->ops->weight_new(e, &source, &stored, &err));
    struct tensor bias = filled(e, 1, s->n);
    for (size_t i = 0; i < sizeof heights / sizeof *heights; i++) {
        struct tensor x = filled(e, heights[i], s->k), z = filled(e, heights[i], s->k / 2);
        struct tensor a = filled(e, heights[i], s->n), b = filled(e, heights[i], s->n);
        const struct epilogue ends[] = { { .act = ACT_IDENTITY },
                                         { .bias = bias, .act = ACT_GELU_TANH },
                                         { .act = ACT_SILU, .accumulate = true } };
        for (size_t j = 0; j < sizeof ends / sizeof *ends; j++) {
            CHECK(e->ops->linear(e, a, x, kept, &ends[j], &err));
            CHECK(e->ops->linear(e, b, x, stored, &ends[j], &err));
            same_bits(e, a, b, "a product");
        }
        CHECK(e->ops->head_out(e, a, z, kept, 1, &err));
        CHECK(e->ops->head_out(e, b, z, stored, 1, &err));
        same_bits(e, a, b, "a head's output");
        e->ops->release(e, &x);
        e->ops->release(e, &z);
        e->ops->release(e, &a);
        e->ops->release(e, &b);
    }
    e->ops->release(e, &bias);
    e->ops->weight_free(e, kept);
    e->ops->weight_free(e, stored);
}

// Sizes that fill panels and such as do not; the last ones are widened in parts.
static void products_have_the_same_bits(void **state)
{
    static const struct shape shapes[] = {
        { 64, 64, true }, { 64, 64, false },  { 257, 33, true },    { 60, 180, false },
        { 12, 5, true },  { 1031, 17, true }, { 2051, 4300, true }, { 4300, 2051, false },
    };
    (void)state;
    struct engine *e;
    CHECK(cpu_engine_open(0, PRECISION_F32, &e, &err));
    assert_true(stored_part_cols(2051, 4300) < 4300);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_shape(e, &shapes[i]);
    e->ops->free(e);
}

// Of a matrix of the same shape, and of one whose memory another had.
static void what_is_widened_is_not_taken_for_anothers(void **state)
{
    (void)state;
    struct engine *e;
    struct file file, other;
    const struct shape s = { 64, 64, true };
    struct matrix_source source = source_of(&s, &file), another = source_of(&s, &other);
    struct weight *w, *v;
    CHECK(cpu_engine_open(0, PRECISION_F32, &e, &err));
    source.stays = another.stays = true;
    other.cols = 63; // its rows hold other numbers
    CHECK(e->ops->weight_new(e, &source, &w, &err));
    CHECK(e->ops->weight_new(e, &another, &v, &err));
    struct tensor x = filled(e, 3, 64), y = filled(e, 3, 64), first = filled(e, 3, 64);
    const struct epilogue plain = { .act = ACT_IDENTITY };
    CHECK(e->ops->linear(e, first, x, w, &plain, &err));
    CHECK(e->ops->linear(e, y, x, v, &plain, &err));
    CHECK(e->ops->linear(e, y, x, w, &plain, &err));
    same_bits(e, first, y, "a product behind another's");
    e->ops->weight_free(e, w);
    e->ops->weight_free(e, v);
    e->ops->release(e, &x);
    e->ops->release(e, &y);
    e->ops->release(e, &first);
    e->ops->free(e);
}

// A file that has become shorter: the product says so, and what was done before stays right.
static void a_file_that_ends_is_an_error(void **state)
{
    (void)state;
    struct engine *e;
    struct file file;
    const struct shape s = { 64, 640, true };
    struct matrix_source source = source_of(&s, &file);
    struct weight *w;
    CHECK(cpu_engine_open(0, PRECISION_F32, &e, &err));
    source.stays = true;
    CHECK(e->ops->weight_new(e, &source, &w, &err));
    struct tensor x = filled(e, 3, 64), y = filled(e, 3, 640), again = filled(e, 3, 640);
    const struct epilogue plain = { .act = ACT_IDENTITY };
    file.ends = 600;
    assert_false(e->ops->linear(e, y, x, w, &plain, &err));
    assert_string_equal(err.text, "'file' ends at row 600");
    file.ends = UINT32_MAX;
    CHECK(e->ops->linear(e, y, x, w, &plain, &err));
    CHECK(e->ops->linear(e, again, x, w, &plain, &err));
    same_bits(e, y, again, "a product behind one that failed");
    e->ops->weight_free(e, w);
    e->ops->release(e, &x);
    e->ops->release(e, &y);
    e->ops->release(e, &again);
    e->ops->free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_have_the_same_bits),
        cmocka_unit_test(what_is_widened_is_not_taken_for_anothers),
        cmocka_unit_test(a_file_that_ends_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
