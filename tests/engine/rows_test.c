// What every engine does with single rows against scalar references in double
// (support/engine_ref.c), at odd sizes and through views.
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

struct norm_case {
    enum norm_kind kind;
    uint32_t rows, cols, groups; // cols: of a group
    bool has_bias, in_place;
    float shift; // added to x: a mean far from 0
    uint32_t margin_x, margin_out;
};

// Tolerance 2e-6 of (|x| + mean |x|) / sd * |gain| + |bias|: one may sum in single precision.
static void norm_once(struct bench *b, const struct norm_case *n)
{
    const float *gain = bench_random(b, 1, n->cols).at;
    const float *bias = n->has_bias ? bench_random(b, 1, n->cols).at : NULL;
    uint32_t cols = n->cols * n->groups;
    struct target x = target_new(b, n->rows, cols, n->margin_x), out = x;
    if (!n->in_place)
        out = target_new(b, n->rows, cols, n->margin_out);
    struct ref *expected = bench_refs(b, n->rows, cols);
    for (uint32_t r = 0; r < n->rows; r++)
        for (uint32_t c = 0; c < cols; c++)
            x.old.at[r * x.old.stride + c] += n->shift;
    CHECK(b, upload(b->engine, x.whole, x.before.at, &b->err));
    struct ref_norm ref
        = { .gain = gain, .bias = bias, .eps = 1e-5, .kind = n->kind, .groups = n->groups };
    ref_norm(x.old, &ref, expected);
    struct norm_args args = { .gain = bench_upload_row(b, gain, n->cols),
                              .eps = 1e-5f,
                              .kind = n->kind,
                              .groups = n->groups };
    if (bias)
        args.bias = bench_upload_row(b, bias, n->cols);
    CHECK(b, norm(b->engine, out.out, x.out, &args, &b->err));
    ref_check(target_read(b, &out, "norm"), expected, 2e-6,
              "%s: %s norm (%u, %u x %u), bias %d, in place %d", b->device,
              n->kind == NORM_RMS ? "RMS" : "layer", n->rows, n->groups, n->cols, n->has_bias,
              n->in_place);
    bench_clear(b);
}

static void norm_is_layer_norm_and_rms_norm(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 1, 5, 12, 60, 64, 176, 768, 2053 };
    for (uint32_t i = 0; i < 2 * 8 * N_HEIGHTS; i++) {
        struct norm_case n = { .kind = i % 2 ? NORM_RMS : NORM_LAYER,
                               .rows = bench_heights[i / 2 % N_HEIGHTS],
                               .cols = cols[i / 2 / N_HEIGHTS],
                               .groups = 1,
                               .has_bias = i / 2 % 2,
                               .shift = (float)(i / 2 % 4) * 10,
                               .margin_x = bench_margins[i / 6 % MARGINS],
                               .margin_out = bench_margins[i / 2 % MARGINS] };
        norm_once(b, &n);
    }
}

static void norm_of_groups_norms_each_for_itself(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t groups[] = { 2, 3, 9 }, cols[] = { 1, 5, 12, 64, 80, 128, 260 };
    for (uint32_t i = 0; i < 2 * 3 * 7 * MARGINS; i++) {
        struct norm_case n = { .kind = i % 2 ? NORM_RMS : NORM_LAYER,
                               .rows = bench_heights[i % N_HEIGHTS],
                               .cols = cols[i / 6 % 7],
                               .groups = groups[i / 2 % 3],
                               .has_bias = i % 5 < 2,
                               .in_place = i % 7 < 4,
                               .shift = (float)(i % 3),
                               .margin_x = bench_margins[i / 42],
                               .margin_out = bench_margins[i / 4 % MARGINS] };
        norm_once(b, &n);
    }
}

static void norm_can_take_the_place_of_its_input(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 1, 12, 61, 2053 };
    for (uint32_t i = 0; i < 2 * 4 * MARGINS; i++) {
        struct norm_case n = { .kind = i % 2 ? NORM_RMS : NORM_LAYER,
                               .rows = 33,
                               .cols = cols[i / 2 % 4],
                               .groups = 1,
                               .has_bias = i % 3 == 0,
                               .in_place = true,
                               .margin_x = bench_margins[i / 8] };
        norm_once(b, &n);
    }
}

// --- rope ---

struct rope_case {
    uint32_t d_head, turned; // columns of the table, not more than d_head
};

enum { POSITIONS = 19 };

