// Tables that are written: whatever stands in a cell comes back from the file, and the JSON is
// strict. The input is texts for rows of three cells.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "report/csv_table.h"
#include "report/doc.h"
#include "report/number.h"
#include "report/sheet.h"
#include "tests/fuzz/fuzz.h"
#include "text/unicode.h"

enum { MAX_ROWS = 4 }; // more are more of the same, and numbers take their time

struct table_row {
    char *text;
    uint64_t count;
    double number;
};

static void put_text(struct sheet *s, const struct table_row *row)
{
    sheet_text(s, row->text);
}

static void put_count(struct sheet *s, const struct table_row *row)
{
    sheet_uint(s, row->count);
}

static void put_number(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->number);
}

static const struct column columns[] = {
    { "text", CELL_TEXT, "", "any", put_text },
    { "count", CELL_INTEGER, "", "any", put_count },
    { "number", CELL_NUMBER, "", "any", put_number },
};

static struct buf write_rows(enum sheet_format format, const struct table_row *rows, size_t n)
{
    struct sheet s;
    struct buf out = { 0 };
    sheet_begin(&s, &out, format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n; i++)
        sheet_row(&s, &rows[i]);
    sheet_end(&s);
    REQUIRE(!out.failed);
    return out;
}

static bool is_sound(const char *text)
{
    return utf8_invalid_at(text, strlen(text)) == strlen(text);
}

static void check_csv(const struct table_row *rows, size_t n)
{
    struct buf text = write_rows(SHEET_CSV, rows, n);
    struct csv_table t;
    struct arena a = { 0 };
    struct abl_err err = { 0 };
    fuzz_write("cells.csv", (struct part){ text.data, text.len });
    REQUIRE(csv_table_read(fuzz_path("cells.csv"), SHEET_CSV, &a, &t, &err));
    REQUIRE(t.n_rows == n && t.n_columns == 3);
    for (size_t i = 0; i < n; i++) {
        const char *cell = csv_table_cell(&t, i, 0), *number = csv_table_cell(&t, i, 2);
        struct buf valid = { 0 };
        doc_put_valid(&valid, rows[i].text);
        REQUIRE(cell && strcmp(cell, valid.data ? valid.data : "") == 0);
        REQUIRE(strcmp(cell, rows[i].text) == 0 || !is_sound(rows[i].text));
        buf_release(&valid);
        REQUIRE(strtoull(csv_table_cell(&t, i, 1), NULL, 10) == rows[i].count);
        REQUIRE(number ? strtod(number, NULL) == rows[i].number : !isfinite(rows[i].number));
    }
    arena_release(&a);
    buf_release(&text);
}

static void check_json(const struct table_row *rows, size_t n)
{
    struct buf text = write_rows(SHEET_JSON, rows, n);
    struct abl_err err = { 0 };
    struct json j;
    bool ok = json_open(&j, "sheet", text.data, text.len, ABL_FAILED, &err) && json_skip(&j);
    REQUIRE(json_end(&j) && ok);
    json_close(&j);
    buf_release(&text);
}

void fuzz_cells(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    struct table_row rows[MAX_ROWS] = { 0 };
    size_t n = 0;
    for (; rest.len && n < MAX_ROWS; n++) {
        struct part p = next_part(&rest);
        rows[n] = (struct table_row){ .text = part_text(p) };
        memcpy(&rows[n].count, p.data, p.len < 8 ? p.len : 8);
        memcpy(&rows[n].number, p.data + p.len - (p.len < 8 ? p.len : 8), p.len < 8 ? p.len : 8);
    }
    check_csv(rows, n);
    check_json(rows, n);
    for (size_t i = 0; i < n; i++)
        free(rows[i].text);
}
