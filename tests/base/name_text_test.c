// Names of files as text: what each becomes, and that none becomes another's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/name_text.h"

static void expect(const char *name, const char *text)
{
    struct buf out = { 0 };
    buf_str(&out, "");
    name_text(name, &out);
    assert_false(out.failed);
    assert_string_equal(out.data, text);
    buf_release(&out);
}

static void expect_label(const char *name, const char *label)
{
    struct arena a = { 0 };
    assert_string_equal(name_label(name, &a), label);
    arena_release(&a);
}

static void names_that_are_text_stay(void **state)
{
    (void)state;
    static const char *const names[]
        = { "", "runs/a b", "caf\xc3\xa9", "a\\x", "it's", "$HOME", "100%", "\xf0\x9f\x98\x80\n" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(name_is_utf8(names[i]));
        expect(names[i], names[i]);
        expect_label(names[i], names[i]);
    }
}

static void others_stand_as_the_shell_writes_them(void **state)
{
    (void)state;
    assert_false(name_is_utf8("caf\xe9"));
    expect("runs/caf\xe9", "$'runs/caf\\xe9'");
    expect("\xff\xc3\xa9'\\\n\x7f", "$'\\xff\xc3\xa9\\'\\\\\\x0a\\x7f'");
    expect("\xed\xa0\x80", "$'\\xed\\xa0\\x80'"); // half a surrogate pair
    expect("\xc3", "$'\\xc3'");
    // What looks like one is written as one.
    expect("$'runs/caf\\xe9'", "$'$\\'runs/caf\\\\xe9\\''");
}

static void labels_are_names_of_files_again(void **state)
{
    (void)state;
    expect_label("caf\xe9", "caf%E9");
    expect_label("\xff\xfe", "%FF%FE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_text_stay),
        cmocka_unit_test(others_stand_as_the_shell_writes_them),
        cmocka_unit_test(labels_are_names_of_files_again),
    };
    return cmocka_run_group_tests_name("name_text", tests, NULL, NULL);
}
