// One device under test: tensors, lists and weights that go away with the test, outputs inside of
// larger tensors, and a row alone against itself among others. Everything fails the test when
// something cannot be done.
#ifndef ABL_TESTS_BENCH_H
#define ABL_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "tests/support/engine_ref.h"

enum { MOST_ROWS = 130, MOST_THINGS = 64, MARGINS = 3, N_HEIGHTS = 6 };

// Room around an output that must stay as it is: columns before it and behind it. 4 keeps vectors
// aligned, 3 does not.
extern const uint32_t bench_margins[MARGINS];
// Rows of batches: few, odd, and more than an engine takes in one go.
extern const uint32_t bench_heights[N_HEIGHTS];

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

// CHECK(b, norm(b->engine, …, &b->err)) calls that operation.
#define CHECK(b, call) bench_check(b, (b)->engine->ops->call, #call, __LINE__)
void bench_check(const struct bench *b, bool ok, const char *what, int line);

// Open each device that ABLTUI_TEST_DEVICES names ("cpu vulkan"), in the precision of
// ABLTUI_TEST_PRECISION (f32), and run a group of tests on it: the return value of main. run calls
// cmocka_run_group_tests_name with bench_open and bench_close; TEST clears the bench after each
// test.
int bench_each_device(int (*run)(const char *device));
int bench_open(void **state);
int bench_close(void **state);
int bench_teardown(void **state);
#define TEST(name) cmocka_unit_test_teardown(name, bench_teardown)

// First in a test: the same random numbers each time; skips it where the device is missing.
struct bench *bench_begin(void **state);
void bench_clear(struct bench *b); // release everything made on it so far

// Host memory until bench_clear.
void *bench_host(struct bench *b, size_t n, size_t size);
struct ref *bench_refs(struct bench *b, size_t rows, size_t cols);
struct grid bench_grid(struct bench *b, uint32_t rows, uint32_t cols);

float bench_float(struct bench *b); // uniform in [-1, 1)
struct grid bench_random(struct bench *b, uint32_t rows, uint32_t cols);
// likewise, numbers that fp16 holds
struct grid bench_halves(struct bench *b, uint32_t rows, uint32_t cols);
// Multiples of unit, a power of two, up to 8 of it: their products and sums are exact in single
// precision.
struct grid bench_exact(struct bench *b, uint32_t rows, uint32_t cols, float unit);

struct tensor bench_tensor(struct bench *b, uint32_t rows, uint32_t cols); // content undefined
struct tensor bench_upload(struct bench *b, struct grid g);
struct tensor bench_upload_row(struct bench *b, const float *values, uint32_t n);
struct grid bench_download(struct bench *b, struct tensor t);
struct index bench_list(struct bench *b, const uint32_t *values, uint32_t n);
void bench_release_last(struct bench *b); // the tensor made last

// An output inside of a larger tensor that is full of numbers.
struct target {
    struct tensor whole, out;
    struct grid before, old; // whole and out as they were
    uint32_t margin;
};

struct target target_new(struct bench *b, uint32_t rows, uint32_t cols, uint32_t margin);
// What the output holds now; fails if anything around it has changed.
struct grid target_read(struct bench *b, const struct target *t, const char *what);

// How a row found alone differs from the same row found among others, relative to the size of its
// terms.
struct alone {
    double worst;
    bool same_bits;
};

void alone_compare(struct alone *a, struct grid one, struct grid all, const struct ref *size,
                   uint32_t row);
void alone_report(const struct bench *b, const char *what, const struct alone *a);

// A weight's file.
struct matrix {
    struct grid values; // (k, n)
    bool out_in;
    // File rows read so far, the sum of their numbers, in how many blocks; threads read.
    _Atomic uint64_t n_rows, sum;
    _Atomic uint32_t n_reads;
    bool fails;
};

struct matrix_source matrix_source(struct matrix *m);
struct weight *bench_load(struct bench *b, struct matrix *m);
struct weight *bench_load_grid(struct bench *b, struct grid values, bool out_in);

#endif
