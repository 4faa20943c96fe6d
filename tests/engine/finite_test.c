// A number that is none, wherever it comes from, is seen where rows are read out: whatever a driver
// or a library makes of infinities, a row with one must not come out as one without.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/bench.h"

enum { D = 24, HEADS = 3, D_HEAD = 8, N = 40, BAD_ROW = 1, ROWS = 3 };

static const float bad_numbers[] = { NAN, INFINITY, -INFINITY };
enum { N_BAD = sizeof bad_numbers / sizeof *bad_numbers };

// Random rows, of which BAD_ROW has x at that column.
static struct tensor rows_with(struct bench *b, float x, uint32_t col)
{
    struct grid g = bench_random(b, ROWS, D);
    g.at[BAD_ROW * g.stride + col] = x;
    return bench_upload(b, g);
}

// What forward asks of each row.
static bool is_finite(const struct row_stats *s)
{
    return isfinite(s->target_logit) && isfinite(s->foil_logit) && isfinite(s->lse)
           && isfinite(s->kl) && isfinite(s->entropy);
}

// Read all rows out: BAD_ROW must show, the others must not.
static void read_out(struct bench *b, struct tensor x, const char *what, double bad)
{
    struct weight *w = bench_load_grid(b, bench_random(b, D, N), true);
    struct readout_ask asks[ROWS];
    struct row_stats stats[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        asks[i] = (struct readout_ask){ .row = i, .target = 3, .foil = 17 };
    CHECK(b, readout(b->engine, x, w, NULL, (struct tensor){ 0 }, asks, ROWS, stats, &b->err));
    for (uint32_t i = 0; i < ROWS; i++)
        if (is_finite(&stats[i]) == (i == BAD_ROW))
            fail_msg("%s: %g %s: row %u reads out with lse %g, ld %g", b->device, bad, what, i,
                     (double)stats[i].lse, (double)(stats[i].target_logit - stats[i].foil_logit));
    bench_clear(b);
}

static void it_shows_in_the_readout(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < N_BAD * D; i++)
        read_out(b, rows_with(b, bad_numbers[i % N_BAD], i / N_BAD), "in x",
                 (double)bad_numbers[i % N_BAD]);
}

static void it_shows_behind_a_norm(void **state)
{
    struct bench *b = bench_begin(state);
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    for (uint32_t i = 0; i < 3 * 4; i++) {
        struct norm_args args = { .gain = bench_upload(b, bench_random(b, 1, D)),
                                  .eps = 1e-5f,
                                  .kind = i / 3 % 2 ? NORM_RMS : NORM_LAYER,
                                  .groups = 1 };
        if (i / 6)
            args.bias = bench_upload(b, bench_random(b, 1, D));
        struct tensor x = rows_with(b, bad[i % 3], i), out = bench_tensor(b, ROWS, D);
        CHECK(b, norm(b->engine, out, x, &args, &b->err));
        read_out(b, out, args.kind == NORM_RMS ? "before an RMS norm" : "before a norm",
                 (double)bad[i % 3]);
    }
}

// The norm of a row whose squares overflow is right, or it is no number at all.
static void a_norm_of_what_overflows_is_right_or_none(void **state)
{
    struct bench *b = bench_begin(state);
    static const float large[] = { 3e20f, -1e25f, 3e37f };
    for (uint32_t i = 0; i < 6; i++) {
        enum norm_kind kind = i % 2 ? NORM_RMS : NORM_LAYER;
        struct grid g = bench_random(b, ROWS, D), gain = bench_random(b, 1, D);
        g.at[BAD_ROW * g.stride + 5] = large[i / 2];
        struct ref *expected = bench_refs(b, ROWS, D);
        struct ref_norm ref = { .gain = gain.at, .eps = 1e-5, .kind = kind, .groups = 1 };
        ref_norm(g, &ref, expected);
        struct norm_args args
            = { .gain = bench_upload(b, gain), .eps = 1e-5f, .kind = kind, .groups = 1 };
        struct tensor out = bench_tensor(b, ROWS, D);
        CHECK(b, norm(b->engine, out, bench_upload(b, g), &args, &b->err));
        struct grid found = bench_download(b, out);
        for (uint32_t c = 0; c < D; c++) {
            double is = grid_row(found, BAD_ROW)[c], should = expected[BAD_ROW * D + c].value;
            if (isfinite(is) && fabs(is - should) > 1e-5 * (1 + fabs(should)))
                fail_msg("%s: %s norm of a row with %g: found %g, expected %g or none", b->device,
                         kind == NORM_RMS ? "RMS" : "layer", (double)large[i / 2], is, should);
        }
        bench_clear(b);
    }
}

