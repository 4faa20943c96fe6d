#include "text/records_csv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "base/array.h"
#include "base/json.h"

struct csv_column {
    char *key; // its name as JSON, with what stands around it: ,"name":
    size_t key_len;
    bool has_name, may_be_json, is_answer;
};

struct csv_reader {
    struct record_list *list;
    const struct data_fields *fields;
    struct csv_column *columns;
    size_t n_columns, cap;
    bool header_ended;
    size_t cell, row_at; // of the row at hand: the next cell, where it begins in list->made
    uint32_t line, row_line;
    struct abl_err *err;
    bool failed;
};

static void fail(struct csv_reader *r, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct csv_reader *r, uint32_t line, const char *format, ...)
{
    char message[512];
    va_list args;
    if (r->failed)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    r->failed = true;
    abl_fail(r->err, ABL_BAD_DATA, "'%s' line %" PRIu32 ": %s", r->list->name, line, message);
}

static void no_memory(struct csv_reader *r)
{
    r->failed = true;
    abl_no_memory(r->err);
}

// ------------------------------------------------------------------------------------------ header

static bool same_name(const struct csv_column *c, const char *key, size_t len)
{
    return c->has_name && c->key_len == len && memcmp(c->key, key, len) == 0;
}

static void take_name(struct csv_reader *r, const char *text, size_t len)
{
    struct csv_column *columns = array_room(r->columns, r->n_columns, &r->cap, sizeof *columns);
    struct buf key = { 0 };
    enum data_field f = data_field_find(r->fields, text, len);
    record_put_string(&key, text, len);
    buf_char(&key, ':');
    r->columns = columns ? columns : r->columns;
    if (!columns || key.failed) {
        buf_release(&key);
        no_memory(r);
        return;
    }
    for (size_t i = 0; len && i < r->n_columns; i++)
        if (same_name(&columns[i], key.data, key.len))
            fail(r, r->line, "two columns are called \"%.*s\": rename one", (int)len, text);
    bool is_answer = f == DATA_TARGET || f == DATA_FOIL;
    columns[r->n_columns++] = (struct csv_column){
        .key = key.data,
        .key_len = key.len,
        .has_name = len,
        .may_be_json = is_answer || f == DATA_SPANS || f == DATA_CORRUPT_SPANS,
        .is_answer = is_answer,
    };
}

// "prompt", "answer", …: what a file has, for one who looks for a column.
static void put_names(const struct csv_reader *r, struct buf *out)
{
    enum { MOST = 8 };
    for (size_t i = 0; i < r->n_columns && i < MOST; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", (int)(r->columns[i].key_len - 1),
                   r->columns[i].key);
    buf_str(out, r->n_columns > MOST ? ", …" : "");
}

static bool has_column(const struct csv_reader *r, const char *name)
{
    struct buf key = { 0 };
    bool found = false;
    record_put_string(&key, name, strlen(name));
    buf_char(&key, ':');
    for (size_t i = 0; !key.failed && !found && i < r->n_columns; i++)
        found = same_name(&r->columns[i], key.data, key.len);
    buf_release(&key);
    return found;
}

static void end_header(struct csv_reader *r)
{
    r->header_ended = true;
    bool free = r->fields && r->fields->free;
    for (size_t f = 0; f < N_DATA_FIELDS && !r->failed && !free; f++) {
        const char *name = data_field_in_file(r->fields, (enum data_field)f);
        bool named = r->fields && r->fields->names[f];
        if ((!named && !data_field_is_required(r->fields, (enum data_field)f))
            || has_column(r, name))
            continue;
        struct buf names = { 0 };
        put_names(r, &names);
        fail(r, r->line, "no column is called \"%s\", only %s: say which it is with --map %s=NAME",
             name, names.failed ? "others" : names.data, data_field_name(f));
        buf_release(&names);
    }
}

// -------------------------------------------------------------------------------------------- rows

static bool is_json(const char *text, size_t len)
{
    struct json j;
    struct abl_err why;
    bool ok = json_open(&j, "", text, len, ABL_BAD_DATA, &why) && json_skip(&j) && json_end(&j);
    json_close(&j);
    return ok;
}

