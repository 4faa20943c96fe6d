// What activations and weights take of a device, and where that stops fitting.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/work.h"
#include "plan/memory_budget.h"
#include "plan/prompt_trie.h"
#include "plan/weights_fit.h"

// A token row takes ROW bytes, and in the MLP MLP_ROW beside them.
static const struct model_shape shape = { .n_layers = 3,
                                          .n_heads = 2,
                                          .n_kv_heads = 1,
                                          .d_head = 4,
                                          .d_model = 8,
                                          .d_mlp = 16,
                                          .n_vocab = 11 };
enum { ROW = (3 * 8 + 3 * 8 + 2 * 4) * 4, MLP_ROW = 16 * 4, IN_MLP = 600 };

static struct memory_budget budget(uint64_t mem)
{
    return (struct memory_budget){ .mem = mem, .part_bytes = IN_MLP * MLP_ROW, .rows_at_once = 64 };
}

static void budgets_are_what_the_device_says(void **state)
{
    (void)state;
    const struct device_info device = { .part_bytes = 70, .rows_at_once = 9 };
    struct memory_budget stay = memory_budget_of(&device, 100, true);
    assert_true(stay.mem == 100 && stay.part_bytes == 70 && stay.rows_at_once == 9);
    assert_int_equal(memory_budget_of(&device, 100, false).rows_at_once, UINT32_MAX);
    assert_int_equal(memory_budget_left(stay, 30).mem, 70);
    assert_int_equal(memory_budget_left(stay, 101).mem, 0);
}

static void the_mlp_takes_parts_of_rows(void **state)
{
    (void)state;
    struct model_shape gated = shape;
    gated.gated = true;
    assert_int_equal(mlp_rows(&shape, 0), 512);
    assert_int_equal(mlp_rows(&shape, 513 * MLP_ROW - 1), 512);
    assert_int_equal(mlp_rows(&shape, 513 * MLP_ROW), 513);
    assert_int_equal(mlp_rows(&gated, 2000 * MLP_ROW), 1000);
    assert_int_equal(mlp_rows(&shape, UINT64_MAX), UINT32_MAX);
}

static void streams_take_rows_and_one_part(void **state)
{
    (void)state;
    struct memory_budget r = budget(0);
    struct model_shape gated = shape;
    gated.gated = true;
    assert_int_equal(stream_bytes(&shape, &r, 0), 0);
    assert_int_equal(stream_bytes(&shape, &r, IN_MLP), IN_MLP * (ROW + MLP_ROW));
    assert_int_equal(stream_bytes(&shape, &r, IN_MLP + 1), (IN_MLP + 1) * ROW + IN_MLP * MLP_ROW);
    assert_int_equal(stream_bytes(&gated, &r, 3), 3 * (ROW + 2 * MLP_ROW));
}

// However two streams share the rows that fit, they do; with one row more some would not.
static void expect_fit(uint64_t mem, size_t fit)
{
    struct memory_budget r = budget(mem);
    assert_int_equal(stream_rows_that_fit(&shape, &r), fit);
    uint64_t most = 0, most_next = 0;
    for (size_t own = 0; own <= fit; own++) {
        uint64_t bytes = stream_bytes(&shape, &r, own) + stream_bytes(&shape, &r, fit - own);
        uint64_t next = stream_bytes(&shape, &r, own) + stream_bytes(&shape, &r, fit + 1 - own);
        most = bytes > most ? bytes : most;
        most_next = next > most_next ? next : most_next;
    }
    assert_true(most <= mem);
    assert_true(most_next > mem);
}

static void rows_fit_in_two_streams(void **state)
{
    (void)state;
    expect_fit(0, 0);
    expect_fit(10 * (ROW + MLP_ROW) - 1, 9); // all of them in the MLP at once
    expect_fit(10 * (ROW + MLP_ROW), 10);
    expect_fit(2 * IN_MLP * MLP_ROW + 5000 * ROW, 5000); // two parts, and what is beside them
    expect_fit(2 * IN_MLP * MLP_ROW + 5000 * ROW - 1, 4999);
    for (uint64_t mem = 1; mem < 3000 * ROW; mem += 37 * ROW + 1) {
        struct memory_budget r = budget(mem);
        expect_fit(mem, stream_rows_that_fit(&shape, &r));
    }
}

static void copies_fill_what_is_enough_at_once(void **state)
{
    (void)state;
    struct memory_budget r = budget(0);
    assert_int_equal(memory_budget_copies(&r, 1000, 10), 6); // of 64 rows
    assert_int_equal(memory_budget_copies(&r, 59, 10), 5);
    assert_int_equal(memory_budget_copies(&r, 9, 10), 1); // one at least
    assert_int_equal(memory_budget_copies(&r, 0, 1), 1);
    r.rows_at_once = UINT32_MAX;
    assert_int_equal(memory_budget_copies(&r, 1000, 10), 100);
    assert_int_equal(memory_budget_copies(&r, SIZE_MAX, 1), MAX_COPIES);
}

