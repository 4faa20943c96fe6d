// Statistics of logits, as every engine reduces them, against scalar references in double
// (support/engine_ref.c).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/bench.h"

struct reading {
    struct grid x, base; // base.at NULL: none
    struct ref *logits, *base_logits;
    struct tensor x_device, base_device;
    struct weight *w;
    struct readout_ask *asks;
    uint32_t n_asks;
    struct row_stats *stats;
    uint32_t n;
};

// rows 0: no base.
static struct reading reading_new(struct bench *b, struct grid x, struct grid w, uint32_t n_base)
{
    struct reading r = { .x = x, .n = w.cols };
    r.logits = bench_refs(b, x.rows, w.cols);
    ref_product(x, w, r.logits);
    r.x_device = bench_upload(b, x);
    r.w = bench_load_grid(b, w, true);
    if (n_base) {
        r.base = bench_grid(b, n_base, x.cols); // some rows of x, changed a little
        for (uint32_t i = 0; i < n_base; i++)
            memcpy(r.base.at + i * r.base.stride, grid_row(x, i * 7 % x.rows),
                   x.cols * sizeof(float));
        for (uint32_t i = 1; i < n_base; i += 2)
            r.base.at[i * r.base.stride + i % x.cols] *= -1;
        r.base_logits = bench_refs(b, n_base, w.cols);
        ref_product(r.base, w, r.base_logits);
        r.base_device = bench_upload(b, r.base);
    }
    r.asks = bench_host(b, x.rows, sizeof *r.asks);
    r.stats = bench_host(b, x.rows, sizeof *r.stats);
    for (uint32_t i = 0; i < x.rows; i++)
        r.asks[i] = (struct readout_ask){ .row = i,
                                          .target = rng_below(&b->rng, r.n),
                                          .foil = rng_below(&b->rng, r.n),
                                          .base = n_base ? i * n_base / x.rows : 0 };
    r.n_asks = x.rows;
    r.asks[0].target = r.n - 1;
    r.asks[x.rows - 1].target = 0;
    return r;
}

// Ask up to twice more of some rows.
static void ask_more(struct bench *b, struct reading *r)
{
    struct readout_ask *asks = bench_host(b, 3 * r->n_asks, sizeof *asks);
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_asks; i++)
        for (uint32_t more = 0; more <= i * 5 % 3; more++) {
            asks[n] = r->asks[i];
            if (more)
                asks[n].target = rng_below(&b->rng, r->n);
            asks[n++].foil = rng_below(&b->rng, r->n);
        }
    r->asks = asks;
    r->n_asks = n;
    r->stats = bench_host(b, n, sizeof *r->stats);
}

// Some asks are of lists: short ones, one as long as a workgroup is wide and more, some shared by
// asks beside each other, as copies share them.
static void ask_lists(struct bench *b, struct reading *r)
{
    enum { LIST = 300 };
    uint32_t most = r->n / 2 < LIST ? r->n / 2 : LIST;
    struct answer_lists *lists = bench_host(b, r->n_asks, sizeof *lists);
    for (uint32_t i = 0; i < r->n_asks; i++) {
        if (i % 4 == 3)
            continue;
        r->asks[i].lists = i % 4 == 2 ? r->asks[i - 1].lists : &lists[i];
        if (i % 4 == 2)
            continue;
        uint32_t n_targets = i % 8 ? 1 + rng_below(&b->rng, 4) : most;
        uint32_t n_foils = i % 8 == 1 ? most : 1 + rng_below(&b->rng, most);
        uint32_t *ids = bench_host(b, n_targets + n_foils, sizeof *ids);
        uint32_t first = rng_below(&b->rng, r->n);
        for (uint32_t k = 0; k < n_targets + n_foils; k++)
            ids[k] = (first + k) % r->n;
        n_targets = n_targets < most ? n_targets : most;
        lists[i]
            = (struct answer_lists){ .targets = { ids, n_targets },
                                     .foils = { ids + n_targets, n_foils },
                                     .how = rng_below(&b->rng, 2) ? ANSWERS_LSE : ANSWERS_MEAN };
    }
}

