// The strict JSON parser: what it takes, what it refuses, and what it says about it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/rng.h"

// Parse text[0..size) whole by skipping over it.
static bool accepts(const void *text, size_t size, struct abl_err *err)
{
    struct json j;
    bool ok = json_open(&j, "text", text, size, ABL_BAD_DATA, err) && json_skip(&j) && json_end(&j);
    json_close(&j);
    return ok;
}

static void expect_accepted(const char *text)
{
    struct abl_err err = { 0 };
    if (!accepts(text, strlen(text), &err))
        fail_msg("'%s' was refused: %s", text, err.text);
}

static void expect_refused(const char *text, const char *message)
{
    struct abl_err err = { 0 };
    if (accepts(text, strlen(text), &err))
        fail_msg("'%s' was accepted", text);
    assert_string_equal(err.text, message);
    assert_int_equal(err.code, ABL_BAD_DATA);
}

// Write what the parser sees: {key=value,} [value,] "text" number #t #f #n.
static void dump(struct json *j, struct buf *out)
{
    struct json_text text;
    double number;
    bool truth;
    switch (json_peek(j)) {
    case JSON_OBJECT:
        buf_char(out, '{');
        for (json_object(j); json_next_key(j, &text); buf_char(out, ',')) {
            buf_printf(out, "%s=", text.data);
            dump(j, out);
        }
        buf_char(out, '}');
        return;
    case JSON_ARRAY:
        buf_char(out, '[');
        for (json_array(j); json_next_item(j); buf_char(out, ','))
            dump(j, out);
        buf_char(out, ']');
        return;
    case JSON_STRING:
        assert_true(json_string(j, &text));
        buf_printf(out, "\"%s\"", text.data);
        return;
    case JSON_NUMBER:
        assert_true(json_double(j, &number));
        buf_printf(out, "%.17g", number);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        assert_true(json_bool(j, &truth));
        buf_str(out, truth ? "#t" : "#f");
        return;
    case JSON_NULL:
        assert_true(json_null(j));
        buf_str(out, "#n");
        return;
    case JSON_NONE:
        fail_msg("no value at byte %zu", j->pos);
    }
}

static void walks_nested_values_in_order(void **state)
{
    (void)state;
    static const char text[]
        = " { \"a\" : [ 1 , -2.5e-1, [ ], { } ] , \"b\":{\"a\":\"x\"},\n\t\"c\":true,"
          "\"d\":false, \"\":null }\r\n";
    struct json j;
    struct abl_err err = { 0 };
    struct buf out = { 0 };
    assert_true(json_open(&j, "text", text, strlen(text), ABL_BAD_DATA, &err));
    dump(&j, &out);
    assert_true(json_end(&j));
    assert_string_equal(out.data, "{a=[1,-0.25,[],{},],b={a=\"x\",},c=#t,d=#f,=#n,}");
    json_close(&j);
    buf_release(&out);
}

static void undoes_every_escape(void **state)
{
    (void)state;
    static const char text[]
        = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u0000 \\u00e9 \\u20AC \\uD83D\\ude00\"";
    static const char bytes[] = "\"\\/\b\f\n\r\t \0 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80";
    struct json j;
    struct json_text found;
    struct abl_err err = { 0 };
    assert_true(json_open(&j, "text", text, strlen(text), ABL_BAD_DATA, &err));
    assert_true(json_string(&j, &found) && json_end(&j));
    assert_int_equal(found.len, sizeof bytes - 1);
    assert_memory_equal(found.data, bytes, sizeof bytes); // the NUL behind it too
    json_close(&j);
}

// An encoder of its own for the test, by the table of RFC 3629 section 3.
static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80)
        return (size_t)sprintf(out, "%c", (int)c);
    if (c < 0x800)
        return (size_t)sprintf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
    if (c < 0x10000)
        return (size_t)sprintf(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)),
                               (int)(0x80 | (c & 63)));
    return (size_t)sprintf(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)),
                           (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
}