static void put_cell(struct csv_reader *r, const struct csv_column *c, const char *text, size_t len)
{
    struct buf *out = &r->list->made;
    bool opens = c->may_be_json && (*text == '[' || *text == '{');
    buf_str(out, out->len > r->row_at + 1 ? "," : "");
    buf_add(out, c->key, c->key_len);
    if (opens && is_json(text, len)) {
        size_t at = out->len;
        buf_add(out, text, len);
        for (; !out->failed && at < out->len; at++) // a row of JSON is a line
            out->data[at] = out->data[at] == '\n' || out->data[at] == '\r' ? ' ' : out->data[at];
        return;
    }
    if (opens && c->is_answer && text[len - 1] == ']')
        fail(r, r->line, "%.*s %.*s looks like a list but is no JSON: write [\" a\", \" b\"]",
             (int)c->key_len, c->key, len > 40 ? 40 : (int)len, text);
    record_put_string(out, text, len);
}

static void take_cell(void *text, size_t len, void *context)
{
    struct csv_reader *r = context;
    const char *data = text ? text : "";
    if (r->failed)
        return;
    if (memchr(data, '\0', len)) {
        fail(r, r->line, "a cell holds a NUL character: write the file anew from its source");
        return;
    }
    if (!r->header_ended) {
        take_name(r, data, len);
        return;
    }
    if (!r->cell) {
        r->row_at = r->list->made.len;
        buf_char(&r->list->made, '{');
    }
    if (r->cell < r->n_columns && r->columns[r->cell].has_name && len)
        put_cell(r, &r->columns[r->cell], data, len);
    r->cell++;
}

static void end_row(int end, void *context)
{
    struct csv_reader *r = context;
    struct buf *out = &r->list->made;
    (void)end;
    if (r->failed)
        return;
    if (!r->header_ended) {
        end_header(r);
    } else if (r->cell != r->n_columns) {
        fail(r, r->row_line,
             "%zu cells where the first line names %zu columns: quote a cell that holds the "
             "separator",
             r->cell, r->n_columns);
    } else {
        buf_char(out, '}');
        r->failed = !record_add(r->list, r->row_at, out->len - r->row_at, r->row_line, r->err);
        buf_char(out, '\n');
    }
    if (out->failed && !r->failed)
        no_memory(r);
    r->cell = 0;
    r->row_line = r->line + 1;
}

// White space around a cell is its own.
static int is_space(unsigned char c)
{
    (void)c;
    return 0;
}

// Line by line, so that a row knows its own.
static void parse(struct csv_reader *r, struct csv_parser *p, const char *text, size_t len)
{
    for (size_t at = 0; at < len && !r->failed; r->line++) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t n = newline ? (size_t)(newline - text) + 1 - at : len - at;
        if (r->row_line == r->line && !r->cell && n <= 2 && strchr("\r\n", text[at])) {
            r->row_line++; // an empty line is no row
        } else if (csv_parse(p, text + at, n, take_cell, end_row, r) != n) {
            if (csv_error(p) == CSV_EPARSE)
                fail(r, r->line,
                     "a quote stands inside a cell: put the whole cell in quotes and write the "
                     "quote twice");
            else
                no_memory(r);
        }
        at += n;
    }
    if (!r->failed && csv_fini(p, take_cell, end_row, r) != 0)
        fail(r, r->row_line, "a cell that begins with a quote has no quote at its end");
}

bool records_csv(const char *text, size_t len, char separator, const struct data_fields *fields,
                 struct record_list *out, struct abl_err *err)
{
    struct csv_reader r = { .list = out, .fields = fields, .line = 1, .row_line = 1, .err = err };
    struct csv_parser p;
    out->unit = "line";
    out->derived = true;
    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0)
        return abl_no_memory(err);
    csv_set_delim(&p, (unsigned char)separator);
    csv_set_space_func(&p, is_space);
    parse(&r, &p, text, len);
    csv_free(&p);
    if (!r.failed && !r.header_ended)
        fail(&r, 1, "the file is empty: expected a line that names the columns");
    for (size_t i = 0; i < r.n_columns; i++)
        free(r.columns[i].key);
    free(r.columns);
    out->text = out->made.data;
    return !r.failed;
}
