// What of a text shows as itself, and how the rest is spelt.
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/printable.h"
#include "base/rng.h"

// From Unicode's DerivedCoreProperties.txt (Default_Ignorable_Code_Point), Bidi_Control and the
// control characters, by their ranges there.
static const uint32_t unseen[][2] = {
    { 0x0000, 0x001f },   { 0x007f, 0x009f }, { 0x00ad, 0x00ad },   { 0x034f, 0x034f },
    { 0x061c, 0x061c },   { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },   { 0x180b, 0x180d },
    { 0x180e, 0x180e },   { 0x180f, 0x180f }, { 0x200b, 0x200f },   { 0x2028, 0x2029 },
    { 0x202a, 0x202e },   { 0x2060, 0x2064 }, { 0x2065, 0x2065 },   { 0x2066, 0x206f },
    { 0x3164, 0x3164 },   { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
    { 0xfff0, 0xfff8 },   { 0xfff9, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
    { 0xe0000, 0xe0fff },
};

static bool is_unseen(uint32_t c)
{
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (c >= unseen[i][0] && c <= unseen[i][1])
            return true;
    return false;
}

static bool is_seen(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return !is_unseen(c);
    }
}

static void letters_show_and_what_is_not_seen_does_not(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (is_unseen(c) && printable_character(c))
            fail_msg("U+%04X shows as itself", c);
        if (is_seen(c) && !printable_character(c))
            fail_msg("U+%04X does not show as itself", c);
    }
}

static void each_kind_has_its_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "Paris", "Paris" },
        { "caf\xc3\xa9 \xe6\x9d\xb1\xe4\xba\xac", "caf\xc3\xa9 \xe6\x9d\xb1\xe4\xba\xac" },
        { "\x1b]0;MARK\a", "\\u001b]0;MARK\\u0007" },
        { "a\nb\tc\rd\x7f", "a\\nb\\tc\\rd\\u007f" },
        { "\xc2\x9b"
          "31m",
          "\\u009b31m" },
        { "\x9b"
          "31m",
          "<0x9B>31m" },
        { "x\xe2\x80\xae"
          "y\xe2\x81\xa6",
          "x\\u202ey\\u2066" },
        { "a\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "a\\u200b\\ufeff\\u00ad" },
        { "\xf3\xa0\x81\x81", "\\U000e0041" },
        { "\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4\\ufe0f" },
        { "caf\xe9", "caf<0xE9>" },
        { "\xc0\xaf\xed\xa0\x80", "<0xC0><0xAF><0xED><0xA0><0x80>" }, // overlong, a surrogate
        { "\\u001b \\n", "\\u001b \\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = { 0 };
        printable_add(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(out.data, cases[i].shown);
        buf_release(&out);
    }
}

// What is printed of any bytes is sound, holds none that a terminal may not have, and stays as it
// is when it is made readable again.
static void any_bytes_are_safe_and_stay_so(void **state)
{
    (void)state;
    struct rng rng = { 0 };
    rng_seed(&rng, 7);
    for (int run = 0; run < 20000; run++) {
        char text[24];
        size_t len = 1 + rng_below(&rng, sizeof text - 1);
        for (size_t i = 0; i < len; i++)
            text[i]
                = (char)(rng_below(&rng, 3) ? 0xe0 + rng_below(&rng, 32) : rng_below(&rng, 256));
        struct buf once = { 0 }, twice = { 0 };
        printable_add(&once, text, len);
        for (size_t at = 0; at < once.len;) {
            utf8proc_int32_t c;
            utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)once.data + at,
                                                  (utf8proc_ssize_t)(once.len - at), &c);
            if (n <= 0 || is_unseen((uint32_t)c))
                fail_msg("run %d: byte %zu of what is shown: U+%04X", run, at, (unsigned)c);
            at += (size_t)n;
        }
        printable_add(&twice, once.data, once.len);
        assert_string_equal(twice.data, once.data);
        buf_release(&once);
        buf_release(&twice);
    }
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *text, *shown;
    } cases[] = {
        { 8, "1234567", "1234567" },
        { 8, "12345678", "1234..." },
        { 8, "12\x1b", "12..." },
        { 9, "12\x1b", "12\\u001b" },
        { 8, "\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1", "\xe6\x9d\xb1..." },
        { 4, "\x1b", "..." },
        { 4, "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[16];
        printable_copy(out, cases[i].size, cases[i].text);
        assert_string_equal(out, cases[i].shown);
    }
}

static void columns_are_those_of_what_is_shown(void **state)
{
    (void)state;
    assert_int_equal(printable_width("abc"), 3);
    assert_int_equal(printable_width("\xe6\x9d\xb1\xe4\xba\xac"), 4);
    assert_int_equal(printable_width("e\xcc\x81"), 1);
    assert_int_equal(printable_width("a\x1b"), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_show_and_what_is_not_seen_does_not),
        cmocka_unit_test(each_kind_has_its_form),
        cmocka_unit_test(any_bytes_are_safe_and_stay_so),
        cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
        cmocka_unit_test(columns_are_those_of_what_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
