// A row's bits on the cpu engine: the same however many rows and threads there are.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <omp.h>

#include "tests/support/bench.h"

enum { ROWS = 200, MOST_THREADS = 4 };

static const uint32_t heights[] = { 1, 2, 3, 5, 6, 7, 11, 12, 13, 16, 22, 33, 64, 143, 145, 160 };
enum { N_ROW_COUNTS = sizeof heights / sizeof *heights };

// Sizes as models have them, and such as fit no register, panel or block.
static const uint32_t sizes[][2]
    = { { 64, 64 },   { 256, 64 },  { 60, 180 },   { 12, 5 },    { 1, 7 },     { 9, 1 },
        { 128, 384 }, { 257, 33 },  { 768, 100 },  { 1031, 17 }, { 2304, 48 }, { 3072, 40 },
        { 64, 2053 }, { 576, 192 }, { 2049, 160 }, { 512, 259 } };
enum { N_SIZES = sizeof sizes / sizeof *sizes };

enum { N_FINISHES = 10 };

static struct epilogue finish_of(uint32_t i, struct tensor bias)
{
    static const enum act acts[]
        = { ACT_IDENTITY, ACT_GELU_TANH, ACT_GELU_ERF, ACT_SILU, ACT_RELU };
    return (struct epilogue){ .bias = i % 2 ? bias : (struct tensor){ 0 },
                              .act = acts[i / 2 % 4],
                              .accumulate = i >= 8 };
}

// Rows [first, first + found.rows) of expected.
static void same_bits(const struct bench *b, struct grid found, struct grid expected,
                      uint32_t first, const char *what)
{
    for (uint32_t r = 0; r < found.rows; r++)
        for (uint32_t c = 0; c < found.cols; c++) {
            float x = grid_row(found, r)[c], y = grid_row(expected, first + r)[c];
            if (memcmp(&x, &y, sizeof x) != 0)
                fail_msg("%s: %s of %u columns: row %u among %u, with %d threads, has %.9g in "
                         "column %u; among %u, with one thread, %.9g",
                         b->device, what, found.cols, first + r, found.rows, omp_get_max_threads(),
                         (double)x, c, expected.rows, (double)y);
        }
}

// What is multiplied; `out` begins as `before`.
struct product_case {
    struct tensor x, bias;
    struct grid before;
    struct weight *w;
    uint32_t n;
};

static struct grid multiply(struct bench *b, const struct product_case *p, uint32_t first,
                            uint32_t m, uint32_t finish, uint32_t margin)
{
    struct tensor whole = bench_tensor(b, m, p->n + margin), out = tensor_cols(whole, 0, p->n);
    struct epilogue epilogue = finish_of(finish, p->bias);
    for (uint32_t r = 0; r < m; r++)
        CHECK(b,
              upload(b->engine, tensor_rows(out, r, 1), grid_row(p->before, first + r), &b->err));
    CHECK(b, linear(b->engine, out, tensor_rows(p->x, first, m), p->w, &epilogue, &b->err));
    struct grid found = bench_download(b, out);
    bench_release_last(b);
    return found;
}

static void products_of(struct bench *b, uint32_t k, uint32_t n, bool out_in)
{
    struct product_case p = { .n = n };
    struct grid expected[N_FINISHES];
    p.x = bench_upload(b, bench_random(b, ROWS, k));
    p.bias = bench_upload(b, bench_random(b, 1, n));
    p.before = bench_random(b, ROWS, n);
    p.w = bench_load_grid(b, bench_halves(b, k, n), out_in);
    omp_set_num_threads(1);
    for (uint32_t f = 0; f < N_FINISHES; f++)
        expected[f] = multiply(b, &p, 0, ROWS, f, 0);
    for (uint32_t i = 0; i < N_ROW_COUNTS * MOST_THREADS; i++) {
        uint32_t m = heights[i / MOST_THREADS], first = i % 3 ? ROWS - m : i % (ROWS - m);
        omp_set_num_threads(1 + (int)(i % MOST_THREADS));
        uint32_t f = (i + i / MOST_THREADS) % N_FINISHES;
        same_bits(b, multiply(b, &p, first, m, f, i % 5 ? 0 : 3), expected[f], first, "a product");
    }
    bench_clear(b);
}

