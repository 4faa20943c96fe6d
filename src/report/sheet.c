#include "report/sheet.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/doc.h"
#include "report/number.h"

// ASCII without a quote: what most cells are, millions of them in a large run.
static bool is_plain(const char *text)
{
    while (*text && *text != '"' && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

static void add_doubling_quotes(struct buf *out, const char *text)
{
    struct buf valid = { 0 };
    doc_put_valid(&valid, text);
    for (const char *at = valid.data ? valid.data : ""; *at; at++) {
        if (*at == '"')
            buf_char(out, '"');
        buf_char(out, *at);
    }
    out->failed = out->failed || valid.failed;
    buf_release(&valid);
}

// Excel takes the wide forms of its signs, too, and what follows white space that it skips.
bool sheet_is_formula(const char *text)
{
    static const char *const begins[] = { "=",
                                          "+",
                                          "-",
                                          "@",
                                          "\t",
                                          "\r",
                                          "\n",
                                          "\xef\xbc\x9d",
                                          "\xef\xbc\x8b",
                                          "\xef\xbc\x8d",
                                          "\xef\xbc\xa0" };
    text += strspn(text, "'");
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(text, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

static void csv_field(struct buf *out, const char *text, bool safe)
{
    buf_str(out, safe && sheet_is_formula(text) ? "\"'" : "\"");
    if (is_plain(text))
        buf_str(out, text);
    else
        add_doubling_quotes(out, text);
    buf_char(out, '"');
}

static void field(struct sheet *s, const char *text)
{
    if (s->format == SHEET_JSON)
        doc_quote(s->out, text);
    else
        csv_field(s->out, text, s->format == SHEET_CSV_SAFE);
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
    buf_str(out, format == SHEET_JSON ? "],\"rows\":[" : "\n");
}

void sheet_end(struct sheet *s)
{
    if (s->format == SHEET_JSON)
        buf_str(s->out, "]}");
}

static void begin_row(struct sheet *s)
{
    if (s->format == SHEET_JSON)
        buf_str(s->out, s->n_rows ? ",\n[" : "\n[");
}

static void begin_cell(struct sheet *s, size_t column)
{
    if (column)
        buf_char(s->out, ',');
    s->type = column_type(&s->columns[column]);
    s->has_cell = false;
}

static void end_row(struct sheet *s)
{
    enum { SPILL_BYTES = 1 << 20 };
    buf_char(s->out, s->format == SHEET_JSON ? ']' : '\n');
    s->n_rows++;
    if (s->spill && s->out->len >= SPILL_BYTES)
        s->spill->take(s->spill->context, s->out);
}

void sheet_row(struct sheet *s, const struct table_row *row)
{
    begin_row(s);
    for (size_t i = 0; i < s->n_columns; i++) {
        begin_cell(s, i);
        s->columns[i].put(s, row);
        assert(s->has_cell);
    }
    end_row(s);
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
    assert(s->type == CELL_TEXT);
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

void sheet_int(struct sheet *s, int64_t value)
{
    char digits[NUMBER_SIZE];
    assert(s->type == CELL_INTEGER);
    snprintf(digits, sizeof digits, "%" PRId64, value);
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
    number_with_point(digits);
    put_digits(s, digits);
}

void sheet_float(struct sheet *s, float value)
{
    char digits[NUMBER_SIZE];
    assert(s->type == CELL_NUMBER);
    number_format_float(value, digits);
    number_with_point(digits);
    put_digits(s, digits);
}

void sheet_missing(struct sheet *s)
{
    put_digits(s, "");
}

void sheet_cells(struct sheet *s, const char *const *cells)
{
    begin_row(s);
    for (size_t i = 0; i < s->n_columns; i++) {
        begin_cell(s, i);
        if (s->type == CELL_TEXT)
            sheet_text(s, cells[i]);
        else
            put_digits(s, cells[i] ? cells[i] : "");
    }
    end_row(s);
}