static void read_and_check(struct bench *b, struct reading *r, double tolerance, double slack,
                           const char *what)
{
    CHECK(b, readout(b->engine, r->x_device, r->w, NULL, r->base_device, r->asks, r->n_asks,
                     r->stats, &b->err));
    for (uint32_t i = 0; i < r->n_asks; i++) {
        const struct ref *logits = r->logits + (size_t)r->asks[i].row * r->n;
        const struct ref *base
            = r->base.at ? r->base_logits + (size_t)r->asks[i].base * r->n : NULL;
        struct ref_stats expected;
        ref_readout(logits, base, r->n, &r->asks[i], slack, &expected);
        ref_check_stats(&r->stats[i], &expected, logits, tolerance, slack,
                        "%s: readout of %s: ask %u, row %u of %u, k %u, n %u, base rows %u",
                        b->device, what, i, r->asks[i].row, r->x.rows, r->x.cols, r->n,
                        r->base.rows);
    }
}

static void readout_of_lists_of_answers(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < 2 * N_HEIGHTS; i++) {
        uint32_t m = bench_heights[i / 2];
        struct grid x = bench_random(b, m, 64), w = bench_random(b, 64, i % 4 < 2 ? 2053 : 12);
        struct reading r = reading_new(b, x, w, i % 2 ? (m + 2) / 3 : 0);
        ask_more(b, &r);
        ask_lists(b, &r);
        read_and_check(b, &r, 1e-5, 3e-5, "lists");
        bench_clear(b);
    }
}

// e^90 alone is beyond what a float holds.
static void readout_of_lists_of_large_logits(void **state)
{
    struct bench *b = bench_begin(state);
    struct grid x = bench_exact(b, 22, 12, 0.125f), w = bench_exact(b, 12, 2053, 4.0f);
    struct reading r = reading_new(b, x, w, 22);
    ask_lists(b, &r);
    read_and_check(b, &r, 2e-6, 0, "lists of large logits");
}

// Logits are exact, so that many tokens are equal: rank counts only those above, argmax is the
// lowest id.
static void readout_ranks_equal_logits_by_the_rule(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t n[] = { 5, 12, 180, 2053 };
    for (uint32_t i = 0; i < 4; i++) {
        struct grid x = bench_exact(b, 33, 12, 0.125f), w = bench_exact(b, 12, n[i], 0.125f);
        memset(x.at, 0, 12 * sizeof(float)); // row 0: all logits are 0
        struct reading r = reading_new(b, x, w, i % 2 ? 9 : 0);
        read_and_check(b, &r, 2e-6, 0, "ties");
        assert_int_equal(r.stats[0].rank, 0);
        assert_int_equal(r.stats[0].argmax, 0);
        bench_clear(b);
    }
}

static void readout_of_small_and_large_batches(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < 2 * N_HEIGHTS; i++) {
        uint32_t m = bench_heights[i / 2];
        struct grid x = bench_random(b, m, 64), w = bench_random(b, 64, 2053);
        struct reading r = reading_new(b, x, w, i % 2 ? (m + 2) / 3 : 0);
        ask_more(b, &r);
        read_and_check(b, &r, 1e-5, 3e-5, "random logits");
        bench_clear(b);
    }
}

static void readout_of_logits_as_large_as_80(void **state)
{
    struct bench *b = bench_begin(state);
    struct grid x = bench_exact(b, 22, 12, 0.125f), w = bench_exact(b, 12, 2053, 4.0f);
    double most = 0;
    struct reading r = reading_new(b, x, w, 22);
    for (size_t i = 0; i < (size_t)22 * 2053; i++)
        most = fmax(most, fabs(r.logits[i].value));
    assert_true(most >= 80);
    read_and_check(b, &r, 2e-6, 0, "large logits");
}