// [raw, escaped, raw, escaped, …] of the code points first … first + 4095.
static void check_block_of_code_points(uint32_t first)
{
    struct buf text = { 0 };
    char raw[8];
    buf_char(&text, '[');
    for (uint32_t c = first; c < first + 4096; c++) {
        if (c < 0x20 || c == '"' || c == '\\' || (c >= 0xd800 && c <= 0xdfff))
            continue;
        uint32_t high = 0xd800 + ((c - 0x10000) >> 10), low = 0xdc00 + (c & 0x3ff);
        encode(c, raw);
        buf_printf(&text, text.len > 1 ? ",\"%s\"," : "\"%s\",", raw);
        if (c < 0x10000)
            buf_printf(&text, "\"\\u%04x\"", c);
        else
            buf_printf(&text, "\"\\u%04X\\u%04X\"", high, low);
    }
    buf_char(&text, ']');
    struct json j;
    struct json_text a, b;
    struct abl_err err = { 0 };
    assert_true(json_open(&j, "text", text.data, text.len, ABL_BAD_DATA, &err) && json_array(&j));
    while (json_next_item(&j)) {
        assert_true(json_string(&j, &a) && json_next_item(&j) && json_string(&j, &b));
        if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
            fail_msg("in the block from U+%04X: '%s' and '%s' differ", first, a.data, b.data);
    }
    if (!json_end(&j))
        fail_msg("block from U+%04X: %s", first, err.text);
    json_close(&j);
    buf_release(&text);
}

static void takes_every_code_point_raw_and_escaped(void **state)
{
    (void)state;
    for (uint32_t first = 0; first < 0x110000; first += 4096)
        check_block_of_code_points(first);
}

static void refuses_bytes_that_are_no_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2 ",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x98",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[16], message[80];
        snprintf(text, sizeof text, "[\"%s\"]", bad[i]);
        snprintf(message, sizeof message, "text at byte 2: found byte 0x%02x, expected valid UTF-8",
                 (unsigned char)bad[i][0]);
        expect_refused(text, message);
    }
}

