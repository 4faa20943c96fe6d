#include "report/sheet.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "report/doc.h"
#include "report/number.h"

// Quotes only where a reader would go wrong without them.
static void csv_field(struct buf *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        buf_str(out, text);
        return;
    }
    size_t len = strlen(text), need = csv_write(NULL, 0, text, len);
    char *quoted = malloc(need);
    if (quoted)
        buf_add(out, quoted, csv_write(quoted, need, text, len));
    else
        out->failed = true;
    free(quoted);
}

static void field(struct sheet *s, const char *text)
{
    if (s->format == SHEET_CSV)
        csv_field(s->out, text);
    else
        doc_quote(s->out, text);
}

void sheet_begin(struct sheet *s, struct buf *out, enum sheet_format format,
                 const struct column *columns, size_t n_columns)
{
    *s = (struct sheet){ .out = out, .format = format, .columns = columns, .n_columns = n_columns };
    if (format == SHEET_JSON)
        buf_str(out, "{\"columns\":[");
    for (size_t i = 0; i < n_columns; i++) {
        if (i)
            buf_char(out, ',');
        field(s, columns[i].name);
    }
    buf_str(out, format == SHEET_CSV ? "\n" : "],\"rows\":[");
}

void sheet_end(struct sheet *s)
{
    if (s->format == SHEET_JSON)
        buf_str(s->out, "]}");
}

void sheet_row(struct sheet *s, const struct table_row *row)
{
    if (s->format == SHEET_JSON)
        buf_str(s->out, s->n_rows ? ",\n[" : "\n[");
    for (size_t i = 0; i < s->n_columns; i++) {
        if (i)
            buf_char(s->out, ',');
        s->type = s->columns[i].type;
        s->has_cell = false;
        s->columns[i].put(s, row);
        assert(s->has_cell);
    }
    buf_char(s->out, s->format == SHEET_CSV ? '\n' : ']');
    s->n_rows++;
}

static void claim_cell(struct sheet *s)
{
    assert(!s->has_cell);
    s->has_cell = true;
}

// Digits as they are; none means that the value is missing.
static void put_digits(struct sheet *s, const char *digits)
{
    claim_cell(s);
    if (*digits)
        buf_str(s->out, digits);
    else if (s->format == SHEET_JSON)
        buf_str(s->out, "null");
}

void sheet_text(struct sheet *s, const char *text)
{
    assert(s->type == CELL_TEXT || s->type == CELL_ANY);
    if (!text) {
        sheet_missing(s);
        return;
    }
    claim_cell(s);
    field(s, text);
}

void sheet_uint(struct sheet *s, uint64_t value)
{
    char digits[NUMBER_SIZE];
    assert(s->type == CELL_INTEGER);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_digits(s, digits);
}

void sheet_bool(struct sheet *s, bool value)
{
    assert(s->type == CELL_BOOLEAN);
    put_digits(s, value ? "1" : "0");
}

void sheet_number(struct sheet *s, double value)
{
    char digits[NUMBER_SIZE];
    assert(s->type == CELL_NUMBER);
    number_format(value, digits);
    put_digits(s, digits);
}

void sheet_float(struct sheet *s, float value)
{
    char digits[NUMBER_SIZE];
    assert(s->type == CELL_NUMBER);
    number_format_float(value, digits);
    put_digits(s, digits);
}

void sheet_missing(struct sheet *s)
{
    put_digits(s, "");
}
