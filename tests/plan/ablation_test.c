// Kinds of ablation: names, and the edits that they make.
#include "plan/ablation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void names_and_scales_are_read_and_nothing_else(void **state)
{
    (void)state;
    static const char *const bad[]
        = { "", "half", "scale", "scale=", "scale=x", "scale=1e7", "zero ", "Mean", "scale=nan" };
    struct ablation how = { .value_bias = VALUE_BIAS_HEAD, .scale = 3 };
    for (int kind = 0; kind < N_ABLATE_KINDS; kind++) {
        assert_true(ablation_parse(ablation_kind_name((size_t)kind), &how));
        assert_int_equal(how.kind, kind);
        assert_true(how.scale == 0.0f && !ablation_has_factor(how));
        assert_int_equal(how.value_bias, VALUE_BIAS_HEAD);
    }
    assert_null(ablation_kind_name(N_ABLATE_KINDS));
    assert_true(ablation_parse("scale=-0.5", &how) && how.kind == ABLATE_SCALE);
    assert_true(how.scale == -0.5f && ablation_has_factor(how));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ablation_parse(bad[i], &how))
            fail_msg("'%s' was read", bad[i]);
    assert_true(how.scale == -0.5f);
}

static void lists_of_kinds_are_read_each_once(void **state)
{
    (void)state;
    static const char too_many[]
        = "scale=1,scale=2,scale=3,scale=4,scale=5,scale=6,scale=7,scale=8,"
          "scale=9";
    const char *const bad[]
        = { "",          ",",           "zero,", ",zero", "zero,,mean", "zero,zero", "scale=0,zero",
            "zero mean", "mean,median", too_many };
    struct ablations all = { .items = { { .value_bias = VALUE_BIAS_HEAD } } };
    assert_true(ablations_parse("mean,zero,scale=0.5,scale=-2", &all));
    assert_int_equal(all.n, 4);
    assert_int_equal(all.items[0].kind, ABLATE_MEAN);
    assert_true(all.items[1].kind == ABLATE_SCALE && all.items[1].scale == 0.0f);
    assert_true(all.items[2].scale == 0.5f && all.items[3].scale == -2.0f);
    for (size_t i = 0; i < all.n; i++)
        assert_int_equal(all.items[i].value_bias, VALUE_BIAS_HEAD);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ablations_parse(bad[i], &all))
            fail_msg("'%s' was read", bad[i]);
    assert_int_equal(all.n, 4); // as it was
}

static void every_kind_makes_its_edit_at_the_head(void **state)
{
    (void)state;
    const enum edit_source sources[] = { [ABLATE_SCALE] = SOURCE_CONSTANT,
                                         [ABLATE_MEAN] = SOURCE_MEAN,
                                         [ABLATE_RESAMPLE] = SOURCE_ROW,
                                         [ABLATE_PATCH] = SOURCE_ROW };
    for (int kind = 0; kind < N_ABLATE_KINDS; kind++) {
        struct ablation how = { .kind = (enum ablate_kind)kind, .donor = 2 };
        struct edit e = head_edit((struct head){ 3, 5 }, how);
        assert_int_equal(e.site, SITE_Z);
        assert_true(e.layer == 3 && e.head == 5 && e.position == ALL_POSITIONS);
        assert_int_equal(e.op, kind == ABLATE_SCALE ? EDIT_SCALE : EDIT_SET);
        assert_int_equal(e.source, sources[kind]);
        assert_int_equal(e.donor, e.source == SOURCE_ROW ? 2 : 0);
    }
    struct ablation head = { .scale = 0.5f, .value_bias = VALUE_BIAS_HEAD };
    struct edit e = head_edit((struct head){ 0, 0 }, head);
    assert_true(e.source == SOURCE_NONE && e.factor == 0.5f);
}

static void keys_and_names_are_each_their_own(void **state)
{
    (void)state;
#define KEY(id, name, key, ...) key,
    static const char keys[] = { ABLATION_ROWS(KEY) };
    for (size_t i = 0; i < N_ABLATE_KINDS; i++)
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(keys[i], keys[k]);
            assert_string_not_equal(ablation_kind_name(i), ablation_kind_name(k));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_scales_are_read_and_nothing_else),
        cmocka_unit_test(lists_of_kinds_are_read_each_once),
        cmocka_unit_test(every_kind_makes_its_edit_at_the_head),
        cmocka_unit_test(keys_and_names_are_each_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