static void products_leave_rows_alone(void **state)
{
    struct bench *b = bench_begin(state);
    for (uint32_t i = 0; i < N_SIZES; i++)
        products_of(b, sizes[i][0], sizes[i][1], i % 2);
}

// What one head adds, through rows of the weights that begin anywhere.
static void heads_leave_rows_alone(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t heads[][3] = { { 64, 0, 64 }, { 20, 40, 133 }, { 300, 7, 97 } };
    for (uint32_t i = 0; i < sizeof heads / sizeof *heads * N_ROW_COUNTS; i++) {
        uint32_t d = heads[i / N_ROW_COUNTS][0], first = heads[i / N_ROW_COUNTS][1];
        uint32_t n = heads[i / N_ROW_COUNTS][2], m = heights[i % N_ROW_COUNTS];
        struct grid before = bench_random(b, ROWS, n);
        struct tensor z = bench_upload(b, bench_random(b, ROWS, d)), x = bench_upload(b, before);
        struct weight *w = bench_load_grid(b, bench_halves(b, d + first + 3, n), i % 2);
        omp_set_num_threads(1);
        CHECK(b, head_out(b->engine, x, z, w, first, &b->err));
        struct grid expected = bench_download(b, x);
        CHECK(b, upload(b->engine, x, before.at, &b->err));
        omp_set_num_threads(1 + (int)(i % MOST_THREADS));
        CHECK(b, head_out(b->engine, tensor_rows(x, ROWS - m, m), tensor_rows(z, ROWS - m, m), w,
                          first, &b->err));
        same_bits(b, bench_download(b, tensor_rows(x, ROWS - m, m)), expected, ROWS - m,
                  "what a head adds");
        bench_clear(b);
    }
}

// --- operations that are loops over rows ---

static void norms_and_gates_leave_rows_alone(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t cols[] = { 60, 768, 2053 };
    for (uint32_t i = 0; i < 3 * N_ROW_COUNTS; i++) {
        uint32_t n = cols[i / N_ROW_COUNTS], m = heights[i % N_ROW_COUNTS], first = ROWS - m;
        struct tensor x = bench_upload(b, bench_random(b, ROWS, n)), out = bench_tensor(b, ROWS, n);
        struct tensor gate = bench_upload(b, bench_random(b, ROWS, n));
        struct norm_args args = { .gain = bench_upload(b, bench_random(b, 1, n)),
                                  .eps = 1e-5f,
                                  .kind = i % 2 ? NORM_RMS : NORM_LAYER,
                                  .groups = 1 };
        enum act act = (enum act)(i % 4);
        struct grid expected = { 0 };
        for (int turn = 0; turn < 2; turn++) {
            uint32_t from = turn ? first : 0, rows = turn ? m : ROWS;
            struct tensor part = tensor_rows(out, from, rows);
            omp_set_num_threads(turn ? 1 + (int)(i % MOST_THREADS) : 1);
            CHECK(b, norm(b->engine, part, tensor_rows(x, from, rows), &args, &b->err));
            CHECK(b, gate(b->engine, part, tensor_rows(gate, from, rows), act, &b->err));
            struct grid found = bench_download(b, part);
            if (turn)
                same_bits(b, found, expected, first, "a norm and a gate");
            else
                expected = found;
        }
        bench_clear(b);
    }
}

// Queries [first, first + m), each over its own context.
static struct grid attend_some(struct bench *b, const struct attend_args *all, uint32_t first,
                               uint32_t m, const uint32_t *lengths)
{
    uint32_t *start = bench_host(b, m + 1, sizeof *start), n = 0;
    uint32_t *rows = bench_host(b, (size_t)m * ROWS, sizeof *rows);
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t c = 0; c < lengths[first + i]; c++)
            rows[n++] = (first + i + 7 * c) % ROWS;
        start[i + 1] = n;
    }
    struct attend_args args = *all;
    args.q = tensor_rows(all->q, first, m);
    args.contexts
        = (struct contexts){ .start = bench_list(b, start, m + 1), .rows = bench_list(b, rows, n) };
    struct tensor z = bench_tensor(b, m, all->q.cols);
    CHECK(b, attend(b->engine, z, &args, &b->err));
    struct grid found = bench_download(b, z);
    bench_release_last(b);
    while (b->n_lists)
        b->engine->ops->index_release(b->engine, &b->lists[--b->n_lists]);
    return found;
}

