// Variants that do the same up to some layer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/shared_start.h"

static const struct ablation zero = { .kind = ABLATE_SCALE };

// A variant per set, in the order given.
static void make(struct variants *v, const struct head_set *sets, size_t n)
{
    struct abl_err err;
    assert_true(variants_init(v, n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(variants_add_set(v, &sets[i], zero, ROLE_SET, NO_VARIANT, NULL, &err));
}

static void the_first_layer_that_differs_is_found(void **state)
{
    (void)state;
    struct edit a[]
        = { head_edit((struct head){ 1, 0 }, zero), head_edit((struct head){ 4, 2 }, zero) };
    struct edit turned[] = { a[1], a[0] }, softer[] = { a[0], a[1] },
                nothing[] = { a[0], a[1], a[1] };
    softer[1].factor = 0.5f;
    nothing[2].layer = 0;
    nothing[2].factor = 1;
    struct variant v = { .edits = a, .n_edits = 2 }, one = { .edits = a, .n_edits = 1 };
    struct variant u = { .edits = turned, .n_edits = 2 }, s = { .edits = softer, .n_edits = 2 };
    struct variant same = { .edits = nothing, .n_edits = 3 }, none = { .n_edits = 0 };
    assert_int_equal(shared_until(&v, &u), NO_LAYER);
    assert_int_equal(shared_until(&v, &same), NO_LAYER);
    assert_int_equal(shared_until(&v, &s), 4);
    assert_int_equal(shared_until(&one, &v), 4);
    assert_int_equal(shared_until(&v, &one), 4);
    assert_int_equal(shared_until(&v, &none), 1);
}

static void what_agrees_longest_is_side_by_side(void **state)
{
    (void)state;
    struct head a[] = { { 0, 1 }, { 2, 0 } }, b[] = { { 1, 3 }, { 2, 0 } },
                c[] = { { 0, 1 }, { 3, 1 } };
    struct head d[] = { { 0, 2 }, { 2, 0 } };
    struct head_set sets[] = { { a, 2 }, { b, 2 }, { c, 2 }, { d, 2 }, { a, 1 } };
    size_t order[] = { 0, 1, 2, 3, 4 };
    struct variants v;
    make(&v, sets, 5);
    assert_true(shared_sort(&v, order, 5));
    size_t expected[] = { 4, 0, 2, 3, 1 };
    assert_memory_equal(order, expected, sizeof order);
    variants_release(&v);
}

static void copies_part_where_their_variants_do(void **state)
{
    (void)state;
    struct variant v[5] = { 0 };
    static const uint32_t until[5] = { 0, 4, 2, 4, 2 };
    struct shared_copies c = { 0 };
    uint32_t from[MAX_COPIES];
    for (size_t i = 0; i < 5; i++)
        shared_copies_add(&c, &v[i], until[i]);
    shared_copies_part(&c, 1, from);
    assert_int_equal(c.n_copies, 1);
    shared_copies_part(&c, 2, from);
    assert_int_equal(c.n_copies, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(from[i], 0);
    shared_copies_part(&c, 3, from);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(from[i], i);
    shared_copies_part(&c, 4, from);
    static const uint32_t expected[5] = { 0, 0, 1, 1, 2 };
    assert_int_equal(c.n_copies, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(from[i], expected[i]);
        assert_ptr_equal(c.copies[i], &v[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_layer_that_differs_is_found),
        cmocka_unit_test(what_agrees_longest_is_side_by_side),
        cmocka_unit_test(copies_part_where_their_variants_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