static void layers_that_slide_have_the_window(void **state)
{
    (void)state;
    struct model_shape s = shape;
    s.slides[1] = true;
    assert_int_equal(stream_window(&s, 1), NO_WINDOW);
    s.window = 7;
    assert_int_equal(stream_window(&s, 1), 7);
    assert_int_equal(stream_window(&s, 2), NO_WINDOW);
}

static void kept_activations_are_counted(void **state)
{
    (void)state;
    assert_int_equal(clean_kv_bytes(&shape, 5), 3 * 5 * 2 * 4 * 4); // layers, nodes, k and v
    assert_int_equal(state_bytes(&shape, 5), 5 * 8 * 4);
}

// ---------------------------------------------------------------------------------- final states

// None wait where not even two have room; then as many as have, as are there, and as are carried.
static void states_wait_in_a_share_of_memory(void **state)
{
    (void)state;
    const uint64_t one = state_bytes(&shape, 3);
    uint64_t first = 0; // the least memory in which some wait
    while (first < 100 * one && !waiting_states(&shape, 3, 1000, first))
        first++;
    assert_true(first >= 4 * one); // they leave most of it to streams
    assert_int_equal(waiting_states(&shape, 3, 1000, first), 2);
    assert_int_equal(waiting_states(&shape, 3, 1000, first / 2 * 3 - 1), 2);
    assert_int_equal(waiting_states(&shape, 3, 1000, first / 2 * 3), 3);
    assert_int_equal(waiting_states(&shape, 3, 5, UINT64_MAX), 5);
    assert_int_equal(waiting_states(&shape, 3, 2, UINT64_MAX), 2);
    assert_int_equal(waiting_states(&shape, 3, 1, UINT64_MAX), 0);
    assert_int_equal(waiting_states(&shape, 3, 100000, UINT64_MAX), MAX_COPIES);
}

// When they took some whole number of times what unembedding the intact states takes.
static void reading_out_is_due_when_it_costs_next_to_nothing(void **state)
{
    (void)state;
    const uint64_t once = linear_flop(3, shape.d_model, shape.n_vocab);
    uint64_t times = 1;
    while (times < 10000 && !waiting_is_due(&shape, 3, times * once))
        times++;
    assert_in_range(times, 20, 1000);
    assert_false(waiting_is_due(&shape, 3, times * once - 1));
    assert_false(waiting_is_due(&shape, 6, times * once)); // as many more states as FLOP
    assert_true(waiting_is_due(&shape, 6, 2 * times * once));
    assert_false(waiting_is_due(&shape, 3, 0));
}

// ---------------------------------------------------------------------------------------- weights

enum { LAYER_BYTES = 4 * (8 * 16 + 8 * 8 + 2 * 8 * 16), UNEMBED_BYTES = 4 * 8 * 11 };

static void expect_weights(uint64_t mem, uint32_t streamed, uint64_t kept)
{
    struct weights_fit f = weights_fit_of(&shape, PRECISION_F32, mem);
    assert_int_equal(f.layer, LAYER_BYTES);
    assert_int_equal(f.bytes, UNEMBED_BYTES + 3 * LAYER_BYTES);
    assert_int_equal(f.n_streamed, streamed);
    assert_int_equal(f.kept, kept);
}

// Where not all layers fit one more passes through the room of one.
static void last_layers_stay_as_far_as_they_fit(void **state)
{
    (void)state;
    const uint64_t all = UNEMBED_BYTES + 3 * LAYER_BYTES, two = UNEMBED_BYTES + 2 * LAYER_BYTES;
    expect_weights(UINT64_MAX, 0, all);
    expect_weights(all, 0, all);
    expect_weights(all - 1, 2, two);
    expect_weights(two, 2, two);
    expect_weights(two - 1, 3, UNEMBED_BYTES + LAYER_BYTES);
    expect_weights(0, 3, UNEMBED_BYTES + LAYER_BYTES); // no less will do
}

static void weights_are_counted_by_their_kind(void **state)
{
    (void)state;
    struct model_shape gated = shape;
    gated.gated = true;
    assert_int_equal(weights_fit_of(&gated, PRECISION_F32, 0).layer, LAYER_BYTES + 4 * 8 * 16);
    struct weights_fit half = weights_fit_of(&shape, PRECISION_F16, UINT64_MAX);
    assert_int_equal(half.bytes, (UNEMBED_BYTES + 3 * LAYER_BYTES) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_are_what_the_device_says),
        cmocka_unit_test(the_mlp_takes_parts_of_rows),
        cmocka_unit_test(streams_take_rows_and_one_part),
        cmocka_unit_test(rows_fit_in_two_streams),
        cmocka_unit_test(copies_fill_what_is_enough_at_once),
        cmocka_unit_test(layers_that_slide_have_the_window),
        cmocka_unit_test(kept_activations_are_counted),
        cmocka_unit_test(states_wait_in_a_share_of_memory),
        cmocka_unit_test(reading_out_is_due_when_it_costs_next_to_nothing),
        cmocka_unit_test(last_layers_stay_as_far_as_they_fit),
        cmocka_unit_test(weights_are_counted_by_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
