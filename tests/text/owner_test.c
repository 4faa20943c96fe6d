// Whose reading counts, and the lines about it.
#include "text/owner.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/names.h"

static void is_named_as_options_and_files_say_it(void **state)
{
    (void)state;
    size_t at = 9;
    assert_true(name_find(owner_name, 0, "transformers-4", 14, &at));
    assert_int_equal(at, OWNER_TRANSFORMERS_4);
    assert_string_equal(owner_name(OWNER_TRANSFORMERS_5), "transformers-5");
    assert_null(owner_name(N_OWNERS));
    assert_int_equal(OWNER_TRANSFORMERS_5, 0); // the default of settings
}

static void says_both_readings_and_which_option_takes_the_other(void **state)
{
    (void)state;
    struct owner_notes notes = { 0 };
    struct abl_err err;
    assert_true(
        owner_note_differs(&notes, OWNER_TRANSFORMERS_4, "first token", "BOS", "none", &err));
    assert_int_equal(notes.n, 1);
    assert_string_equal(
        notes.lines[0],
        "first token: BOS, as transformers-4 reads it (transformers-5: none; --like "
        "transformers-5 takes that)");
    owner_notes_release(&notes);
}

static void keeps_each_line_once_in_order(void **state)
{
    (void)state;
    struct owner_notes notes = { 0 };
    struct abl_err err;
    for (int i = 0; i < 100; i++)
        assert_true(owner_note(&notes, &err, "line %d", i / 2));
    assert_int_equal(notes.n, 50);
    for (int i = 0; i < 50; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "line %d", i);
        assert_string_equal(notes.lines[i], expected);
    }
    owner_notes_release(&notes);
    assert_int_equal(notes.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_named_as_options_and_files_say_it),
        cmocka_unit_test(says_both_readings_and_which_option_takes_the_other),
        cmocka_unit_test(keeps_each_line_once_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
