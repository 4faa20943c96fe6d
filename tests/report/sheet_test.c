// How cells are written, and that tables are read back, whichever version wrote them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/columns.h"
#include "report/saved_table.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

struct cells {
    const char *text;
    double number;
    int64_t whole;
};

static const struct cells *cells(const struct table_row *row)
{
    return row->item;
}

CELL(cell_text, text, cells(row)->text)
CELL(cell_number, number, cells(row)->number)
CELL(cell_whole, int, cells(row)->whole)

static const struct column columns[] = {
    { "text", CELL_TEXT | CELL_OR_NONE, "", "a text", cell_text },
    { "number", CELL_NUMBER | CELL_OR_NONE, "", "a number", cell_number },
    { "whole", CELL_INTEGER, "", "a whole number", cell_whole },
};

static const struct table table = { .name = "example", .row = "an example", COLUMNS(columns) };

static void row_is(enum sheet_format format, const struct cells *row, const char *expected)
{
    struct sheet s;
    struct buf out = { 0 };
    sheet_begin(&s, &out, format, columns, table.n_columns);
    size_t header = out.len;
    sheet_row(&s, &(struct table_row){ .item = row });
    assert_false(out.failed);
    buf_char(&out, '\0');
    assert_string_equal(out.data + header, expected);
    buf_release(&out);
}

static void text_is_quoted_and_numbers_have_a_point(void **state)
{
    (void)state;
    const struct {
        struct cells row;
        const char *csv, *json;
    } expected[] = {
        { { "NA", 0.0, 0 }, "\"NA\",0.0,0\n", "\n[\"NA\",0.0,0]" },
        { { "007", -3.0, -1 }, "\"007\",-3.0,-1\n", "\n[\"007\",-3.0,-1]" },
        { { "", 1e-7, 7 }, "\"\",1e-7,7\n", "\n[\"\",1e-7,7]" },
        { { NULL, NAN, 7 }, ",,7\n", "\n[null,null,7]" },
        { { "\"", 1e22, 7 }, "\"\"\"\",1e22,7\n", "\n[\"\\\"\",1e22,7]" },
        { { " a,\n", 100000.0, 7 }, "\" a,\n\",100000.0,7\n", "\n[\" a,\\n\",100000.0,7]" },
        { { "a\xff", 0.5, 7 }, "\"a\xef\xbf\xbd\",0.5,7\n", "\n[\"a\xef\xbf\xbd\",0.5,7]" },
        { { "=1+1", INFINITY, 7 }, "\"=1+1\",,7\n", "\n[\"=1+1\",null,7]" },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        row_is(SHEET_CSV, &expected[i].row, expected[i].csv);
        row_is(SHEET_JSON, &expected[i].row, expected[i].json);
    }
}

// Read the text back as the table's file, and write it again.
static void comes_back_as(struct scratch *folder, const struct table *t, const char *text,
                          const char *expected)
{
    struct arena a = { 0 };
    struct csv_table read;
    struct sheet s;
    struct buf out = { 0 };
    struct abl_err err;
    scratch_text(folder, "table.csv", text);
    CHECK(saved_table_read(t, scratch_path(folder, "table.csv"), SHEET_CSV, &a, &read, &err));
    sheet_begin(&s, &out, SHEET_CSV, t->columns, t->n_columns);
    for (size_t row = 0; row < read.n_rows; row++)
        sheet_cells(&s, read.cells + row * t->n_columns);
    buf_char(&out, '\0');
    assert_string_equal(out.data, expected);
    buf_release(&out);
    arena_release(&a);
}

static void what_was_written_comes_back_to_the_byte(void **state)
{
    static const char text[] = "\"text\",\"number\",\"whole\"\n"
                               "\"\",0.0,1\n"
                               ",,-2\n"
                               "\" \"\"x\"\",\r\n\",-1e-7,3\n";
    comes_back_as(*state, &table, text, text);
}

// Text used to stand without quotes, and whole numbers without a point.
static void what_an_earlier_version_wrote_is_written_as_today(void **state)
{
    comes_back_as(*state, &table,
                  "number,text,whole\n"
                  "0, NA,1\n"
                  "1e-7,\"a,b\",2\n"
                  ",,3\n",
                  "\"text\",\"number\",\"whole\"\n"
                  "\" NA\",0.0,1\n"
                  "\"a,b\",1e-7,2\n"
                  ",,3\n");
}

