#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "report/number.h"

static size_t n_digits(const char *text)
{
    size_t n = 0;
    bool leading = true; // zeros in front carry nothing
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9') {
            leading = leading && *text == '0';
            n += !leading;
        }
    return n;
}

// By definition: the fewest significant digits that read back.
static size_t fewest_digits(double value)
{
    for (int digits = 1; digits <= 17; digits++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            return (size_t)digits;
    }
    return 0;
}

static void check_double(double value)
{
    char text[NUMBER_SIZE];
    number_format(value, text);
    if (strtod(text, NULL) != value)
        fail_msg("%.17g became '%s'", value, text);
    size_t digits = n_digits(text);
    // Whole numbers show zeros that are places, not digits: "1000000".
    if (strpbrk(text, ".e") && digits > fewest_digits(value))
        fail_msg("'%s' has %zu digits, %zu are enough", text, digits, fewest_digits(value));
}

static void random_doubles_read_back_from_the_fewest_digits(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_double(value);
        check_double((double)(int32_t)bits / 1000.0);
        check_double((double)(int16_t)bits);
    }
}

// Below a power of two the next double is nearer than above it.
static void powers_of_two_read_back_from_the_fewest_digits(void **state)
{
    (void)state;
    for (int exponent = DBL_MIN_EXP - DBL_MANT_DIG; exponent < DBL_MAX_EXP; exponent++)
        check_double(ldexp(1, exponent));
}

static void random_floats_read_back_from_at_most_nine_digits(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 6);
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)rng_next(&rng);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        char text[NUMBER_SIZE];
        number_format_float(value, text);
        if (strtof(text, NULL) != value || n_digits(text) > 9)
            fail_msg("%.9g became '%s'", (double)value, text);
    }
}

static void writes_numbers_as_people_do(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } expected[] = {
        { 0.0, "0" },
        { -0.0, "0" },
        { 0.1, "0.1" },
        { -2.5, "-2.5" },
        { 1.0 / 3.0, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 100000.0, "100000" },
        { 1e15, "1e15" },
        { 1e-7, "1e-7" },
        { -1.5e-10, "-1.5e-10" },
        { 1e22, "1e22" },
        { DBL_TRUE_MIN, "5e-324" },
        { DBL_MAX, "1.7976931348623157e308" },
        { (double)0.1f, "0.10000000149011612" },
        { NAN, "" },
        { INFINITY, "" },
    };
    char text[NUMBER_SIZE];
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        number_format(expected[i].value, text);
        assert_string_equal(text, expected[i].text);
    }
    number_format_float(0.1f, text);
    assert_string_equal(text, "0.1");
    number_format_float(-NAN, text);
    assert_string_equal(text, "");
}

static void fixed_decimals_have_no_negative_zero(void **state)
{
    (void)state;
    char text[NUMBER_SIZE];
    number_fixed(-0.004, 2, text);
    assert_string_equal(text, "0.00");
    number_fixed(-0.126, 2, text);
    assert_string_equal(text, "-0.13");
    number_fixed(12.0, 0, text);
    assert_string_equal(text, "12");
    number_fixed(1e300, 2, text);
    assert_string_equal(text, "1e300");
    number_fixed(NAN, 2, text);
    assert_string_equal(text, "");
}

// Programs on a screen set the user's locale; several write decimals with a comma.
static void the_locale_does_not_change_the_decimal_point(void **state)
{
    (void)state;
    static const char *const names[]
        = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "ps_AF.UTF-8" };
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!setlocale(LC_NUMERIC, names[i]))
            continue;
        found = true;
        char text[NUMBER_SIZE];
        number_format(1.5e-7, text);
        assert_string_equal(text, "1.5e-7");
        number_format_float(-0.1f, text);
        assert_string_equal(text, "-0.1");
        number_fixed(2.25, 1, text);
        assert_string_equal(text, "2.2");
    }
    setlocale(LC_NUMERIC, "C");
    // no such locale is installed here
    if (!found)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_doubles_read_back_from_the_fewest_digits),
        cmocka_unit_test(powers_of_two_read_back_from_the_fewest_digits),
        cmocka_unit_test(random_floats_read_back_from_at_most_nine_digits),
        cmocka_unit_test(writes_numbers_as_people_do),
        cmocka_unit_test(fixed_decimals_have_no_negative_zero),
        cmocka_unit_test(the_locale_does_not_change_the_decimal_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
