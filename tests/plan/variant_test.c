// What a variant is stands in its fields: labels are made from them, and lists are searched by them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/variant.h"

static struct head heads[] = { { 0, 2 }, { 0, 4 }, { 3, 1 } };

static const struct ablation zero = { .value_bias = VALUE_BIAS_FOLDED };

static struct edit patch_at(enum site site, uint32_t layer, uint32_t head, int32_t position)
{
    return (struct edit){
        .site = site, .layer = layer, .head = head, .position = position, .op = EDIT_SET
    };
}

static void is_labelled(const struct variant *v, const char *label)
{
    struct arena a = { 0 };
    assert_string_equal(variant_label(v, &a), label);
    arena_release(&a);
}

static void labels_are_made_from_the_fields(void **state)
{
    (void)state;
    struct edit place = patch_at(SITE_RESID_POST, 3, ALL_HEADS, -1);
    is_labelled(&(struct variant){ .role = ROLE_HEAD, .nodes = { heads + 1, 1 } }, "0:4");
    is_labelled(&(struct variant){ .role = ROLE_SET, .nodes = { heads, 3 } }, "0:2+0:4+3:1");
    is_labelled(&(struct variant){ .role = ROLE_CONTROL, .nodes = { heads, 2 } }, "0:2+0:4");
    struct variant back = { .role = ROLE_RESTORED,
                            .nodes = { heads, 3 },
                            .restored = { heads + 1, 2 },
                            .donor = DONOR_SAME };
    is_labelled(&back, "0:2+0:4+3:1~0:4+3:1");
    back.donor = DONOR_OTHER;
    is_labelled(&back, "0:2+0:4+3:1~corrupt 0:4+3:1");
    struct variant patch = { .role = ROLE_PATCH, .edits = &place, .n_edits = 1 };
    is_labelled(&patch, "resid_post@3[-1]");
    place = patch_at(SITE_Z, 3, 1, ALL_POSITIONS);
    is_labelled(&patch, "z@3:1[all]");
    patch.role = ROLE_SHAM;
    is_labelled(&patch, "sham z@3:1[all]");
}

static void what_is_given_back_is_named_alone(void **state)
{
    (void)state;
    struct arena a = { 0 };
    struct variant v = {
        .role = ROLE_RESTORED, .nodes = { heads, 3 }, .restored = { heads, 1 }, .donor = DONOR_SAME
    };
    assert_string_equal(variant_restored_label(&v, &a), "0:2");
    v.donor = DONOR_OTHER;
    assert_string_equal(variant_restored_label(&v, &a), "corrupt 0:2");
    arena_release(&a);
}

// The set, and what stands for it with the first `n` of its heads given back.
static struct variant given_back(struct edit *edits, size_t n, enum variant_donor donor)
{
    for (size_t i = 0; i < 3; i++)
        edits[i] = head_edit(heads[i], zero);
    return (struct variant){ .edits = edits,
                             .n_edits = 3,
                             .role = n ? ROLE_RESTORED : ROLE_SET,
                             .parent = n ? 0 : NO_VARIANT,
                             .nodes = { heads, 3 },
                             .restored = { heads, n },
                             .donor = donor };
}

// Each is in the list once, however often it is added, and none is taken for another.
static void variants_are_told_apart_by_what_they_do(void **state)
{
    (void)state;
    struct edit edits[4][3], places[4] = { patch_at(SITE_Z, 3, 1, -1), patch_at(SITE_Z, 3, 1, -2),
                                           patch_at(SITE_Q, 3, 1, -1), patch_at(SITE_Z, 3, 2, -1) };
    struct variant all[9]
        = { given_back(edits[0], 0, DONOR_NONE), given_back(edits[1], 1, DONOR_SAME),
            given_back(edits[2], 1, DONOR_OTHER), given_back(edits[3], 2, DONOR_SAME) };
    for (size_t i = 0; i < 5; i++)
        all[4 + i] = (struct variant){ .edits = &places[i % 4],
                                       .n_edits = 1,
                                       .role = i < 4 ? ROLE_PATCH : ROLE_SHAM,
                                       .parent = NO_VARIANT,
                                       .donor = i < 4 ? DONOR_OTHER : DONOR_SAME };
    struct variants list;
    struct abl_err err;
    assert_true(variants_init(&list, 9, &err));
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(variants_find(&list, &all[i]), NO_VARIANT);
        assert_true(variants_add(&list, &all[i], NULL, &err));
    }
    for (size_t i = 0, at; i < 9; i++) {
        assert_true(variants_add(&list, &all[i], &at, &err));
        assert_int_equal(at, i);
        for (size_t k = 0; k < 9; k++)
            assert_int_equal(variant_does_same(&all[i], &list.items[k]), i == k);
    }
    assert_int_equal(list.n, 9);
    variants_release(&list);
}