static void attention_leaves_rows_alone(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t d_heads[] = { 5, 64, 80 };
    for (uint32_t d = 0; d < 3; d++) {
        uint32_t lengths[ROWS];
        for (uint32_t i = 0; i < ROWS; i++)
            lengths[i] = 1 + i * 5 % 41;
        struct attend_args args
            = { .n_heads = 4, .n_kv_heads = 2, .d_head = d_heads[d], .scale = 0.3f };
        args.q = bench_upload(b, bench_random(b, ROWS, 4 * args.d_head));
        args.k = bench_upload(b, bench_random(b, ROWS, 2 * args.d_head));
        args.v = bench_upload(b, bench_random(b, ROWS, 2 * args.d_head));
        omp_set_num_threads(1);
        struct grid expected = attend_some(b, &args, 0, ROWS, lengths);
        for (uint32_t i = 0; i < N_ROW_COUNTS; i++) {
            omp_set_num_threads(1 + (int)((i + d) % MOST_THREADS));
            same_bits(b, attend_some(b, &args, ROWS - heights[i], heights[i], lengths), expected,
                      ROWS - heights[i], "attention");
        }
        bench_clear(b);
    }
}

// The statistics of a row's logits, as floats beside each other.
static struct grid read_some(struct bench *b, struct tensor x, const struct weight *w,
                             struct tensor base, uint32_t m)
{
    struct readout_ask *asks = bench_host(b, m, sizeof *asks);
    struct row_stats *stats = bench_host(b, m, sizeof *stats);
    struct grid out = bench_grid(b, m, 7);
    for (uint32_t i = 0; i < m; i++)
        asks[i] = (struct readout_ask){ .row = i, .base = i, .target = 3, .foil = 4 };
    CHECK(b, readout(b->engine, x, w, NULL, base, asks, m, stats, &b->err));
    for (uint32_t i = 0; i < m; i++) {
        const struct row_stats *s = &stats[i];
        float row[7] = { s->target_logit, s->foil_logit,  s->lse,          s->entropy,
                         s->kl,           (float)s->rank, (float)s->argmax };
        memcpy(out.at + (size_t)i * 7, row, sizeof row);
    }
    return out;
}

static void readouts_leave_rows_alone(void **state)
{
    struct bench *b = bench_begin(state);
    static const uint32_t vocabularies[] = { 97, 2053, 4096 };
    for (uint32_t v = 0; v < 3; v++) {
        struct tensor x = bench_upload(b, bench_random(b, ROWS, 60));
        struct tensor base = bench_upload(b, bench_random(b, ROWS, 60));
        struct weight *w = bench_load_grid(b, bench_halves(b, 60, vocabularies[v]), true);
        omp_set_num_threads(1);
        struct grid expected = read_some(b, x, w, base, ROWS);
        for (uint32_t i = 0; i < N_ROW_COUNTS; i++) {
            uint32_t m = heights[i];
            omp_set_num_threads(1 + (int)((i + v) % MOST_THREADS));
            same_bits(
                b, read_some(b, tensor_rows(x, ROWS - m, m), w, tensor_rows(base, ROWS - m, m), m),
                expected, ROWS - m, "a read-out");
        }
        bench_clear(b);
    }
}

static int run(const char *device)
{
    const struct CMUnitTest tests[] = {
        TEST(products_leave_rows_alone),        TEST(heads_leave_rows_alone),
        TEST(norms_and_gates_leave_rows_alone), TEST(attention_leaves_rows_alone),
        TEST(readouts_leave_rows_alone),
    };
    return strcmp(device, "cpu") != 0
               ? 0
               : cmocka_run_group_tests_name(device, tests, bench_open, bench_close);
}

int main(void)
{
    return bench_each_device(run);
}
