#include "text/records.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/records_csv.h"
#include "text/records_json.h"
#include "text/records_parquet.h"
#include "text/unicode.h"

enum { MAX_ROWS_TEXT = 1 << 30 }; // bytes of rows that were Parquet

enum format { FORMAT_JSONL, FORMAT_JSON, FORMAT_CSV, FORMAT_TSV, FORMAT_PARQUET };

static const struct {
    const char *suffix;
    enum format format;
} endings[] = {
    { ".jsonl", FORMAT_JSONL }, { ".ndjson", FORMAT_JSONL },    { ".json", FORMAT_JSON },
    { ".csv", FORMAT_CSV },     { ".tsv", FORMAT_TSV },         { ".tab", FORMAT_TSV },
    { ".pq", FORMAT_PARQUET },  { ".parquet", FORMAT_PARQUET },
};

enum { N_ENDINGS = sizeof endings / sizeof *endings };

// N_ENDINGS where it is none of ours.
static size_t ending_of(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < N_ENDINGS; i++) {
        size_t s = strlen(endings[i].suffix);
        if (n > s && strcasecmp(name + n - s, endings[i].suffix) == 0)
            return i;
    }
    return N_ENDINGS;
}

bool records_are_called(const char *name)
{
    return ending_of(name) < N_ENDINGS;
}

// Behind a byte-order mark.
static size_t text_begin(const struct file_bytes *b)
{
    return b->size >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static unsigned char first_byte(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && memchr(" \t\r\n", text[at], 4))
        at++;
    return at < len ? (unsigned char)text[at] : 0;
}

static enum format format_of(const char *path, const struct file_bytes *b)
{
    size_t at = text_begin(b), ending = ending_of(path);
    enum format named = ending < N_ENDINGS ? endings[ending].format : FORMAT_JSONL;
    if (named == FORMAT_JSONL && first_byte(b->data + at, b->size - at) == '[')
        return FORMAT_JSON;
    if (named == FORMAT_JSON && records_are_lines(b->data + at, b->size - at))
        return FORMAT_JSONL;
    return named;
}

static uint32_t line_of(const char *text, size_t at)
{
    uint32_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

// Of tables, whose rows become ours: JSON is checked as it is read.
static bool check_utf8(const char *path, const char *text, size_t len, struct abl_err *err)
{
    size_t at = utf8_invalid_at(text, len);
    return at == len
           || abl_fail(err, ABL_BAD_DATA,
                       "'%s' line %" PRIu32 ": byte 0x%02x is no UTF-8: save the file as UTF-8",
                       path, line_of(text, at), (unsigned char)text[at]);
}

static bool begins_with(const struct file_bytes *b, const char *bytes)
{
    size_t n = strlen(bytes);
    return b->size >= n && memcmp(b->data, bytes, n) == 0;
}

// Files that are something else than their name says, by what no text begins with.
static bool check_kind(const char *path, const struct file_bytes *b, enum format format,
                       struct abl_err *err)
{
    bool parquet = begins_with(b, "PAR1");
    const char *what
        = parquet && strcmp(path, "-") == 0 ? "is Parquet, which is read from a file: give its path"
          : parquet && format != FORMAT_PARQUET  ? "is Parquet: name it .parquet"
          : !parquet && format == FORMAT_PARQUET ? "is no Parquet: name it by what it is"
          : begins_with(b, "PK\x03\x04")
              ? "is a spreadsheet or a zip archive: save the sheet as CSV"
          : begins_with(b, "\x1f\x8b") ? "is compressed: unpack it with gunzip"
          : begins_with(b, "\xff\xfe") || begins_with(b, "\xfe\xff")
              ? "is UTF-16: save the file as UTF-8"
              : NULL;
    return !what || abl_fail(err, ABL_BAD_DATA, "'%s' %s", path, what);
}

// Spreadsheets write ; where a comma is the decimal point, and tabs under any name.
static char separator_of(const char *text, size_t len)
{
    const char *newline = memchr(text, '\n', len);
    size_t n = newline ? (size_t)(newline - text) : len;
    return memchr(text, ',', n)    ? ','
           : memchr(text, ';', n)  ? ';'
           : memchr(text, '\t', n) ? '\t'
                                   : ',';
}

static bool check_lines(const char *path, const char *text, size_t len, struct abl_err *err)
{
    unsigned char first = first_byte(text, len);
    size_t n = strcspn(text, "\r\n");
    bool table = first && first != '{' && first != '[' && memchr(text, ',', n);
    return !table
           || abl_fail(err, ABL_BAD_DATA,
                       "'%s' line 1: found a table, expected JSON objects: name the file .csv or "
                       ".tsv and it is read as one",
                       path);
}

bool records_open(const char *path, const struct file_bytes *bytes,
                  const struct data_fields *fields, struct record_list *out, struct abl_err *err)
{
    size_t at = text_begin(bytes), len = bytes->size - at;
    const char *text = bytes->data + at;
    enum format format = format_of(path, bytes);
    bool ok = false;
    *out = (struct record_list){ .name = path };
    if (!check_kind(path, bytes, format, err))
        return false;
    switch (format) {
    case FORMAT_JSONL:
        ok = check_lines(path, text, len, err) && records_lines(text, len, "line", out, err);
        break;
    case FORMAT_JSON:
        ok = records_array(text, len, out, err);
        break;
    case FORMAT_CSV:
        ok = check_utf8(path, text, len, err)
             && records_csv(text, len, separator_of(text, len), fields, out, err);
        break;
    case FORMAT_TSV:
        ok = check_utf8(path, text, len, err) && records_csv(text, len, '\t', fields, out, err);
        break;
    case FORMAT_PARQUET:
        ok = records_parquet(path, MAX_ROWS_TEXT, out, err);
        break;
    }
    if (!ok)
        records_release(out);
    return ok;
}

void records_release(struct record_list *list)
{
    buf_release(&list->made);
    free(list->items);
    *list = (struct record_list){ 0 };
}
