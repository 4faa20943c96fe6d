// A table being written row by row: as CSV (RFC 4180, lines end in \n), or as JSON for --json.
#ifndef ABL_REPORT_SHEET_H
#define ABL_REPORT_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum sheet_format {
    SHEET_CSV,  // a line of column names, then a line a row; what is missing is empty
    SHEET_JSON, // {"columns": [names], "rows": [[cells], …]}; what is missing is null
};

struct sheet {
    struct buf *out; // borrowed; its failed flag tells of memory that ran out
    enum sheet_format format;
    size_t n_columns, n_rows;
    size_t column; // of the next cell
};

// columns ends in NULL.
void sheet_begin(struct sheet *s, struct buf *out, enum sheet_format format,
                 const char *const columns[]);
// After whole rows only.
void sheet_end(struct sheet *s);

// Each puts the next cell; a row ends by itself after the last column.
void sheet_text(struct sheet *s, const char *text); // NULL: missing
void sheet_uint(struct sheet *s, uint64_t value);
void sheet_number(struct sheet *s, double value); // not finite: missing
void sheet_float(struct sheet *s, float value);
void sheet_missing(struct sheet *s);

#endif