static void takes_numbers_by_the_grammar_only(void **state)
{
    (void)state;
    static const char *const good[] = { "0",    "-0",    "10",
                                        "0.0",  "-1.25", "1e5",
                                        "1E+5", "0e-0",  "123456789012345678901234567890",
                                        "1e999" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect_accepted(good[i]);
    expect_refused("01", "text at byte 1: found '1', expected no digit behind a leading 0");
    expect_refused("-", "text at byte 1: found the end of the text, expected a digit");
    expect_refused("-a", "text at byte 1: found 'a', expected a digit");
    expect_refused("1.", "text at byte 2: found the end of the text, expected a digit behind '.'");
    expect_refused("[1.e3]", "text at byte 3: found 'e', expected a digit behind '.'");
    expect_refused("[1e]", "text at byte 3: found ']', expected a digit in the exponent");
    expect_refused("1e+",
                   "text at byte 3: found the end of the text, expected a digit in the exponent");
    expect_refused("+1", "text at byte 0: found '+', expected a value");
    expect_refused(".5", "text at byte 0: found '.', expected a value");
    expect_refused("NaN", "text at byte 0: found 'N', expected a value");
    expect_refused("Infinity", "text at byte 0: found 'I', expected a value");
    expect_refused("0x10", "text at byte 1: found 'x', expected nothing behind the value");
}

static bool u64_of(const char *text, uint64_t *out, struct abl_err *err)
{
    struct json j;
    bool ok = json_open(&j, "text", text, strlen(text), ABL_BAD_MODEL, err) && json_u64(&j, out)
              && json_end(&j);
    json_close(&j);
    return ok;
}

static void whole_numbers_are_exact(void **state)
{
    (void)state;
    struct abl_err err = { 0 };
    uint64_t v = 7;
    assert_true(u64_of("18446744073709551615", &v, &err) && v == UINT64_MAX);
    assert_true(u64_of("9007199254740993", &v, &err) && v == 9007199254740993u); // 2^53 + 1
    assert_true(u64_of("0", &v, &err) && v == 0);
    v = 7;
    assert_false(u64_of("18446744073709551616", &v, &err));
    assert_string_equal(err.text, "text at byte 0: found 18446744073709551616, expected at most "
                                  "18446744073709551615");
    static const char *const bad[] = { "-1", "-0", "1.0", "1e3", "\"1\"", "null", "" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (u64_of(bad[i], &v, &err))
            fail_msg("'%s' was taken as a whole number", bad[i]);
    assert_int_equal(v, 7); // outputs are left alone on failure
}

static void doubles_are_the_nearest_ones_and_finite(void **state)
{
    (void)state;
    static const char text[] = "[0.1, 1e308, 5e-324, 1e999]";
    struct json j;
    struct abl_err err = { 0 };
    double v = 0;
    assert_true(json_open(&j, "text", text, strlen(text), ABL_BAD_DATA, &err) && json_array(&j));
    assert_true(json_next_item(&j) && json_double(&j, &v) && v == 0.1);
    assert_true(json_next_item(&j) && json_double(&j, &v) && v == 1e308);
    assert_true(json_next_item(&j) && json_double(&j, &v) && v == 0x1p-1074);
    assert_true(json_next_item(&j));
    assert_false(json_double(&j, &v));
    assert_string_equal(err.text,
                        "text at byte 21: found 1e999, expected a number within +-1.8e308");
    json_close(&j);
}

static void refuses_duplicate_keys_of_one_object(void **state)
{
    (void)state;
    expect_accepted("{\"a\":{\"a\":1},\"b\":{\"a\":2},\"A\":3,\"a\\u0000\":4}");
    expect_refused("{\"a\":1,\"b\":2,\"a\":3}",
                   "text at byte 13: found a duplicate key \"a\", expected it once");
    expect_refused("{\"a\":1, \"\\u0061\":3}",
                   "text at byte 8: found a duplicate key \"a\", expected it once");
    expect_refused("[{\"\":1},{\"x\":{},\"\":2,\"\":3}]",
                   "text at byte 21: found a duplicate key \"\", expected it once");
}

static void many_keys_and_many_objects_take_linear_time(void **state)
{
    (void)state;
    struct buf text = { 0 };
    buf_str(&text, "[{");
    for (int i = 0; i < 2000000; i++)
        buf_printf(&text, "%s\"%d\":0", i ? "," : "", i);
    buf_char(&text, '}');
    for (int i = 0; i < 500000; i++) // each would pay for the big table if it were kept
        buf_str(&text, ",{}");
    buf_char(&text, ']');
    assert_false(text.failed);
    struct abl_err err = { 0 };
    if (!accepts(text.data, text.len, &err))
        fail_msg("%s", err.text);
    buf_release(&text);
}

static void refuses_what_the_grammar_does_not_know(void **state)
{
    (void)state;
    expect_refused("", "text at byte 0: found the end of the text, expected a value");
    expect_refused("{} x", "text at byte 3: found 'x', expected nothing behind the value");
    expect_refused("[1 2]", "text at byte 3: found '2', expected ',' or ']'");
    expect_refused("[1,]", "text at byte 3: found ']', expected another item behind ','");
    expect_refused("[,1]", "text at byte 1: found ',', expected a value");
    expect_refused("{\"a\" 1}", "text at byte 5: found '1', expected ':'");
    expect_refused("{a:1}", "text at byte 1: found 'a', expected a string");
    expect_refused("{\"a\":1,}", "text at byte 7: found '}', expected another item behind ','");
    expect_refused("[1}", "text at byte 2: found '}', expected ',' or ']'");
    expect_refused("['a']", "text at byte 1: found ''', expected a value");
    expect_refused("[trux]", "text at byte 4: found 'x', expected true or false");
    expect_refused("[nul", "text at byte 4: found the end of the text, expected null");
    expect_refused("// x\n1", "text at byte 0: found '/', expected a value");
    expect_refused("\xef\xbb\xbf{}", "text at byte 0: found byte 0xef, expected a value");
}

static void refuses_broken_strings(void **state)
{
    (void)state;
    expect_refused(
        "\"ab",
        "text at byte 3: found the end of the text, expected '\"' at the end of the string");
    expect_refused(
        "\"a\nb\"",
        "text at byte 2: found byte 0x0a, expected control characters in a string as escapes");
    expect_refused("\"\\x\"", "text at byte 2: found 'x', expected one of \"\\/bfnrtu behind \\");
    expect_refused(
        "\"\\", "text at byte 2: found the end of the text, expected one of \"\\/bfnrtu behind \\");
    expect_refused("\"\\u12g4\"", "text at byte 5: found 'g', expected four hex digits behind \\u");
    expect_refused(
        "\"\\u12",
        "text at byte 5: found the end of the text, expected four hex digits behind \\u");
    static const char *const halves[]
        = { "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\ud83d\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"" };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
        expect_refused(halves[i], "text at byte 1: found half a surrogate pair, expected "
                                  "\\uD800-\\uDBFF then \\uDC00-\\uDFFF");
}

static void bounds_the_depth(void **state)
{
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 3];
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    text[2 * JSON_MAX_DEPTH] = '\0';
    expect_accepted(text);
    memset(text, '[', JSON_MAX_DEPTH + 1);
    expect_refused(text,
                   "text at byte 64: found a value nested deeper than 64, expected a flatter text");
}

static void the_first_failure_sticks(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":x,\"b\":1}";
    struct json j;
    struct json_text key = { 0 };
    struct abl_err err = { 0 };
    uint64_t v;
    assert_true(json_open(&j, "config", text, strlen(text), ABL_BAD_MODEL, &err));
    assert_true(json_object(&j) && json_next_key(&j, &key) && json_key_is(key, "a"));
    assert_false(json_key_is(key, "ab"));
    assert_false(json_u64(&j, &v));
    assert_string_equal(err.text, "config at byte 5: found 'x', expected a whole number");
    assert_int_equal(err.code, ABL_BAD_MODEL);
    assert_false(json_next_key(&j, &key) || json_skip(&j) || json_object(&j) || json_null(&j));
    assert_false(json_fail(&j, "something else") || json_end(&j));
    assert_int_equal(json_peek(&j), JSON_NONE);
    assert_string_equal(err.text, "config at byte 5: found 'x', expected a whole number");
    json_close(&j);
}

static void spoilt_texts_are_parsed_or_refused_with_a_reason(void **state)
{
    (void)state;
    static const char text[]
        = "{\"model\":{\"vocab\":{\"a\":0,\"\\u0120b\":1,\"\xc3\xa9\":2},\"merges\":[[\"a\","
          "\"b\"],\"c d\"],\"dropout\":null,\"x\":-1.5e+3},\"flag\":true}";
    char copy[sizeof text];
    struct rng rng;
    rng_seed(&rng, 20);
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        struct abl_err err = { 0 };
        // On the heap at its exact size, so that a sanitizer sees a read behind the end.
        char *exact = malloc(cut + (cut == 0));
        assert_non_null(exact);
        memcpy(exact, text, cut);
        assert_false(accepts(exact, cut, &err));
        assert_true(err.text[0]);
        free(exact);
    }
    for (int i = 0; i < 20000; i++) {
        struct abl_err err = { 0 };
        memcpy(copy, text, sizeof text);
        for (uint32_t n = 1 + rng_below(&rng, 4); n; n--)
            copy[rng_below(&rng, sizeof text - 1)] = (char)rng_below(&rng, 256);
        if (!accepts(copy, sizeof text - 1, &err))
            assert_true(err.text[0] && err.code == ABL_BAD_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_nested_values_in_order),
        cmocka_unit_test(undoes_every_escape),
        cmocka_unit_test(takes_every_code_point_raw_and_escaped),
        cmocka_unit_test(refuses_bytes_that_are_no_utf8),
        cmocka_unit_test(takes_numbers_by_the_grammar_only),
        cmocka_unit_test(whole_numbers_are_exact),
        cmocka_unit_test(doubles_are_the_nearest_ones_and_finite),
        cmocka_unit_test(refuses_duplicate_keys_of_one_object),
        cmocka_unit_test(many_keys_and_many_objects_take_linear_time),
        cmocka_unit_test(refuses_what_the_grammar_does_not_know),
        cmocka_unit_test(refuses_broken_strings),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(spoilt_texts_are_parsed_or_refused_with_a_reason),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
