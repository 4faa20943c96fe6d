// A CSV table that is read back; what was read is written again and means the same.
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "report/csv_table.h"
#include "tests/fuzz/fuzz.h"

// A missing cell is nothing at all.
static void quote(struct buf *out, const char *cell)
{
    if (!cell)
        return;
    buf_char(out, '"');
    for (const char *end; (end = strchr(cell, '"')); cell = end + 1) {
        buf_add(out, cell, (size_t)(end - cell));
        buf_str(out, "\"\"");
    }
    buf_str(out, cell);
    buf_char(out, '"');
}

// The table, header first, every cell quoted.
static struct buf write_again(const struct csv_table *t)
{
    struct buf out = { 0 };
    for (size_t row = 0; row <= t->n_rows; row++)
        for (size_t i = 0; i < t->n_columns; i++) {
            quote(&out, row ? csv_table_cell(t, row - 1, i) : t->columns[i]);
            buf_char(&out, i + 1 < t->n_columns ? ',' : '\n');
        }
    return out;
}

void fuzz_csv(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct csv_table one, two;
    struct abl_err err = { 0 };
    if (!size)
        return;
    fuzz_write("table.csv", (struct part){ (const char *)data, size });
    if (fuzz_outcome(csv_table_read(fuzz_path("table.csv"), SHEET_CSV, &a, &one, &err), &err)) {
        struct buf text = write_again(&one);
        fuzz_write("table.csv", (struct part){ text.data, text.len });
        REQUIRE(csv_table_read(fuzz_path("table.csv"), SHEET_CSV, &a, &two, &err));
        REQUIRE(one.n_rows == two.n_rows && one.n_columns == two.n_columns);
        for (size_t i = 0; i < (one.n_rows + 1) * one.n_columns; i++)
            REQUIRE(!one.columns[i] ? !two.columns[i]
                                    : two.columns[i] && !strcmp(one.columns[i], two.columns[i]));
        for (size_t i = 0; i < one.n_columns && i < 16; i++)
            REQUIRE(csv_table_column(&one, one.columns[i]) <= i);
        buf_release(&text);
    }
    arena_release(&a);
}