// Tolerance 2e-7 of |a cos| + |b sin|; columns that are not turned keep their bits.
static void rope_once(struct bench *b, const struct rope_case *c, uint32_t rows, uint32_t heads,
                      uint32_t margin, uint32_t table_margin)
{
    uint32_t cols = heads * c->d_head, *positions = bench_host(b, rows, sizeof *positions);
    for (uint32_t i = 0; i < rows; i++)
        positions[i] = i == 0 ? POSITIONS - 1 : rng_below(&b->rng, POSITIONS);
    struct target x = target_new(b, rows, cols, margin);
    struct target table = target_new(b, POSITIONS, c->turned, table_margin);
    struct ref *expected = bench_refs(b, rows, cols);
    ref_rope(x.old, table.old, positions, c->d_head, expected);
    CHECK(b, rope(b->engine, x.out, table.out, bench_list(b, positions, rows), c->d_head, &b->err));
    ref_check(target_read(b, &x, "rope"), expected, 2e-7,
              "%s: rope of %u rows, %u heads of %u, %u turned, margin %u, the table's %u",
              b->device, rows, heads, c->d_head, c->turned, margin, table_margin);
    bench_clear(b);
}

static void rope_turns_pairs_of_each_head(void **state)
{
    struct bench *b = bench_begin(state);
    static const struct rope_case cases[]
        = { { 2, 2 },   { 6, 6 },   { 6, 2 },   { 7, 4 },   { 10, 10 }, { 10, 6 },  { 12, 8 },
            { 64, 64 }, { 64, 16 }, { 64, 18 }, { 80, 80 }, { 80, 20 }, { 96, 24 }, { 128, 128 } };
    enum { N_CASES = sizeof cases / sizeof *cases };
    for (uint32_t i = 0; i < N_CASES * MARGINS * MARGINS; i++)
        rope_once(b, &cases[i % N_CASES], bench_heights[i % N_HEIGHTS], i % 2 ? 3 : 1 + i % 9,
                  bench_margins[i / N_CASES % MARGINS], bench_margins[i / N_CASES / MARGINS]);
}

// Angles of 2^20 and its neighbours, found in double; the table's other rows are never read.
static void rope_is_right_at_far_positions(void **state)
{
    struct bench *b = bench_begin(state);
    enum { FAR = 1 << 20, KNOWN = 3, D_HEAD = 6, COLS = 2 * D_HEAD };
    struct grid x = bench_random(b, KNOWN, COLS), angles = bench_grid(b, KNOWN, D_HEAD);
    struct tensor table = bench_tensor(b, FAR + 1, D_HEAD), t = bench_upload(b, x);
    struct ref *expected = bench_refs(b, KNOWN, COLS);
    uint32_t positions[KNOWN];
    for (uint32_t i = 0; i < KNOWN; i++) {
        positions[i] = FAR - i;
        for (uint32_t c = 0; c < COLS; c++) {
            uint32_t in_head = c % D_HEAD, pair = in_head % 3;
            double angle = (FAR - i) * pow(10000, -2.0 * pair / D_HEAD);
            angles.at[(KNOWN - 1 - i) * D_HEAD + pair] = (float)cos(angle);
            angles.at[(KNOWN - 1 - i) * D_HEAD + 3 + pair] = (float)sin(angle);
            const float *row = grid_row(x, i) + (c - in_head);
            double a = (double)row[pair], z = (double)row[3 + pair];
            expected[i * COLS + c].value
                = in_head < 3 ? a * cos(angle) - z * sin(angle) : z * cos(angle) + a * sin(angle);
            expected[i * COLS + c].size = fabs(a) + fabs(z);
        }
    }
    CHECK(b, upload(b->engine, tensor_rows(table, FAR + 1 - KNOWN, KNOWN), angles.at, &b->err));
    CHECK(b, rope(b->engine, t, table, bench_list(b, positions, KNOWN), D_HEAD, &b->err));
    ref_check(bench_download(b, t), expected, 2e-7, "%s: rope at position 2^20", b->device);
}

// --- gate ---

static const char *const act_names[]
    = { [ACT_IDENTITY] = "identity", [ACT_GELU_TANH] = "gelu_tanh", "gelu_erf", "silu" };
enum { N_ACTS = sizeof act_names / sizeof *act_names };

