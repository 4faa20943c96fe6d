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
                 const char *const columns[])
{
    *s = (struct sheet){ .out = out, .format = format };
    if (format == SHEET_JSON)
        buf_str(out, "{\"columns\":[");
    for (; columns[s->n_columns]; s->n_columns++) {
        if (s->n_columns)
            buf_char(out, ',');
        field(s, columns[s->n_columns]);
    }
    buf_str(out, format == SHEET_CSV ? "\n" : "],\"rows\":[");
}

void sheet_end(struct sheet *s)
{
    assert(s->column == 0);
    if (s->format == SHEET_JSON)
        buf_str(s->out, "]}");
}

static void before_cell(struct sheet *s)
{
    if (s->column)
        buf_char(s->out, ',');
    else if (s->format == SHEET_JSON)
        buf_str(s->out, s->n_rows ? ",\n[" : "\n[");
}

static void after_cell(struct sheet *s)
{
    if (++s->column < s->n_columns)
        return;
    buf_char(s->out, s->format == SHEET_CSV ? '\n' : ']');
    s->column = 0;
    s->n_rows++;
}

// Digits as they are; none means that the value is missing.
static void put_digits(struct sheet *s, const char *digits)
{
    before_cell(s);
    if (*digits)
        buf_str(s->out, digits);
    else if (s->format == SHEET_JSON)
        buf_str(s->out, "null");
    after_cell(s);
}

void sheet_text(struct sheet *s, const char *text)
{
    if (!text) {
        sheet_missing(s);
        return;
    }
    before_cell(s);
    field(s, text);
    after_cell(s);
}

void sheet_uint(struct sheet *s, uint64_t value)
{
    char digits[NUMBER_SIZE];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_digits(s, digits);
}

void sheet_number(struct sheet *s, double value)
{
    char digits[NUMBER_SIZE];
    number_format(value, digits);
    put_digits(s, digits);
}

void sheet_float(struct sheet *s, float value)
{
    char digits[NUMBER_SIZE];
    number_format_float(value, digits);
    put_digits(s, digits);
}

void sheet_missing(struct sheet *s)
{
    put_digits(s, "");
}
