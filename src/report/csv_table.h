// A CSV file read whole: what a run's tables are read back with.
#ifndef ABL_REPORT_CSV_TABLE_H
#define ABL_REPORT_CSV_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/sheet.h"

struct csv_table {
    const char *path;
    const char *const *columns; // (n_columns)
    size_t n_columns;
    const char *const *cells; // (n_rows, n_columns); NULL where one is missing: empty, not quoted
    size_t n_rows;
};

// How the tables of a run are written, as its config.json says.
enum sheet_format csv_format_of(const cJSON *config);

// Everything in the arena, the marks of SHEET_CSV_SAFE taken away. ABL_BAD_DATA where rows differ
// in length or the file cannot be read.
bool csv_table_read(const char *path, enum sheet_format format, struct arena *a,
                    struct csv_table *out, struct abl_err *err);

// The number of a column, SIZE_MAX where there is none.
size_t csv_table_column(const struct csv_table *t, const char *name);

// NULL where it is missing.
static inline const char *csv_table_cell(const struct csv_table *t, size_t row, size_t column)
{
    return t->cells[row * t->n_columns + column];
}

#endif