// Tolerance 3e-7 of |gate x|.
static void gate_multiplies_by_the_activation(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 1, 5, 12, 60, 64, 176, 2053 };
    for (uint32_t i = 0; i < N_ACTS * 7 * MARGINS; i++) {
        enum act act = (enum act)(i % N_ACTS);
        uint32_t m = bench_heights[i % N_HEIGHTS], n = cols[i / N_ACTS % 7];
        struct target x = target_new(b, m, n, bench_margins[i / N_ACTS / 7]);
        struct target gate = target_new(b, m, n, bench_margins[i / 3 % MARGINS]);
        struct ref *expected = bench_refs(b, m, n);
        for (uint32_t r = 0; r < m; r++)
            for (uint32_t c = 0; c < n; c++)
                gate.old.at[r * gate.old.stride + c] *= 8;
        CHECK(b, upload(b->engine, gate.whole, gate.before.at, &b->err));
        ref_gate(x.old, gate.old, act, expected);
        CHECK(b, gate(b->engine, x.out, gate.out, act, &b->err));
        ref_check(target_read(b, &x, "gate"), expected, 3e-7, "%s: gate (%u, %u) by %s", b->device,
                  m, n, act_names[act]);
        target_read(b, &gate, "the gate's operand");
        bench_clear(b);
    }
}

static void gate_takes_columns_of_the_same_tensor(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 5, 12, 176 };
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t n = cols[i];
        struct grid all = bench_random(b, 22, 2 * n);
        struct tensor t = bench_upload(b, all);
        struct ref *expected = bench_refs(b, 22, n);
        ref_gate(grid_cols(all, n, n), grid_cols(all, 0, n), ACT_SILU, expected);
        CHECK(b, gate(b->engine, tensor_cols(t, n, n), tensor_cols(t, 0, n), ACT_SILU, &b->err));
        struct grid found = bench_download(b, t);
        ref_check(grid_cols(found, n, n), expected, 3e-7, "%s: gate by the columns before",
                  b->device);
        for (uint32_t r = 0; r < 22; r++)
            assert_memory_equal(grid_row(found, r), grid_row(all, r), n * sizeof(float));
        bench_clear(b);
    }
}

// Nothing overflows, however large the gate. Tolerance 2e-7 of |gate|; from -6 down 1e-8 for both
// GELUs, 1e-6 of the result for SiLU.
static void activations_are_right_far_from_zero(void **state)
{
    struct bench *b = bench_begin(state);
    static const float far[]
        = { 0,  1e-20f, 1e-6f, 0.1f,  0.7f,  1,  2,   3,   4.9f, 5.99f, 6,     6.01f, 9,    13,
            20, 60,     86.9f, 87.1f, 88.5f, 89, 104, 300, 1e4f, 1e6,   1e10f, 1e20f, 1e38f };
    enum { N_FAR = sizeof far / sizeof *far };
    for (uint32_t i = 0; i < N_ACTS; i++) {
        enum act act = (enum act)i;
        struct grid ones = bench_grid(b, 2, N_FAR), gate = bench_grid(b, 2, N_FAR);
        struct ref *expected = bench_refs(b, 2, N_FAR);
        for (uint32_t c = 0; c < 2 * N_FAR; c++) {
            ones.at[c] = 1;
            gate.at[c] = c < N_FAR ? far[c] : -far[c - N_FAR];
            double g = (double)gate.at[c];
            expected[c].value = ref_act(act, g);
            expected[c].size = fabs(g);
            if (g <= -6 && act == ACT_SILU)
                expected[c].size = 5 * fabs(expected[c].value) + 1e-29;
            else if (g <= -6 && act != ACT_IDENTITY)
                expected[c].size = 0.05;
        }
        struct tensor x = bench_upload(b, ones);
        CHECK(b, gate(b->engine, x, bench_upload(b, gate), act, &b->err));
        ref_check(bench_download(b, x), expected, 2e-7, "%s: %s far from zero", b->device,
                  act_names[act]);
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
    // replaced
    if (with_source)
        set_row(x.old, 1, 0, 5 * unit, NAN);
    set_row(from.old, 4, 0, 8 * unit, NAN); // its edits add nothing
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
        TEST(norm_is_layer_norm_and_rms_norm),
        TEST(norm_of_groups_norms_each_for_itself),
        TEST(norm_can_take_the_place_of_its_input),
        TEST(rope_turns_pairs_of_each_head),
        TEST(rope_is_right_at_far_positions),
        TEST(gate_multiplies_by_the_activation),
        TEST(gate_takes_columns_of_the_same_tensor),
        TEST(activations_are_right_far_from_zero),
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