static void kl_of_an_equal_base_is_zero(void **state)
{
    struct bench *b = bench_begin(state);
    struct grid x = bench_random(b, 33, 64), w = bench_random(b, 64, 2053);
    struct reading r = reading_new(b, x, w, 0);
    r.base = x;
    r.base_logits = r.logits;
    r.base_device = bench_upload(b, x);
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
    struct bench *b = bench_begin(state);
    struct grid x = bench_exact(b, MOST_ROWS, 5, 0.125f), w = bench_exact(b, 5, 120001, 0.5f);
    struct reading r = reading_new(b, x, w, 44);
    ask_more(b, &r);
    ask_lists(b, &r);
    read_and_check(b, &r, 2e-6, 0, "several blocks");
}

static void readout_takes_views_and_skips_base_rows(void **state)
{
    struct bench *b = bench_begin(state);
    struct grid x = bench_exact(b, 22, 12, 0.125f), w = bench_exact(b, 12, 180, 0.125f);
    struct reading r = reading_new(b, x, w, 22);
    struct grid base = r.base;
    enum { FIRST = 5, ROWS = 4 };
    static const uint32_t rows[ROWS] = { 2, 2, 9, 14 };
    r.x = grid_rows(x, FIRST, ROWS);
    r.x_device = tensor_rows(r.x_device, FIRST, ROWS);
    r.logits += (size_t)FIRST * r.n;
    r.n_asks = ROWS;
    r.base = grid_rows(base, 1, 15);
    r.base_device = tensor_rows(r.base_device, 1, 15);
    r.base_logits += r.n;
    for (uint32_t i = 0; i < ROWS; i++)
        r.asks[i].base = rows[i];
    read_and_check(b, &r, 2e-6, 0, "views");
}

static void readout_rows_do_not_depend_on_each_other(void **state)
{
    struct bench *b = bench_begin(state);
    struct grid x = bench_random(b, 33, 64), w = bench_random(b, 64, 2053);
    struct reading r = reading_new(b, x, w, 11);
    ask_lists(b, &r);
    read_and_check(b, &r, 1e-5, 3e-5, "a batch");
    struct alone a = { .same_bits = true };
    for (uint32_t i = 0; i < 33; i++) {
        struct row_stats one;
        struct readout_ask ask = r.asks[i];
        ask.row = 0;
        CHECK(b, readout(b->engine, tensor_rows(r.x_device, i, 1), r.w, NULL, r.base_device, &ask,
                         1, &one, &b->err));
        float alone[]
            = { one.target_logit, one.foil_logit, one.target_lse, one.lse, one.entropy, one.kl };
        float among[] = { r.stats[i].target_logit, r.stats[i].foil_logit, r.stats[i].target_lse,
                          r.stats[i].lse,          r.stats[i].entropy,    r.stats[i].kl };
        struct ref sizes[] = { { 0, 16 }, { 0, 16 }, { 0, 16 }, { 0, 16 }, { 0, 16 }, { 0, 16 } };
        alone_compare(&a, (struct grid){ .at = alone, .rows = 1, .cols = 6, .stride = 6 },
                      (struct grid){ .at = among, .rows = 1, .cols = 6, .stride = 6 }, sizes, 0);
    }
    alone_report(b, "readout", &a);
}

static int run(const char *device)
{
    const struct CMUnitTest tests[] = {
        TEST(readout_ranks_equal_logits_by_the_rule),
        TEST(readout_of_small_and_large_batches),
        TEST(readout_of_lists_of_answers),
        TEST(readout_of_lists_of_large_logits),
        TEST(readout_of_logits_as_large_as_80),
        TEST(kl_of_an_equal_base_is_zero),
        TEST(readout_in_blocks_is_the_same),
        TEST(readout_takes_views_and_skips_base_rows),
        TEST(readout_rows_do_not_depend_on_each_other),
    };
    return cmocka_run_group_tests_name(device, tests, bench_open, bench_close);
}

int main(void)
{
    return bench_each_device(run);
}
