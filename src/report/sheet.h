// A table being written row by row: as CSV (RFC 4180, lines end in \n), or as JSON for --json.
// So that no reader takes a cell for something else, text is quoted and nothing else is, and a
// number that need not be whole has a point or an exponent.
#ifndef ABL_REPORT_SHEET_H
#define ABL_REPORT_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct sheet;
struct table_row; // whatever the cells of a row are made from

enum cell_type {
    CELL_TEXT,
    CELL_INTEGER,
    CELL_NUMBER,
    CELL_BOOLEAN, // 1 or 0

    // Flags.
    CELL_OR_NONE = 8,  // such a cell may be missing, maybe all down the table
    CELL_64_BITS = 16, // a whole number of any size up to 2^64
};

struct column {
    const char *name;
    unsigned type;                                             // enum cell_type, with flags
    const char *unit;                                          // "logits"; "" where there is none
    const char *meaning;                                       // one line for people
    void (*put)(struct sheet *s, const struct table_row *row); // exactly one cell
};

static inline enum cell_type column_type(const struct column *c)
{
    return (enum cell_type)(c->type & ~(unsigned)(CELL_OR_NONE | CELL_64_BITS));
}

enum sheet_format {
    SHEET_CSV, // a line of column names, then a line a row; what is missing is empty: no quotes
    SHEET_CSV_SAFE, // the same, with ' before text that spreadsheets compute: sheet_is_formula
    SHEET_JSON,     // {"columns": [names], "rows": [[cells], …]}; what is missing is null
};

// Whether a spreadsheet takes a text for a formula, or would without the ' before it: one by one
// these can be put before it and taken away again.
bool sheet_is_formula(const char *text);

// Takes what has been written so far out of a sheet's text, and empties that.
struct sheet_spill {
    void (*take)(void *context, struct buf *text);
    void *context;
};

struct sheet {
    struct buf *out;                 // borrowed; its failed flag tells of memory that ran out
    const struct sheet_spill *spill; // borrowed; NULL: all of it stays there
    enum sheet_format format;
    const struct column *columns;
    size_t n_columns, n_rows;
    enum cell_type type; // of the cell that is asked for
    bool has_cell;       // it is put
};

void sheet_begin(struct sheet *s, struct buf *out, enum sheet_format format,
                 const struct column *columns, size_t n_columns);
// Every column puts its cell.
void sheet_row(struct sheet *s, const struct table_row *row);
// A row that was read back: a cell a column, as it is written but for quotes; NULL: missing.
void sheet_cells(struct sheet *s, const char *const *cells);
void sheet_end(struct sheet *s);

// What columns put. A cell that is not of the column's type is a mistake of the program.
void sheet_text(struct sheet *s, const char *text); // NULL: missing
void sheet_uint(struct sheet *s, uint64_t value);
void sheet_int(struct sheet *s, int64_t value);
void sheet_bool(struct sheet *s, bool value);
void sheet_number(struct sheet *s, double value); // not finite: missing
void sheet_float(struct sheet *s, float value);
void sheet_missing(struct sheet *s);

#endif