static void a_list_keeps_what_its_variants_are(void **state)
{
    (void)state;
    struct edit edits[3];
    struct variant v = given_back(edits, 2, DONOR_OTHER);
    struct variants list;
    struct abl_err err;
    assert_true(variants_init(&list, 1, &err) && variants_add(&list, &v, NULL, &err));
    const struct variant *kept = &list.items[0];
    assert_string_equal(kept->label, "0:2+0:4+3:1~corrupt 0:2+0:4");
    assert_ptr_not_equal(kept->nodes.heads, heads); // its own copies
    assert_ptr_not_equal(kept->restored.heads, heads);
    assert_ptr_not_equal(kept->edits, edits);
    assert_int_equal(kept->nodes.n, 3);
    assert_int_equal(kept->nodes.heads[2].layer, 3);
    assert_int_equal(kept->restored.n, 2);
    assert_int_equal(kept->restored.heads[1].head, 4);
    assert_int_equal(kept->donor, DONOR_OTHER);
    assert_int_equal(kept->parent, 0);
    variants_release(&list);
}

static void sets_are_found_by_their_heads(void **state)
{
    (void)state;
    struct head_set sets[] = { { heads, 2 }, { heads, 3 } };
    struct variants list;
    struct abl_err err;
    assert_true(variants_sets(sets, 2, zero, &list, &err)); // 0:2 0:4 3:1 and the two
    assert_int_equal(list.n, 5);
    assert_int_equal(variants_find_heads(&list, heads, 1, &zero), 0);
    assert_int_equal(variants_find_heads(&list, heads + 2, 1, &zero), 2);
    assert_int_equal(variants_find_heads(&list, heads, 2, &zero), 3);
    assert_int_equal(variants_find_heads(&list, heads, 3, &zero), 4);
    assert_int_equal(variants_find_heads(&list, heads + 1, 2, &zero), NO_VARIANT);
    variants_release(&list);
}

// The whole set with heads given back holds the same edits' places, yet ablates other heads.
static void a_set_with_heads_given_back_is_not_the_set(void **state)
{
    (void)state;
    struct edit edits[2][3];
    struct variant back = given_back(edits[0], 1, DONOR_SAME);
    struct variant set = given_back(edits[1], 0, DONOR_NONE);
    struct variants list;
    struct abl_err err;
    assert_true(variants_init(&list, 2, &err) && variants_add(&list, &back, NULL, &err));
    assert_int_equal(variants_find_heads(&list, heads, 3, &zero), NO_VARIANT);
    assert_true(variants_add(&list, &set, NULL, &err));
    assert_int_equal(variants_find_heads(&list, heads, 3, &zero), 1);
    variants_release(&list);
}

// Of several kinds each head is a variant under each; a head with several donors runs once for each
// of them, the repeats right behind it.
static void kinds_and_donors_are_told_apart(void **state)
{
    (void)state;
    struct ablation mean = { .kind = ABLATE_MEAN },
                    drawn = { .kind = ABLATE_RESAMPLE, .donor = 2, .n_donors = 3 };
    struct variants list;
    struct abl_err err;
    assert_true(variants_heads(heads, 2, zero, &list, &err)
                && variants_add_heads(&list, heads, 2, mean, &err)
                && variants_add_heads(&list, heads, 2, drawn, &err)
                && variants_add_heads(&list, heads, 2, mean, &err)); // there already
    assert_int_equal(list.n, 2 + 2 + 2 * 3);
    assert_int_equal(variants_find_heads(&list, heads + 1, 1, &zero), 1);
    assert_int_equal(variants_find_heads(&list, heads + 1, 1, &mean), 3);
    assert_int_equal(variants_find_heads(&list, heads + 1, 1, &drawn), 7);
    for (size_t i = 4; i < list.n; i++) {
        const struct variant *v = &list.items[i];
        size_t first = i < 7 ? 4 : 7;
        assert_int_equal(v->role, i == first ? ROLE_HEAD : ROLE_REPEAT);
        assert_int_equal(v->parent, i == first ? NO_VARIANT : first);
        assert_int_equal(v->n_runs, i == first ? 3 : 1);
        assert_int_equal(v->edits[0].donor, 2 + i - first);
        assert_string_equal(v->label, first == 4 ? "0:2" : "0:4");
        assert_int_equal(variants_find(&list, v), i);
    }
    variants_release(&list);
}

static void controls_are_matched_by_layers(void **state)
{
    (void)state;
    struct head random[] = { { 0, 0 }, { 0, 5 }, { 3, 7 } };
    struct variant set = { .role = ROLE_SET, .nodes = { heads, 3 } };
    struct variant control = { .role = ROLE_CONTROL, .nodes = { random, 3 } };
    assert_true(variant_is_control_of(&control, &set));
    assert_false(variant_is_control_of(&set, &set));
    random[1].layer = 3;
    assert_false(variant_is_control_of(&control, &set));
    control.nodes.n = 2;
    assert_false(variant_is_control_of(&control, &set));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_made_from_the_fields),
        cmocka_unit_test(what_is_given_back_is_named_alone),
        cmocka_unit_test(variants_are_told_apart_by_what_they_do),
        cmocka_unit_test(a_list_keeps_what_its_variants_are),
        cmocka_unit_test(kinds_and_donors_are_told_apart),
        cmocka_unit_test(sets_are_found_by_their_heads),
        cmocka_unit_test(a_set_with_heads_given_back_is_not_the_set),
        cmocka_unit_test(controls_are_matched_by_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
