// What stages and ways through the layers cost.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/size.h"
#include "plan/work.h"

// Products of a token row: q 8x8, k and v 8x8 together, W_O 8x8, the MLP twice 8x16, gated thrice.
#define SIZES .n_heads = 2, .n_kv_heads = 1, .d_head = 4, .d_model = 8, .d_mlp = 16
static const struct model_shape plain = { .n_layers = 4, SIZES },
                                gated = { .n_layers = 4, SIZES, .gated = true },
                                parallel = { .n_layers = 4, SIZES, .parallel = true },
                                one_layer = { .n_layers = 1, SIZES };
static const struct model_shape *const shapes[] = { &plain, &gated, &parallel, &one_layer };

static const struct copy_rows ten = { .rows = 10, .reads = 3 },
                              whole = { .rows = 10, .reads = 3, .whole_last_layer = true };

enum { Q = 2 * 8 * 8, KV = Q, OUT = Q, MLP = 2 * 2 * 8 * 16 }; // FLOP of a row

static void stages_are_counted_by_hand(void **state)
{
    (void)state;
    assert_int_equal(stage_flop(&plain, &ten, 0, STAGE_START), 10 * (Q + KV));
    assert_int_equal(stage_flop(&plain, &ten, 0, STAGE_ATTENDED), 0);
    assert_int_equal(stage_flop(&plain, &ten, 0, STAGE_BESIDE), 10 * OUT);
    assert_int_equal(stage_flop(&plain, &ten, 0, STAGE_PROJECTED), 10 * MLP);
    assert_int_equal(stage_flop(&plain, &ten, 0, STAGE_DONE), 0);
    assert_int_equal(stage_flop(&gated, &ten, 0, STAGE_PROJECTED), 10 * MLP / 2 * 3);
    assert_int_equal(stage_flop(&parallel, &ten, 0, STAGE_ATTENDED), 10 * MLP);
    assert_int_equal(stage_flop(&parallel, &ten, 0, STAGE_PROJECTED), 0);
}

static void only_read_outs_go_on_in_the_last_layer(void **state)
{
    (void)state;
    assert_int_equal(stage_flop(&plain, &ten, 3, STAGE_START), 10 * KV + 3 * Q);
    assert_int_equal(stage_flop(&plain, &ten, 3, STAGE_BESIDE), 3 * OUT);
    assert_int_equal(stage_flop(&plain, &ten, 3, STAGE_PROJECTED), 3 * MLP);
    assert_int_equal(stage_flop(&plain, &whole, 3, STAGE_PROJECTED), 10 * MLP);
    assert_int_equal(head_change_flop(&plain, &ten, 0, 2), 2 * 10 * 2 * 4 * 8);
    assert_int_equal(head_change_flop(&plain, &ten, 3, 2), 2 * 3 * 2 * 4 * 8);
    assert_int_equal(head_change_flop(&plain, &whole, 3, 1), 10 * 2 * 4 * 8);
}

// Stages in one line, those of a layer behind those of the one before.
static struct start_point point(uint32_t at)
{
    return (struct start_point){ at / N_STAGES, (enum stage)(at % N_STAGES) };
}

static uint64_t summed(const struct model_shape *s, const struct copy_rows *c, uint32_t from,
                       uint32_t to)
{
    uint64_t sum = 0;
    for (; from < to; from++)
        sum += stage_flop(s, c, point(from).layer, point(from).stage);
    return sum;
}

static void ways_are_the_sums_of_their_stages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        uint32_t end = shapes[i]->n_layers * N_STAGES;
        for (uint32_t from = 0; from <= end; from++)
            for (uint32_t to = from; to <= end; to++) {
                assert_int_equal(path_flop(shapes[i], &ten, point(from), point(to)),
                                 summed(shapes[i], &ten, from, to));
                assert_int_equal(path_flop(shapes[i], &whole, point(from), point(to)),
                                 summed(shapes[i], &whole, from, to));
            }
        struct start_point last = path_end(shapes[i]);
        assert_int_equal(last.layer, shapes[i]->n_layers);
        assert_int_equal(last.stage, STAGE_START);
    }
}

static void counts_that_do_not_fit_stay_so(void **state)
{
    (void)state;
    struct model_shape huge = { .n_layers = 512,
                                .n_heads = UINT32_MAX,
                                .d_head = UINT32_MAX,
                                .n_kv_heads = 1,
                                .d_model = UINT32_MAX,
                                .d_mlp = UINT32_MAX };
    struct copy_rows rows = { .rows = UINT32_MAX, .reads = 1 };
    assert_true(path_flop(&huge, &rows, point(0), path_end(&huge)) == COUNT_TOO_BIG);
    struct work a = { COUNT_TOO_BIG - 1, 5, 6 }, b = { 2, 10, 20 }, sum = work_add(a, b);
    assert_true(sum.flop == COUNT_TOO_BIG);
    assert_int_equal(sum.loaded_bytes, 15);
    assert_int_equal(sum.token_rows, 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_counted_by_hand),
        cmocka_unit_test(only_read_outs_go_on_in_the_last_layer),
        cmocka_unit_test(ways_are_the_sums_of_their_stages),
        cmocka_unit_test(counts_that_do_not_fit_stay_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
