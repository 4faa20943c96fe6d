// Patches as maps: which cell each is in, whatever their order and however ragged the list.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/patch_map.h"
#include "plan/position.h"
#include "tests/support/study.h"

static void add(struct variants *v, enum variant_role role, struct edit e, const char *position)
{
    struct variant one = { .position = position,
                           .edits = &e,
                           .n_edits = 1,
                           .role = role,
                           .parent = NO_VARIANT,
                           .donor = DONOR_OTHER };
    struct abl_err err;
    e.op = EDIT_SET;
    e.source = SOURCE_ROW;
    e.reach = 1;
    must(variants_add(v, &one, NULL, &err), &err);
}

static struct edit wide(enum site site, uint32_t layer, int32_t position)
{
    return (struct edit){ .site = site, .layer = layer, .head = ALL_HEADS, .position = position };
}

static struct edit headed(uint32_t layer, uint32_t head, int32_t position)
{
    return (struct edit){ .site = SITE_Z, .layer = layer, .head = head, .position = position };
}

static void each_patch_has_a_cell_of_its_site(void **state)
{
    (void)state;
    struct variants v;
    struct arena a = { 0 };
    struct abl_err err;
    struct patch_map *maps;
    size_t n;
    must(variants_init(&v, 8, &err), &err);
    add(&v, ROLE_PATCH, wide(SITE_RESID_POST, 1, -1), "END");
    add(&v, ROLE_SHAM, wide(SITE_RESID_POST, 1, ALL_POSITIONS), "all");
    add(&v, ROLE_PATCH, wide(SITE_RESID_POST, 1, POSITION_DIFF), "diff");
    add(&v, ROLE_PATCH, headed(2, 5, -3), NULL);
    add(&v, ROLE_PATCH, wide(SITE_RESID_POST, 3, POSITION_DIFF), "diff");
    add(&v, ROLE_PATCH, headed(2, 0, -3), NULL);
    must(patch_maps_make(&v, &a, &maps, &n, &err), &err);

    assert_int_equal(n, 2);
    const struct patch_map *resid = maps[0].site == SITE_RESID_POST ? &maps[0] : &maps[1];
    const struct patch_map *z = resid == maps ? &maps[1] : &maps[0];
    assert_int_equal(resid->site, SITE_RESID_POST);
    assert_int_equal(z->site, SITE_Z);
    assert_true(z->has_heads && !resid->has_heads);
    assert_int_equal(resid->n_rows, 2);
    assert_int_equal(resid->n_columns, 2);
    assert_string_equal(resid->rows[0], "1");
    assert_string_equal(resid->rows[1], "3");
    assert_string_equal(resid->columns[0], "END");
    assert_string_equal(resid->columns[1], "diff");
    const size_t cells[] = { 0, 2, NO_VARIANT, 4 };
    for (size_t i = 0; i < 4; i++)
        if (resid->variants[i] != cells[i])
            fail_msg("cell %zu holds variant %zu, expected %zu", i, resid->variants[i], cells[i]);
    assert_int_equal(z->n_rows, 2);
    assert_int_equal(z->n_columns, 1);
    assert_string_equal(z->rows[0], "2:5");
    assert_string_equal(z->rows[1], "2:0");
    assert_string_equal(z->columns[0], "-3");
    assert_int_equal(z->variants[0], 3);
    assert_int_equal(z->variants[1], 5);
    arena_release(&a);
    variants_release(&v);
}

static void a_list_without_patches_has_no_map(void **state)
{
    (void)state;
    struct variants v;
    struct arena a = { 0 };
    struct abl_err err;
    struct patch_map *maps;
    size_t n;
    must(variants_init(&v, 1, &err), &err);
    add(&v, ROLE_SHAM, wide(SITE_RESID_POST, 1, ALL_POSITIONS), "all");
    must(patch_maps_make(&v, &a, &maps, &n, &err), &err);
    assert_int_equal(n, 0);
    arena_release(&a);
    variants_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_patch_has_a_cell_of_its_site),
        cmocka_unit_test(a_list_without_patches_has_no_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
