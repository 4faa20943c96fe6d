// Which tokens a position is, how texts name it, and which rows an edit does something in: by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "plan/position.h"

// Spans "name" and "place"; 9 is BOS. Each clean prompt and its corrupt one differ where `differs`
// says, from the end: at 7 and 3 of the first two; at the 5 of the short one, whose other is longer.
//
//   long:   9 1 [7 8] 2 [3]        9 1 [6 8] 2 [4]
//   short:  9 [5] 2                9 [7 7] 1 2
static const uint32_t long_ids[] = { 9, 1, 7, 8, 2, 3 }, long_other[] = { 9, 1, 6, 8, 2, 4 };
static const uint32_t short_ids[] = { 9, 5, 2 }, short_other[] = { 9, 7, 7, 1, 2 };
static struct token_span long_spans[] = { { 0, 2, 4 }, { 1, 5, 6 } };
static struct token_span short_spans[] = { { 0, 1, 2 } }, short_other_spans[] = { { 0, 1, 3 } };
static const uint32_t long_differs[] = { 0, 3 }, short_differs[] = { 1, 2 };

static const struct prompt rows[] = {
    { .ids = long_ids,
      .n_ids = 6,
      .spans = { long_spans, 2 },
      .differs = long_differs,
      .n_differs = 2 },
    { .ids = short_ids,
      .n_ids = 3,
      .spans = { short_spans, 1 },
      .differs = short_differs,
      .n_differs = 2 },
};
static const struct prompt others[] = {
    { .ids = long_other,
      .n_ids = 6,
      .spans = { long_spans, 2 },
      .differs = long_differs,
      .n_differs = 2 },
    { .ids = short_other,
      .n_ids = 5,
      .spans = { short_other_spans, 1 },
      .differs = short_differs,
      .n_differs = 2 },
};

static void expect_tokens(int32_t position, const struct prompt *p, const char *expected)
{
    struct buf found = { 0 };
    buf_str(&found, "");
    for (uint32_t i = position_count(position, p); i-- > 0;)
        buf_printf(&found, "%u ", position_token(position, p, i));
    if (strcmp(found.data, expected) != 0)
        fail_msg("position %d: found tokens '%s', expected '%s'", position, found.data, expected);
    buf_release(&found);
}

static void positions_are_tokens_of_each_prompt(void **state)
{
    (void)state;
    static const struct {
        int32_t position;
        const char *of_long, *of_short;
    } cases[] = {
        { ALL_POSITIONS, "0 1 2 3 4 5 ", "0 1 2 " },
        { -1, "5 ", "2 " },
        { -4, "2 ", "" },
        { -7, "", "" },
        { 0, "0 ", "0 " },
        { 3, "3 ", "" },
        { POSITION_DIFF, "2 5 ", "0 1 " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_tokens(cases[i].position, &rows[0], cases[i].of_long);
        expect_tokens(cases[i].position, &rows[1], cases[i].of_short);
    }
    static const char *const parts[][2] = {
        [POSITION_WHOLE] = { "2 3 ", "1 " },
        [POSITION_FIRST] = { "2 ", "1 " },
        [POSITION_LAST] = { "3 ", "1 " },
    };
    for (unsigned part = 0; part < N_POSITION_PARTS; part++)
        for (size_t p = 0; p < 2; p++)
            expect_tokens(position_of_span(0, part), &rows[p], parts[part][p]);
    expect_tokens(position_of_span(1, POSITION_LAST), &rows[1], "");
    expect_tokens(position_of_span(2, POSITION_WHOLE), &rows[0], "");
}

static void a_position_reaches_as_far_back_as_in_any_prompt(void **state)
{
    (void)state;
    assert_int_equal(position_reach(-3, rows, 2), 3);
    assert_int_equal(position_reach(1, rows, 2), 5);
    assert_int_equal(position_reach(POSITION_DIFF, rows, 2), 4);
    assert_int_equal(position_reach(position_of_span(0, POSITION_LAST), rows, 2), 3);
    assert_int_equal(position_reach(position_of_span(1, POSITION_WHOLE), rows, 2), 1);
    assert_int_equal(position_reach(ALL_POSITIONS, rows, 2), ALL_TOKENS);
}

// "13" where it acts in both rows and takes another token in the first alone: 1 acts, 2 changes too.
static void expect_touches(struct edit e, bool has_bos, int in_long, int in_short)
{
    const int expected[] = { in_long, in_short };
    for (size_t i = 0; i < 2; i++) {
        struct row_touch t
            = edit_touches(&e, &rows[i], e.source == SOURCE_ROW ? &others[i] : NULL, has_bos);
        int found = t.acts + t.changed;
        if (found != expected[i] || (t.changed && !t.acts))
            fail_msg("position %d, source %d, row %zu: acts %d, changed %d; expected %d",
                     e.position, (int)e.source, i, t.acts, t.changed, expected[i]);
    }
}

static void edits_touch_the_rows_that_have_their_position(void **state)
{
    (void)state;
    enum { NO, ACTS, CHANGES };
    struct edit e = { .op = EDIT_SET, .source = SOURCE_ROW };
    const struct {
        int32_t position;
        int in_long, in_short;
    } patches[] = {
        { -1, CHANGES, ACTS },
        { -2, ACTS, CHANGES }, // of the short one 5 and 1
        { -3, ACTS, NO },      // of the short one BOS
        { -4, CHANGES, NO },
        { -6, NO, NO }, // of the long one BOS, of the short one nothing
        { 0, NO, NO },  // BOS for BOS is nothing
        { 1, ACTS, CHANGES },
        { 3, ACTS, NO }, // of the short one only the other has it
        { ALL_POSITIONS, CHANGES, CHANGES },
        { POSITION_DIFF, CHANGES, CHANGES },
        { position_of_span(0, POSITION_LAST), ACTS, CHANGES },
        { position_of_span(0, POSITION_FIRST), CHANGES, CHANGES },
        { position_of_span(1, POSITION_WHOLE), CHANGES, NO },
    };
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        e.position = patches[i].position;
        expect_touches(e, true, patches[i].in_long, patches[i].in_short);
    }
    e.position = -3; // no BOS: a token like others, and another one
    expect_touches(e, false, ACTS, CHANGES);
    e.source = SOURCE_MEAN;
    expect_touches(e, true, ACTS, NO);
    e.position = 0; // keeps its value
    expect_touches(e, true, NO, NO);
    e.source = SOURCE_CONSTANT;
    expect_touches(e, true, ACTS, ACTS);
    e.position = 4;
    expect_touches(e, true, ACTS, NO);
}

