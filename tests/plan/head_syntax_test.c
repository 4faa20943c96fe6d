// The languages of --heads, --layers, --sets, --pairs, --triplets and --positions, and the variants
// that come of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/head_syntax.h"
#include "plan/variant.h"
#include "tests/support/labelled.h"

static const struct model_shape shape = { .n_layers = 4, .n_heads = 8 };

static void heads_keep_their_order_and_drop_repeats(void **state)
{
    (void)state;
    struct arena a = { 0 };
    struct head_set set;
    struct abl_err err;
    assert_true(heads_parse("3:1, 0:2,3:1", &shape, &a, &set, &err));
    assert_int_equal(set.n, 2);
    assert_int_equal(set.heads[0].layer, 3);
    assert_int_equal(set.heads[1].head, 2);
    assert_true(heads_parse("2:*", &shape, &a, &set, &err));
    assert_int_equal(set.n, 8);
    assert_true(heads_parse("all", &shape, &a, &set, &err));
    assert_int_equal(set.n, 32);
    arena_release(&a);
}

// numpy.random.default_rng(7 + layer).choice(8, 2, replace=False), layers 0 to 3
static void random_heads_are_those_that_numpy_draws(void **state)
{
    (void)state;
    static const uint32_t expected[] = { 5, 6, 2, 5, 2, 6, 5, 7 };
    struct arena a = { 0 };
    struct head_set set;
    struct abl_err err;
    assert_true(heads_parse("random:2@7", &shape, &a, &set, &err));
    assert_int_equal(set.n, 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(set.heads[i].layer, i / 2);
        assert_int_equal(set.heads[i].head, expected[i]);
    }
    struct head_draw *draws;
    size_t n;
    assert_true(heads_draws("random:2@7+8", &shape, &a, &draws, &n, &err));
    assert_int_equal(n, 2);
    assert_true(draws[0].seed == 7 && draws[1].seed == 8);
    struct head_set both;
    assert_true(heads_parse("random:2@7+8", &shape, &a, &both, &err));
    size_t n_both = 0; // each head once, and none that no seed drew
    for (size_t i = 0; i < both.n; i++) {
        assert_true(head_set_has(&draws[0].heads, both.heads[i])
                    || head_set_has(&draws[1].heads, both.heads[i]));
        n_both += head_set_has(&draws[0].heads, both.heads[i])
                  && head_set_has(&draws[1].heads, both.heads[i]);
    }
    assert_int_equal(both.n + n_both, 16);
    assert_true(heads_draws("0:1", &shape, &a, &draws, &n, &err) && n == 0);
    assert_true(heads_parse("random:99@0", &shape, &a, &set, &err));
    assert_int_equal(set.n, 32);
    static const char *const bad[]
        = { "random:",     "random:0@1",  "random:2",      "random:2@",   "random:x@1",
            "random:2@-1", "random:2@1+", "random:2@1++2", "random:2@1,2" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(heads_parse(bad[i], &shape, &a, &set, &err));
        assert_non_null(strstr(err.text, "random:K@SEED"));
    }
    arena_release(&a);
}

static void bad_heads_name_the_part_and_the_range(void **state)
{
    (void)state;
    static const char *const bad[]
        = { "4:0", "0:8", "0", "a:1", "0:-1", "0:1,,", ":", "0:99999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena a = { 0 };
        struct head_set set;
        struct abl_err err = { 0 };
        assert_false(heads_parse(bad[i], &shape, &a, &set, &err));
        assert_int_equal(err.code, ABL_USAGE);
        assert_non_null(strstr(err.text, "layer 0-3"));
        arena_release(&a);
    }
}

static void layers_take_numbers_and_ranges(void **state)
{
    (void)state;
    bool keep[4];
    struct abl_err err;
    assert_true(layers_parse("0-1,3", &shape, keep, &err));
    assert_true(keep[0] && keep[1] && !keep[2] && keep[3]);
    assert_false(layers_parse("2-1", &shape, keep, &err));
    assert_false(layers_parse("4", &shape, keep, &err));
}

