// Arrays that grow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"

static void items_stay_while_it_grows(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t cap = 0;
    for (uint32_t n = 0; n < 1000; n++) {
        size_t before = cap;
        uint32_t *moved = array_room(items, n, &cap, sizeof *items);
        assert_non_null(moved);
        assert_true(n < cap);
        if (n < before)
            assert_ptr_equal(moved, items);
        items = moved;
        items[n] = n * n;
    }
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(items[n], n * n);
    free(items);
}

static void what_cannot_be_had_changes_nothing(void **state)
{
    (void)state;
    size_t cap = 0;
    assert_null(array_room(NULL, 0, &cap, SIZE_MAX / 2));
    assert_int_equal(cap, 0);
    cap = SIZE_MAX / 2 + 1;
    assert_null(array_room(NULL, cap, &cap, 1));
    assert_true(cap == SIZE_MAX / 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_while_it_grows),
        cmocka_unit_test(what_cannot_be_had_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