static const char *const span_names[] = { "name", "a:b" };
static const struct position_names names = { .n_tokens = 5,
                                             .has_bos = true,
                                             .spans = span_names,
                                             .n_spans = 2,
                                             .prompts = rows,
                                             .n_prompts = 2 };

static void texts_name_positions(void **state)
{
    (void)state;
    const struct {
        const char *text, *expected;
        int32_t first;
    } cases[] = {
        { "last", "-1", -1 },
        { "all", "all", ALL_POSITIONS },
        { "each", "-1 -2 -3 -4", -1 },
        { "-4,-1, -2", "-4 -1 -2", -4 },
        { "diff,END,last,-1", "diff END", POSITION_DIFF },
        { "0,4", "0 4", 0 },
        { "name:last,each,name:all", "name:last -1 -2 -3 -4 name:all",
          position_of_span(0, POSITION_LAST) },
        { "a:b:first", "a:b:first", position_of_span(1, POSITION_FIRST) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = { 0 };
        struct abl_err err = { 0 };
        struct buf found = { 0 };
        struct position *positions;
        size_t n;
        if (!positions_parse(cases[i].text, &names, &a, &positions, &n, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        for (size_t k = 0; k < n; k++) {
            buf_printf(&found, "%s%s", k ? " " : "", positions[k].name);
            assert_int_equal(positions[k].reach, position_reach(positions[k].at, rows, 2));
        }
        assert_string_equal(found.data, cases[i].expected);
        assert_int_equal(positions[0].at, cases[i].first);
        buf_release(&found);
        arena_release(&a);
    }
}

static void bad_positions_name_the_part_and_what_is_there(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "5", "'5'" },
        { "-0", "'-0'" },
        { "-5", "'-5'" },
        { "-1,", "''" },
        { ",-1", "''" },
        { "first", "'first'" },
        { "-", "'-'" },
        { "--1", "'--1'" },
        { "-1;-2", "'-1;-2'" },
        { "-99999999999", "'-9" },
        { "", "''" },
        { "name", "'name'" },
        { "name:end", "'name:end'" },
        { "b:first", "'b:first'" },
        { "99999999999", "'9" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena a = { 0 };
        struct abl_err err = { 0 };
        struct position *positions;
        size_t n;
        if (positions_parse(bad[i][0], &names, &a, &positions, &n, &err))
            fail_msg("'%s' was taken", bad[i][0]);
        assert_int_equal(err.code, ABL_USAGE);
        if (!strstr(err.text, bad[i][1]) || !strstr(err.text, "here: name, a:b")
            || !strstr(err.text, "to 4 or from -1 (the last token) to -4"))
            fail_msg("'%s': found '%s'", bad[i][0], err.text);
        arena_release(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_tokens_of_each_prompt),
        cmocka_unit_test(a_position_reaches_as_far_back_as_in_any_prompt),
        cmocka_unit_test(edits_touch_the_rows_that_have_their_position),
        cmocka_unit_test(texts_name_positions),
        cmocka_unit_test(bad_positions_name_the_part_and_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
