// What is printed on standard output: held against printf for numbers, and against a parser of JSON.
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/say.h"

// What has been said since the last call, standard output being a file of the test.
static FILE *said;
static int before;

static int take_output(void **state)
{
    (void)state;
    said = tmpfile();
    fflush(stdout);
    before = dup(STDOUT_FILENO);
    return said && before >= 0 && dup2(fileno(said), STDOUT_FILENO) >= 0 ? 0 : -1;
}

static int give_output_back(void **state)
{
    (void)state;
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    return fclose(said);
}

static const char *output(char *out, size_t size)
{
    fflush(stdout);
    rewind(said);
    size_t n = fread(out, 1, size - 1, said);
    out[n] = '\0';
    rewind(said);
    if (ftruncate(fileno(said), 0) != 0)
        out[0] = '\0';
    return out;
}

#define SAME_AS_PRINTF(...)                                                                        \
    do {                                                                                           \
        char expected[1024], out[1024];                                                            \
        snprintf(expected, sizeof expected, __VA_ARGS__);                                          \
        say(SAY_OUT, __VA_ARGS__);                                                                 \
        assert_string_equal(output(out, sizeof out), expected);                                    \
    } while (0)

static void numbers_are_those_of_printf(void **state)
{
    (void)state;
    SAME_AS_PRINTF("%d %i %+d % d %05d %-5d|%5d", -3, 4, 5, 6, 7, 8, 9);
    SAME_AS_PRINTF("%ld %lld %zd %td %jd %hd %hhd", -1L, -2LL, (ssize_t)-3, (ptrdiff_t)-4,
                   INTMAX_MIN, (short)-5, (signed char)-6);
    SAME_AS_PRINTF("%u %lu %llu %zu %ju %x %#X %o %#lx", 1u, ULONG_MAX, ULLONG_MAX, SIZE_MAX,
                   UINTMAX_MAX, 255u, 255u, 8u, 77ul);
    SAME_AS_PRINTF("%f %.3f %+.3f %8.1f|%-8.1f|%.0f%% %g %.3g %e %.17g", 1.5, 2.0 / 3, -0.0004,
                   3.25, 3.25, 12.5, 1e10, 1e10, 1e-5, 0.1);
    SAME_AS_PRINTF("%f %g %.2f", 1e300, -1.0 / 0.0 < 0 ? 1.0 : 2.0, 0.0);
    SAME_AS_PRINTF("%*d|%-*d|%.*f|%*.*f", 6, 1, 6, 2, 2, 3.14159, 9, 1, 2.5);
    SAME_AS_PRINTF("%%d is no conversion, %s is: %c", "this", 'x');
    SAME_AS_PRINTF("%10s|%-10s|%.3s|%*s|%-*s|%10.2s|", "right", "left", "cut", -6, "ab", 6, "cd",
                   "xyz");
}

static void arguments_show_and_formats_are_ours(void **state)
{
    (void)state;
    char out[1024];
    say(SAY_OUT, "\r\033[K%s: %s\n", "a\nerror: forged", "\033]0;MARK\a\x9b");
    assert_string_equal(output(out, sizeof out),
                        "\r\033[Ka\\nerror: forged: \\u001b]0;MARK\\u0007<0x9B>\n");
    say(SAY_OUT, "%c|%8s|%-8s|%.3s|", '\x1b', "\x1b", "\xe6\x9d\xb1", "ab\x1b");
    assert_string_equal(output(out, sizeof out), "\\u001b|  \\u001b|\xe6\x9d\xb1      |ab|");
}

static void lines_keep_their_ends_and_nothing_else(void **state)
{
    (void)state;
    char out[256];
    struct buf text = { 0 };
    say_into(&text, "one\t%s\n", "a\nb");
    buf_str(&text, "two\033[31m\r\n");
    say_lines(SAY_OUT, text.data);
    assert_string_equal(output(out, sizeof out), "one\ta\\nb\ntwo\\u001b[31m\\r\n");
    buf_release(&text);
}

// A text longer than what is put together at once, with a character on each of the borders.
static void long_texts_are_whole(void **state)
{
    (void)state;
    enum { N = 30000 };
    char *text = malloc(3 * N + 1), *out = malloc(3 * N + 2);
    text[0] = '\0';
    for (size_t i = 0; i < N; i++)
        memcpy(text + 3 * i, i % 7 ? "\xe6\x9d\xb1" : "abc", 4);
    say(SAY_OUT, "%s", text);
    assert_string_equal(output(out, 3 * N + 2), text);
    free(text);
    free(out);
}

static void json_means_the_same_and_holds_nothing_that_a_terminal_obeys(void **state)
{
    (void)state;
    static const char name[]
        = "a\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xf3\xa0\x81\x81\n\x1b\xc3\xa9";
    char out[512];
    struct abl_err err;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", name);
    char *text = cJSON_Print(o);
    assert_true(say_json(text, strlen(text), &err));
    output(out, sizeof out);
    assert_non_null(
        strstr(out, "\"a\\u007f\\u009b\\u202e\\u200b\\udb40\\udc41\\n\\u001b\xc3\xa9\""));
    cJSON *read = cJSON_Parse(out);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(read, "name")), name);
    cJSON_Delete(read);
    cJSON_Delete(o);
    cJSON_free(text);
    assert_true(say_json("[\"caf\xe9\"]", 8, &err));
    assert_string_equal(output(out, sizeof out), "[\"caf\\ufffd\"]");
    assert_true(say_json("[1,\r\n\t2]", 8, &err));
    assert_string_equal(output(out, sizeof out), "[1, \n\t2]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_those_of_printf, take_output, give_output_back),
        cmocka_unit_test_setup_teardown(arguments_show_and_formats_are_ours, take_output,
                                        give_output_back),
        cmocka_unit_test_setup_teardown(lines_keep_their_ends_and_nothing_else, take_output,
                                        give_output_back),
        cmocka_unit_test_setup_teardown(long_texts_are_whole, take_output, give_output_back),
        cmocka_unit_test_setup_teardown(json_means_the_same_and_holds_nothing_that_a_terminal_obeys,
                                        take_output, give_output_back),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
