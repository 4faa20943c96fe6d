// Heads and sets out of files: what a file may look like, and where it says what is wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan/head_file.h"
#include "plan/head_syntax.h"
#include "tests/support/scratch.h"

static const struct model_shape shape = { .n_layers = 4, .n_heads = 8 };

static const char *read_list(const struct scratch *s, const char *text, struct arena *a)
{
    struct abl_err err = { 0 };
    const char *out;
    scratch_text(s, "list", text);
    if (!head_file_text(arena_printf(a, "@%s", scratch_path(s, "list")), a, &out, &err))
        fail_msg("%s", err.text);
    return out;
}

static void sets_stand_line_by_line(void **state)
{
    static const char *const texts[]
        = { "0:2+0:4\n1:3+2:5\n", "0:2+0:4\n1:3+2:5", "0:2+0:4;1:3+2:5",
            "\xef\xbb\xbf# pairs\r\n 0:4 + 0:2 \r\n\r\n1:3+2:5 # two\r\n",
            "0:2+0:4;\n;\n\t1:3+2:5;\n#0:0+0:1\n0:2+0:4\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena a = { 0 };
        struct abl_err err = { 0 };
        struct head_set *sets;
        size_t n = 0;
        const char *text = read_list(*state, texts[i], &a);
        if (!sets_parse(text, &shape, &a, &sets, &n, &err))
            fail_msg("text %zu: %s", i, err.text);
        assert_int_equal(n, 2);
        assert_string_equal(head_set_label(&sets[0], &a), "0:2+0:4");
        assert_string_equal(head_set_label(&sets[1], &a), "1:3+2:5");
        arena_release(&a);
    }
}

static void heads_stand_line_by_line(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } cases[] = { { "3:1\n0:2, 3:1,\n# none\n1:7\n", 3 },
                  { "all", 32 },
                  { "all # of them\n", 32 },
                  { "random:2@7\n", 8 },
                  { "2:*\n*:0", 11 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = { 0 };
        struct abl_err err = { 0 };
        struct head_set set;
        if (!heads_parse(read_list(*state, cases[i].text, &a), &shape, &a, &set, &err))
            fail_msg("'%s': %s", cases[i].text, err.text);
        assert_int_equal(set.n, cases[i].n);
        arena_release(&a);
    }
}

static void combinations_stand_line_by_line(void **state)
{
    struct arena a = { 0 };
    struct abl_err err = { 0 };
    struct head_set *sets;
    size_t n = 0;
    const char *text = read_list(*state, "0:2,4,7\n1:0,1\n", &a);
    assert_true(combinations_parse(text, 2, &shape, &a, &sets, &n, &err));
    assert_int_equal(n, 4);
    arena_release(&a);
}

static void what_is_said_does_not_depend_on_where(void **state)
{
    struct arena a = { 0 };
    const char *text = read_list(*state, "# sets\n\n 0:2+0:4 ;\n1:3+2:5\n;0:0;\n", &a);
    assert_string_equal(head_file_plain(text, ';', &a), "0:2+0:4;1:3+2:5;0:0");
    assert_string_equal(head_file_plain("0:2; 0:3", ';', &a), "0:2; 0:3");
    assert_null(head_file_plain(NULL, ';', &a));
    arena_release(&a);
}

// At `line` of the file, and what is wrong there.
static void is_wrong(bool ok, const struct abl_err *err, const char *line, const char *what)
{
    char place[32];
    snprintf(place, sizeof place, "/list:%s: ", line);
    assert_false(ok);
    assert_int_equal(err->code, ABL_USAGE);
    if (!strstr(err->text, place) || !strstr(err->text, what))
        fail_msg("'%s' does not say '%s' and '%s'", err->text, place, what);
}

static void errors_name_file_and_line(void **state)
{
    struct arena a = { 0 };
    struct abl_err err = { 0 };
    struct head_set set, *sets;
    size_t n;
    const char *text = read_list(*state, "# none\n0:1\n\n0:2, 9:1\n", &a);
    is_wrong(heads_parse(text, &shape, &a, &set, &err), &err, "4", "'9:1'");
    text = read_list(*state, "0:1+0:2;0:3+0:99\n", &a);
    is_wrong(sets_parse(text, &shape, &a, &sets, &n, &err), &err, "1", "'0:99'");
    text = read_list(*state, "0:1\r\n0:1 0:2\r\n", &a);
    is_wrong(sets_parse(text, &shape, &a, &sets, &n, &err), &err, "2", "'0:1 0:2'");
    text = read_list(*state, "0:1,2\n\n\n1:3\n", &a);
    is_wrong(combinations_parse(text, 2, &shape, &a, &sets, &n, &err), &err, "4", "'1:3'");
    arena_release(&a);
}

static void files_without_heads_are_refused(void **state)
{
    const struct scratch *s = *state;
    struct arena a = { 0 };
    struct abl_err err = { 0 };
    const char *out, *named = arena_printf(&a, "@%s", scratch_path(s, "list"));
    scratch_text(s, "list", "# nothing\n \n,\n");
    assert_false(head_file_text(named, &a, &out, &err));
    assert_non_null(strstr(err.text, "holds no heads"));
    scratch_write(s, "list", "0:1\0\n", 5);
    assert_false(head_file_text(named, &a, &out, &err));
    assert_non_null(strstr(err.text, "is no text"));
    assert_false(head_file_text(arena_printf(&a, "@%s", scratch_path(s, "none")), &a, &out, &err));
    assert_non_null(strstr(err.text, "/none'"));
    assert_false(head_file_text("@", &a, &out, &err));
    assert_int_equal(err.code, ABL_USAGE);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sets_stand_line_by_line, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(heads_stand_line_by_line, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(combinations_stand_line_by_line, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_is_said_does_not_depend_on_where, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(errors_name_file_and_line, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(files_without_heads_are_refused, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