static void it_shows_behind_a_product(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < N_BAD * 4 * 2; i++) {
        float bad = bad_numbers[i % N_BAD];
        struct tensor out = bench_upload(b, bench_random(b, ROWS, D));
        struct epilogue epilogue = { .bias = bench_upload(b, bench_random(b, 1, D)),
                                     .act = (enum act)(ACT_IDENTITY + i / N_BAD % 4),
                                     .accumulate = i / N_BAD / 4 };
        struct weight *w = bench_load_grid(b, bench_random(b, D, D), false);
        CHECK(b, linear(b->engine, out, rows_with(b, bad, i % D), w, &epilogue, &b->err));
        read_out(b, out, "before a product", (double)bad);
    }
}

static void it_shows_behind_a_gate(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < N_BAD * 2; i++) {
        float bad = bad_numbers[i % N_BAD];
        bool gate_is_bad = i / N_BAD;
        struct tensor x = rows_with(b, gate_is_bad ? 1.0f : bad, 7);
        struct tensor gate = rows_with(b, gate_is_bad ? bad : 1.0f, 7);
        if (gate_is_bad && bad < 0) // silu(-inf) is 0
            continue;
        CHECK(b, gate(b->engine, x, gate, ACT_SILU, &b->err));
        read_out(b, x, gate_is_bad ? "in a gate" : "before a gate", (double)bad);
    }
    bench_clear(b);
}

// Each row attends to itself alone, and to row 0.
static void it_shows_behind_attention(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t starts[ROWS + 1] = { 0, 1, 3, 4 }, rows[4] = { 0, 1, 0, 2 };
    static const char *const what[] = { "in q", "in k", "in v" };
    for (uint32_t i = 0; i < N_BAD * 3; i++) {
        float bad = bad_numbers[i % N_BAD];
        uint32_t which = i / N_BAD;
        if (which < 2 && !isnan(bad)) // a score without bound is a weight of 0 or 1
            continue;
        struct attend_args args = { .q = rows_with(b, which == 0 ? bad : 1.0f, 9),
                                    .k = rows_with(b, which == 1 ? bad : 1.0f, 9),
                                    .v = rows_with(b, which == 2 ? bad : 1.0f, 9),
                                    .n_heads = HEADS,
                                    .n_kv_heads = HEADS,
                                    .d_head = D_HEAD,
                                    .scale = 0.35f };
        args.contexts.start = bench_list(b, starts, ROWS + 1);
        args.contexts.rows = bench_list(b, rows, 4);
        struct tensor z = bench_tensor(b, ROWS, D);
        CHECK(b, attend(b->engine, z, &args, &b->err));
        read_out(b, z, what[which], (double)bad);
    }
}

static int run(const char *device)
{
    const struct CMUnitTest tests[] = {
        TEST(it_shows_in_the_readout),
        TEST(it_shows_behind_a_norm),
        TEST(a_norm_of_what_overflows_is_right_or_none),
        TEST(it_shows_behind_a_product),
        TEST(it_shows_behind_a_gate),
        TEST(it_shows_behind_attention),
    };
    return cmocka_run_group_tests_name(device, tests, bench_open, bench_close);
}

int main(void)
{
    return bench_each_device(run);
}
