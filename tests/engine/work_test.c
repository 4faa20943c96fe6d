// What operations cost, and a traced engine that counts it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/traced.h"
#include "engine/work.h"

static void products_are_two_flop_a_multiply_add(void **state)
{
    (void)state;
    assert_int_equal(linear_flop(3, 5, 7), 2 * 3 * 5 * 7);
    assert_int_equal(head_out_flop(3, 4, 7), 2 * 3 * 4 * 7);
    assert_int_equal(readout_flop(3, 2, 5, 7), 2 * (3 + 2) * 5 * 7);
    assert_int_equal(linear_flop(0, 5, 7), 0);
    assert_int_equal(weight_bytes(5, 7, PRECISION_F32), 4 * 5 * 7);
    assert_int_equal(weight_bytes(5, 7, PRECISION_F16), 2 * 5 * 7);
}

static void counts_are_exact_beyond_doubles(void **state)
{
    (void)state;
    uint64_t odd = (UINT64_C(1) << 53) + 1;
    assert_int_equal(linear_flop(odd, 1, 1), 2 * odd);
    assert_int_equal(count_add(linear_flop(odd, 1, 1), 1), 2 * odd + 1);
}

static void what_does_not_fit_stays_too_big(void **state)
{
    (void)state;
    uint64_t much = linear_flop(UINT32_MAX, UINT32_MAX, UINT32_MAX);
    assert_int_equal(much, COUNT_TOO_BIG);
    assert_int_equal(count_add(much, 1), COUNT_TOO_BIG);
    assert_int_equal(count_add(1, much), COUNT_TOO_BIG);
    assert_int_equal(count_mul(much, 0), COUNT_TOO_BIG);
    assert_int_equal(count_add(UINT64_MAX - 1, 2), COUNT_TOO_BIG);
    assert_int_equal(readout_flop(UINT64_MAX - 1, 2, 0, 1), COUNT_TOO_BIG);
    assert_int_equal(count_add(UINT64_MAX - 3, 2), UINT64_MAX - 1);
}

enum { K = 6, N = 5, ROWS = 4, BASES = 2 };

struct counted {
    struct engine *engine;
    struct weight *w;
    struct tensor x, out, base;
    struct abl_err err;
};

static bool read_ones(void *context, uint32_t first, uint32_t count, float *out,
                      struct abl_err *err)
{
    (void)context, (void)first, (void)err;
    for (uint32_t i = 0; i < count * N; i++)
        out[i] = 1;
    return true;
}

static void counted_open(struct counted *b)
{
    static const float zeros[ROWS * K];
    struct matrix_source source = { .k = K, .n = N, .read = read_ones };
    struct engine *cpu;
    assert_true(cpu_engine_open(1, PRECISION_F32, &cpu, &b->err));
    assert_true(traced_engine_new(cpu, false, &b->engine, &b->err));
    const struct engine_ops *ops = b->engine->ops;
    assert_true(ops->weight_new(b->engine, &source, &b->w, &b->err));
    assert_true(ops->alloc(b->engine, ROWS, K, &b->x, &b->err));
    assert_true(ops->alloc(b->engine, BASES, K, &b->base, &b->err));
    assert_true(ops->alloc(b->engine, ROWS, N, &b->out, &b->err));
    assert_true(ops->upload(b->engine, b->x, zeros, &b->err));
    assert_true(ops->upload(b->engine, b->base, zeros, &b->err));
}

static void counted_close(struct counted *b)
{
    const struct engine_ops *ops = b->engine->ops;
    ops->release(b->engine, &b->x);
    ops->release(b->engine, &b->base);
    ops->release(b->engine, &b->out);
    ops->weight_free(b->engine, b->w);
    ops->free(b->engine);
}

static void a_traced_engine_counts_what_the_functions_tell(void **state)
{
    (void)state;
    struct counted b = { 0 };
    struct readout_ask asks[ROWS] = { { .row = 0 }, { .row = 1 }, { .row = 2 }, { .row = 3 } };
    struct row_stats stats[ROWS];
    counted_open(&b);
    const struct engine_ops *ops = b.engine->ops;
    struct tensor one_head = tensor_cols(b.x, 0, 2);
    for (int i = 0; i < 3; i++)
        assert_true(ops->linear(b.engine, b.out, b.x, b.w, &(struct epilogue){ 0 }, &b.err));
    assert_true(ops->head_out(b.engine, b.out, one_head, b.w, 2, &b.err));
    assert_true(ops->readout(b.engine, b.x, b.w, NULL, b.base, asks, ROWS, stats, &b.err));

    const struct trace *t = trace_of(b.engine);
    assert_int_equal(t->totals[TRACED_LINEAR].n, 3);
    assert_int_equal(t->totals[TRACED_LINEAR].flop, 3 * linear_flop(ROWS, K, N));
    assert_int_equal(t->totals[TRACED_HEAD_OUT].flop, head_out_flop(ROWS, 2, N));
    assert_int_equal(t->totals[TRACED_READOUT].flop, readout_flop(ROWS, BASES, K, N));
    assert_int_equal(trace_flop(t), 3 * linear_flop(ROWS, K, N) + head_out_flop(ROWS, 2, N)
                                        + readout_flop(ROWS, BASES, K, N));
    assert_int_equal(t->loaded_bytes, weight_bytes(K, N, PRECISION_F32));
    counted_close(&b);
}

static void every_operation_has_a_name(void **state)
{
    (void)state;
    for (int op = 0; op < N_TRACED; op++) {
        assert_non_null(traced_op_name((enum traced_op)op));
        for (int other = 0; other < op; other++)
            assert_string_not_equal(traced_op_name((enum traced_op)op),
                                    traced_op_name((enum traced_op)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_two_flop_a_multiply_add),
        cmocka_unit_test(counts_are_exact_beyond_doubles),
        cmocka_unit_test(what_does_not_fit_stays_too_big),
        cmocka_unit_test(a_traced_engine_counts_what_the_functions_tell),
        cmocka_unit_test(every_operation_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
