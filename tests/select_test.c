// The languages of --heads, --layers, --sets, and the variants that come of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab/select.h"
#include "lab/variant.h"

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
    assert_int_equal(variants_find(&v, "0:2+2:7"), 4);
    assert_int_equal(v.items[4].n_edits, 2);
    assert_int_equal(variants_find(&v, "3:0"), SIZE_MAX);
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
        cmocka_unit_test(bad_heads_name_the_part_and_the_range),
        cmocka_unit_test(layers_take_numbers_and_ranges),
        cmocka_unit_test(sets_are_ascending_and_without_repeats),
        cmocka_unit_test(sets_run_their_singles_too),
        cmocka_unit_test(identity_edits_have_no_first_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