static void sets_are_ascending_and_without_repeats(void **state)
{
    (void)state;
    struct arena a = { 0 };
    struct head_set *sets;
    size_t n;
    struct abl_err err;
    assert_true(sets_parse("1:4+0:2+0:2;0:2+1:4;3:0;", &shape, &a, &sets, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(head_set_label(&sets[0], &a), "0:2+1:4");
    assert_string_equal(head_set_label(&sets[1], &a), "3:0");
    assert_false(sets_parse(";;", &shape, &a, &sets, &n, &err));
    arena_release(&a);
}

static void combinations_are_all_subsets_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t k;
        const char *labels[8];
    } cases[] = {
        { "0:2,4,7", 2, { "0:2+0:4", "0:2+0:7", "0:4+0:7" } },
        { "0:7,2,4,2", 2, { "0:2+0:4", "0:2+0:7", "0:4+0:7" } },
        { "1:0,3", 2, { "1:0+1:3" } },
        { "3:1,2; 0:5, 6;", 2, { "3:1+3:2", "0:5+0:6" } },
        { "2:1,3,5,7", 3, { "2:1+2:3+2:5", "2:1+2:3+2:7", "2:1+2:5+2:7", "2:3+2:5+2:7" } },
        { "0:0,1,2", 3, { "0:0+0:1+0:2" } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = { 0 };
        struct head_set *sets;
        struct abl_err err = { 0 };
        size_t n, expected = 0;
        if (!combinations_parse(cases[i].text, cases[i].k, &shape, &a, &sets, &n, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        for (; cases[i].labels[expected]; expected++)
            if (expected < n)
                assert_string_equal(head_set_label(&sets[expected], &a), cases[i].labels[expected]);
        assert_int_equal(n, expected);
        arena_release(&a);
    }
}

static void combinations_of_a_whole_layer_are_binomial(void **state)
{
    (void)state;
    struct arena a = { 0 };
    struct head_set *sets;
    struct abl_err err;
    size_t n;
    assert_true(combinations_parse("2:0,1,2,3,4,5,6,7", 2, &shape, &a, &sets, &n, &err));
    assert_int_equal(n, 28);
    assert_true(combinations_parse("2:0,1,2,3,4,5,6,7", 3, &shape, &a, &sets, &n, &err));
    assert_int_equal(n, 56);
    arena_release(&a);
}

static void bad_combinations_name_option_and_range(void **state)
{
    (void)state;
    static const char *const bad[] = { "0:2", "0:2,2", "4:0,1",   "0:0,8",  "0:a,b",   "0:1,,2",
                                       "1,2", ":1,2",  "0:1+2,3", "0:-1,2", "0:1,2;x", "0:" };
    for (uint32_t k = 2; k <= 3; k++)
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            struct arena a = { 0 };
            struct head_set *sets;
            struct abl_err err = { 0 };
            size_t n;
            if (combinations_parse(bad[i], k, &shape, &a, &sets, &n, &err))
                fail_msg("'%s' was taken", bad[i]);
            assert_int_equal(err.code, ABL_USAGE);
            assert_non_null(strstr(err.text, k == 2 ? "--pairs" : "--triplets"));
            assert_non_null(strstr(err.text, "layer 0-3"));
            arena_release(&a);
        }
}

static void sets_run_their_singles_too(void **state)
{
    (void)state;
    struct arena a = { 0 };
    struct head_set *sets;
    size_t n;
    struct variants v;
    struct abl_err err;
    assert_true(sets_parse("0:2+1:4;0:2+2:7", &shape, &a, &sets, &n, &err));
    assert_true(variants_sets(sets, n, (struct ablation){ 0 }, &v, &err));
    assert_int_equal(v.n, 5); // 0:2 1:4 2:7 and the two sets
    assert_int_equal(labelled(&v, "0:2+2:7"), 4);
    assert_int_equal(v.items[4].n_edits, 2);
    assert_int_equal(labelled(&v, "3:0"), NO_VARIANT);
    variants_release(&v);
    arena_release(&a);
}

static void identity_edits_have_no_first_layer(void **state)
{
    (void)state;
    struct head heads[] = { { 2, 1 } };
    struct variants v;
    struct abl_err err;
    assert_true(variants_heads(heads, 1, (struct ablation){ .scale = 1 }, &v, &err));
    assert_int_equal(variant_first_layer(&v.items[0]), NO_LAYER);
    variants_release(&v);
    assert_true(variants_heads(heads, 1, (struct ablation){ .scale = 0.5f }, &v, &err));
    assert_int_equal(variant_first_layer(&v.items[0]), 2);
    variants_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_keep_their_order_and_drop_repeats),
        cmocka_unit_test(random_heads_are_those_that_numpy_draws),
        cmocka_unit_test(bad_heads_name_the_part_and_the_range),
        cmocka_unit_test(layers_take_numbers_and_ranges),
        cmocka_unit_test(sets_are_ascending_and_without_repeats),
        cmocka_unit_test(combinations_are_all_subsets_in_order),
        cmocka_unit_test(combinations_of_a_whole_layer_are_binomial),
        cmocka_unit_test(bad_combinations_name_option_and_range),
        cmocka_unit_test(sets_run_their_singles_too),
        cmocka_unit_test(identity_edits_have_no_first_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
