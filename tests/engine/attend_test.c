// Attention of every engine against scalar references in double (support/engine_ref.c), over ragged
// contexts.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/bench.h"

struct attend_case {
    uint32_t d_head, n_heads, n_kv_heads;
    bool fused; // q, k and v are columns of one tensor
    float scale;
};

enum { QUERIES = 21, KEYS = 37 };

// Query 0 sees one row, query 1 seventy with repeats; the others share the first rows and go on by
// themselves.
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
    uint32_t *start = bench_host(b, QUERIES + 1, sizeof *start);
    uint32_t *rows = bench_host(b, (size_t)QUERIES * 2 * KEYS, sizeof *rows);
    uint32_t n = ragged_contexts(b, start, rows);
    struct attend_pair p = { .ref = { .start = start,
                                      .rows = rows,
                                      .n_heads = c->n_heads,
                                      .n_kv_heads = c->n_kv_heads,
                                      .d_head = c->d_head,
                                      .scale = (double)c->scale },
                             .args = { .contexts = { .start = bench_list(b, start, QUERIES + 1),
                                                     .rows = bench_list(b, rows, n) },
                                       .n_heads = c->n_heads,
                                       .n_kv_heads = c->n_kv_heads,
                                       .d_head = c->d_head,
                                       .scale = c->scale } };
    struct grid all = bench_random(b, KEYS, q_cols + 2 * kv_cols);
    struct tensor t = bench_upload(b, all);
    p.ref.q = grid_rows(grid_cols(all, 0, q_cols), 5, QUERIES);
    p.ref.k = grid_cols(all, q_cols, kv_cols);
    p.ref.v = grid_cols(all, q_cols + kv_cols, kv_cols);
    p.args.q = tensor_rows(tensor_cols(t, 0, q_cols), 5, QUERIES);
    p.args.k = tensor_cols(t, q_cols, kv_cols);
    p.args.v = tensor_cols(t, q_cols + kv_cols, kv_cols);
    if (!c->fused) {
        p.ref.k = bench_random(b, KEYS, kv_cols);
        p.ref.v = bench_random(b, KEYS, kv_cols);
        p.args.k = bench_upload(b, p.ref.k);
        p.args.v = bench_upload(b, p.ref.v);
    }
    return p;
}

// Tolerance 2e-6 of Σ p |v| (1 + largest Σ |scale q k|).
static void attend_is_softmax_over_each_context(void **state)
{
    struct bench *b = bench_begin(state);
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
        struct target z = target_new(b, QUERIES, cols, bench_margins[i % MARGINS]);
        struct ref *expected = bench_refs(b, QUERIES, cols);
        ref_attend(&p.ref, expected);
        CHECK(b, attend(b->engine, z.out, &p.args, &b->err));
        ref_check(target_read(b, &z, "attend"), expected, 2e-6,
                  "%s: attend d_head %u, heads %u:%u, fused %d, margin %u", b->device, c.d_head,
                  c.n_heads, c.n_kv_heads, c.fused, z.margin);
        bench_clear(b);
    }
}

// Tolerances: 2e-6 of p (1 + largest Σ |scale q k|) for a weight, 2e-6 of Σ |Δw v| for what any
// numbers as weights give.
static void weigh_and_mix_see_and_change_what_attend_does(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t d_heads[] = { 1, 3, 5, 12, 16, 64, 80 };
    static const uint32_t heads[][2] = { { 4, 4 }, { 3, 1 }, { 6, 2 } };
    for (uint32_t i = 0; i < 7 * 3 * 2; i++) {
        struct attend_case c = { .d_head = d_heads[i / 6],
                                 .n_heads = heads[i % 3][0],
                                 .n_kv_heads = heads[i % 3][1],
                                 .fused = i / 3 % 2,
                                 .scale = i % 5 == 0 ? 8 : 1 / sqrtf((float)d_heads[i / 6]) };
        struct attend_pair p = attend_pair_new(b, &c);
        uint32_t cols = c.n_heads * c.d_head, n_edges = p.ref.start[QUERIES];
        uint32_t margin = bench_margins[i % MARGINS];
        struct target w = target_new(b, n_edges, c.n_heads, margin);
        struct target z = target_new(b, QUERIES, cols, margin);
        struct ref *weights = bench_refs(b, n_edges, c.n_heads),
                   *mixed = bench_refs(b, QUERIES, cols);
        ref_weigh(&p.ref, weights);
        CHECK(b, weigh(b->engine, w.out, &p.args, &b->err));
        ref_check(target_read(b, &w, "weigh"), weights, 2e-6,
                  "%s: weigh d_head %u, heads %u:%u, fused %d, margin %u", b->device, c.d_head,
                  c.n_heads, c.n_kv_heads, c.fused, margin);
        struct grid any = bench_random(b, n_edges, c.n_heads);
        struct grid other = bench_random(b, n_edges, c.n_heads);
        ref_mix(&p.ref, z.old, any, other, mixed);
        p.args.q = p.args.k = (struct tensor){ 0 };
        CHECK(b, mix(b->engine, z.out, bench_upload(b, any), bench_upload(b, other), &p.args,
                     &b->err));
        ref_check(target_read(b, &z, "mix"), mixed, 2e-6,
                  "%s: mix d_head %u, heads %u:%u, fused %d, margin %u", b->device, c.d_head,
                  c.n_heads, c.n_kv_heads, c.fused, margin);
        bench_clear(b);
    }
}

