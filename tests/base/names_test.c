// Lists of names, and numbers that somebody typed.
#include "base/names.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number.h"

static const char *fruit(size_t i)
{
    static const char *const names[] = { "none", "fig", "pear", "plum" };
    return i < sizeof names / sizeof *names ? names[i] : NULL;
}

static void finds_whole_names_from_the_first_that_may_be_said(void **state)
{
    (void)state;
    size_t at = 99;
    assert_true(name_find(fruit, 0, "pear,plum", 4, &at));
    assert_int_equal(at, 2);
    assert_false(name_find(fruit, 1, "none", 4, &at));
    assert_false(name_find(fruit, 0, "pea", 3, &at));
    assert_false(name_find(fruit, 0, "pears", 5, &at));
    assert_false(name_find(fruit, 0, "", 0, &at));
    assert_int_equal(at, 2); // as it was
}

static void joins_as_people_write_and_stays_within_its_room(void **state)
{
    (void)state;
    char out[NAMES_SIZE], small[8];
    assert_string_equal(names_join(fruit, 1, ", ", " or ", out, sizeof out), "fig, pear or plum");
    assert_string_equal(names_join(fruit, 3, ", ", " or ", out, sizeof out), "plum");
    assert_string_equal(names_join(fruit, 4, ", ", " or ", out, sizeof out), "");
    assert_string_equal(names_join(fruit, 1, ", ", " or ", small, sizeof small), "fig, pe");
}

static void numbers_fill_their_text(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "x", "1x", "nan", "inf", "1e999", "0,5" };
    double d;
    uint64_t n;
    assert_true(number_parse("-0.5", &d) && d == -0.5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(number_parse(bad[i], &d));
    assert_true(number_parse_whole("18446744073709551615", &n) && n == UINT64_MAX);
    assert_false(number_parse_whole("18446744073709551616", &n));
    assert_false(number_parse_whole("-1", &n) || number_parse_whole(" 1", &n)
                 || number_parse_whole("1.5", &n) || number_parse_whole("", &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_whole_names_from_the_first_that_may_be_said),
        cmocka_unit_test(joins_as_people_write_and_stays_within_its_room),
        cmocka_unit_test(numbers_fill_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