// `position` used to hold words.
static void patches_of_an_earlier_version_have_positions(void **state)
{
    comes_back_as(
        *state, &table_layer_impact,
        "condition,seed,site,layer,head,position,direction,metric,value,delta,recovery,ci_lo,"
        "ci_hi,p,q,n,n_clusters,small_denominator\n"
        "facts,0,z,0,1,all,sham,ld,1,0,,,,,,6,6,\n"
        "facts,0,resid_post,0,,-2,clean->corrupt,ld,1.5,0,1,,,1,1,6,6,0\n",
        "\"condition\",\"seed\",\"site\",\"layer\",\"head\",\"positions\",\"position\","
        "\"direction\",\"metric\",\"value\",\"delta\",\"recovery\",\"ci_lo\",\"ci_hi\",\"p\",\"q\","
        "\"n\",\"n_clusters\",\"small_denominator\",\"role\",\"n_changed\",\"delta_changed\","
        "\"ci_lo_changed\",\"ci_hi_changed\",\"recovery_changed\"\n"
        "\"facts\",0,\"z\",0,1,\"all\",,\"sham\",\"ld\",1.0,0.0,,,,,,6,6,,,,,,,\n"
        "\"facts\",0,\"resid_post\",0,,\"one\",-2,\"clean->corrupt\",\"ld\",1.5,0.0,1.0,,,1.0,1.0,"
        "6,6,0,,,,,,\n");
}

// One ' before what a spreadsheet computes, and it is taken away again where it was put.
static void a_mark_before_formulas_is_taken_away_again(void **state)
{
    static const char *const texts[][2] = {
        { "=1+1", "'=1+1" },
        { "+1", "'+1" },
        { "-x", "'-x" },
        { "@SUM(A1)", "'@SUM(A1)" },
        { "\t=1", "'\t=1" },
        { "\r=1", "'\r=1" },
        { "\xef\xbc\x9d\x31", "'\xef\xbc\x9d\x31" },
        { "'=1", "''=1" },
        { "''-", "'''-" },
        { "'quoted'", "'quoted'" },
        { "'", "'" },
        { "", "" },
        { "a=1", "a=1" },
        { " =1", " =1" },
        { "0:2", "0:2" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena a = { 0 };
        struct csv_table read;
        struct sheet s;
        struct buf out = { 0 };
        struct abl_err err;
        char marked[64];
        snprintf(marked, sizeof marked, "\"%s\",-1.0,-1\n", texts[i][1]);
        const struct cells row = { texts[i][0], -1.0, -1 };
        row_is(SHEET_CSV_SAFE, &row, marked);
        sheet_begin(&s, &out, SHEET_CSV_SAFE, columns, table.n_columns);
        sheet_row(&s, &(struct table_row){ .item = &row });
        scratch_text(*state, "table.csv", out.data);
        CHECK(saved_table_read(&table, scratch_path(*state, "table.csv"), SHEET_CSV_SAFE, &a, &read,
                               &err));
        assert_string_equal(csv_table_cell(&read, 0, 0), texts[i][0]);
        CHECK(saved_table_read(&table, scratch_path(*state, "table.csv"), SHEET_CSV, &a, &read,
                               &err));
        assert_string_equal(csv_table_cell(&read, 0, 0), texts[i][1]);
        buf_release(&out);
        arena_release(&a);
    }
}

static void what_is_no_such_table_is_refused(void **state)
{
    static const struct {
        const char *text, *said;
    } wrong[] = {
        { "text,number,whole\nx,1,2\nx,inf,2\n", "row 3, column \"number\": found 'inf'" },
        { "text,number,whole\nx,0x10,2\n", "found '0x10', expected a number" },
        { "text,number,whole\nx,1.,2\n", "found '1.', expected a number" },
        { "text,number,whole\nx,1e,2\n", "found '1e', expected a number" },
        { "text,number,whole\nx,,2.0\n", "found '2.0', expected a whole number" },
        { "text,number,whole\nx, 1,2\n", "found ' 1', expected a number" },
        { "text,number\nx,1\n", "has no column \"whole\"" },
        { "text,number,whole,\nx,1,2,3\n", "has 4 columns, expected 3" },
        { "text,number,whole\nx,1\n", "row 2 is no CSV row of 3 cells" },
        { "text,number,whole\n\"x,1,2\n", "is no CSV row" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct arena a = { 0 };
        struct csv_table read;
        struct abl_err err;
        scratch_text(*state, "table.csv", wrong[i].text);
        assert_false(saved_table_read(&table, scratch_path(*state, "table.csv"), SHEET_CSV, &a,
                                      &read, &err));
        assert_int_equal(err.code, ABL_BAD_DATA);
        if (!strstr(err.text, wrong[i].said))
            fail_msg("expected '%s', found '%s'", wrong[i].said, err.text);
        arena_release(&a);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_quoted_and_numbers_have_a_point),
        TEST(what_was_written_comes_back_to_the_byte),
        TEST(what_an_earlier_version_wrote_is_written_as_today),
        TEST(a_mark_before_formulas_is_taken_away_again),
        TEST(patches_of_an_earlier_version_have_positions),
        TEST(what_is_no_such_table_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
