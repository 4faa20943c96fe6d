// What every engine does with single rows against scalar references in double (support/engine_ref.c), at odd sizes and
// through views.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/bench.h"

// --- memory ---

static void what_is_uploaded_comes_back_through_views(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t sizes[][2] = { { 1, 1 }, { 7, 5 }, { 33, 64 }, { 3, 2053 } };
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < MARGINS; k++) {
            struct target t = target_new(b, sizes[i][0], sizes[i][1], bench_margins[k]);
            struct grid g = bench_random(b, sizes[i][0], sizes[i][1]);
            CHECK(b, upload(b->engine, t.out, g.at, &b->err));
            struct grid found = target_read(b, &t, "upload"), view = bench_download(b, t.out);
            for (uint32_t r = 0; r < g.rows; r++) {
                assert_memory_equal(grid_row(found, r), grid_row(g, r), g.cols * sizeof(float));
                assert_memory_equal(grid_row(view, r), grid_row(g, r), g.cols * sizeof(float));
            }
            CHECK(b, finish(b->engine, &b->err));
            bench_clear(b);
        }
}

// --- norm ---

// Tolerance 1e-5 of (|x| + |mean|) / sd * |gain| + |bias|: one may sum in single precision.
static void norm_is_layer_norm(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 1, 5, 12, 60, 64, 176, 768, 2053 };
    static const uint32_t rows[] = { 1, 2, 7, 22, 33, 130 };
    for (uint32_t i = 0; i < 8 * 6; i++) {
        uint32_t m = rows[i % 6], n = cols[i / 6], margin = bench_margins[i % MARGINS];
        const float *gain = bench_random(b, 1, n).at,
                    *bias = i % 2 ? bench_random(b, 1, n).at : NULL;
        struct target x = target_new(b, m, n, bench_margins[i / 3 % MARGINS]);
        struct target out = target_new(b, m, n, margin);
        struct ref *expected = bench_refs(b, m, n);
        for (uint32_t r = 0; r < m; r++)
            for (uint32_t c = 0; c < n; c++)
                x.old.at[r * x.old.stride + c] += (float)(i % 4) * 10; // far from a mean of 0
        CHECK(b, upload(b->engine, x.whole, x.before.at, &b->err));
        ref_norm(x.old, gain, bias, 1e-5, expected);
        struct norm_args args = { .gain = bench_upload_row(b, gain, n), .eps = 1e-5f, .groups = 1 };
        if (bias)
            args.bias = bench_upload_row(b, bias, n);
        CHECK(b, norm(b->engine, out.out, x.out, &args, &b->err));
        ref_check(target_read(b, &out, "norm"), expected, 1e-5, "%s: norm (%u, %u), bias %d",
                  b->device, m, n, bias != NULL);
        bench_clear(b);
    }
}

// --- gather ---

static void gather_copies_rows_with_repeats(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 1, 5, 12, 60, 768 };
    enum { COUNT = 45, TAKEN = 33 };
    for (uint32_t i = 0; i < 5 * MARGINS; i++) {
        uint32_t n = cols[i / MARGINS], list[COUNT];
        for (uint32_t r = 0; r < COUNT; r++)
            list[r] = r % 5 == 4 ? list[r - 1] : rng_below(&b->rng, 22);
        struct target x = target_new(b, 22, n, bench_margins[(i + 1) % MARGINS]);
        struct target out = target_new(b, TAKEN, n, bench_margins[i % MARGINS]);
        struct index rows = bench_list(b, list, COUNT);
        rows.count = TAKEN;
        CHECK(b, gather(b->engine, out.out, x.out, rows, &b->err));
        struct grid found = target_read(b, &out, "gather");
        for (uint32_t r = 0; r < TAKEN; r++)
            if (memcmp(grid_row(found, r), grid_row(x.old, list[r]), n * sizeof(float)) != 0)
                fail_msg("%s: gather of %u columns: row %u is not row %u of x", b->device, n, r,
                         list[r]);
        bench_clear(b);
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
    struct ref *expected = bench_refs(b, EDIT_ROWS, EDIT_COLS * unit);
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
    bench_clear(b);
}

// Tolerance 2e-7 of |keep x| + |add s|; exact where no edit is.
static void edits_keep_and_add_what_they_say(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < 2 * 2 * MARGINS; i++)
        edit_once(b, i % 2 ? 4 : 1, bench_margins[i / 2 % MARGINS], i / 2 / MARGINS);
}

static void many_edits_go_at_once(void **state)
{
    struct bench *b = bench_begin(state);
    enum { MANY = 6000, COLS = 3 };
    struct target x = target_new(b, MANY, COLS, 0), from = target_new(b, 7, COLS, 0);
    struct row_edit *edits = bench_host(b, MANY, sizeof *edits);
    struct ref *expected = bench_refs(b, MANY, COLS);
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

static int run(const char *device)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_uploaded_comes_back_through_views),
        TEST(norm_is_layer_norm),
        TEST(gather_copies_rows_with_repeats),
        TEST(edits_keep_and_add_what_they_say),
        TEST(many_edits_go_at_once),
    };
    return cmocka_run_group_tests_name(device, tests, bench_open, bench_close);
}

int main(void)
{
    return bench_each_device(run);
}