static void mix_keeps_every_bit_where_no_weight_changes(void **state)
{
    struct bench *b = bench_begin(state);
    struct attend_case c
        = { .d_head = 20, .n_heads = 6, .n_kv_heads = 2, .fused = true, .scale = 0.3f };
    struct attend_pair p = attend_pair_new(b, &c);
    uint32_t n_edges = p.ref.start[QUERIES];
    struct tensor z = bench_tensor(b, QUERIES, 120);
    struct tensor weights = bench_tensor(b, n_edges, 6), was = bench_tensor(b, n_edges, 6);
    CHECK(b, attend(b->engine, z, &p.args, &b->err));
    CHECK(b, weigh(b->engine, weights, &p.args, &b->err));
    CHECK(b, weigh(b->engine, was, &p.args, &b->err));
    struct grid before = bench_download(b, z);
    CHECK(b, mix(b->engine, z, weights, was, &p.args, &b->err));
    struct grid after = bench_download(b, z);
    for (uint32_t r = 0; r < QUERIES; r++)
        assert_memory_equal(grid_row(after, r), grid_row(before, r), 120 * sizeof(float));
}

static void attend_rows_do_not_depend_on_each_other(void **state)
{
    struct bench *b = bench_begin(state);
    struct attend_case c
        = { .d_head = 12, .n_heads = 4, .n_kv_heads = 2, .fused = true, .scale = 0.3f };
    struct attend_pair p = attend_pair_new(b, &c);
    struct target z = target_new(b, QUERIES, 48, 0), one = target_new(b, 1, 48, 0);
    struct ref *expected = bench_refs(b, QUERIES, 48);
    struct alone a = { .same_bits = true };
    ref_attend(&p.ref, expected);
    CHECK(b, attend(b->engine, z.out, &p.args, &b->err));
    struct grid all = bench_download(b, z.out);
    for (uint32_t r = 0; r < QUERIES; r++) {
        struct attend_args args = p.args;
        uint32_t n = p.ref.start[r + 1] - p.ref.start[r], start[2] = { 0, n };
        args.q = tensor_rows(args.q, r, 1);
        args.contexts.start = bench_list(b, start, 2);
        args.contexts.rows = bench_list(b, p.ref.rows + p.ref.start[r], n);
        CHECK(b, attend(b->engine, one.out, &args, &b->err));
        alone_compare(&a, bench_download(b, one.out), all, expected, r);
    }
    alone_report(b, "attend", &a);
}

static void attend_takes_the_first_queries_of_longer_lists(void **state)
{
    struct bench *b = bench_begin(state);
    struct attend_case c
        = { .d_head = 5, .n_heads = 2, .n_kv_heads = 2, .fused = true, .scale = 0.4f };
    struct attend_pair p = attend_pair_new(b, &c);
    struct target z = target_new(b, 6, 10, 3);
    struct ref *expected = bench_refs(b, QUERIES, 10);
    ref_attend(&p.ref, expected);
    p.args.q.rows = 6;
    p.args.contexts.start.count = 7;
    p.args.contexts.rows.count = p.ref.start[6];
    CHECK(b, attend(b->engine, z.out, &p.args, &b->err));
    ref_check(target_read(b, &z, "attend"), expected, 2e-6, "%s: attend of 6 of %d queries",
              b->device, QUERIES);
}

static int run(const char *device)
{
    const struct CMUnitTest tests[] = {
        TEST(attend_is_softmax_over_each_context),
        TEST(weigh_and_mix_see_and_change_what_attend_does),
        TEST(mix_keeps_every_bit_where_no_weight_changes),
        TEST(attend_rows_do_not_depend_on_each_other),
        TEST(attend_takes_the_first_queries_of_longer_lists),
    };
    return cmocka_run_group_tests_name(device, tests, bench_open, bench_close);
}

int main(void)
{
    return bench_each_device(run);
}
