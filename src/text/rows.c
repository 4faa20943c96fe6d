#include "text/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/json.h"

enum field_flags {
    FIELD_MAY_BE_EMPTY = 1 << 0,  // the lint reports it with all the others
    FIELD_MAY_BE_NUMBER = 1 << 1, // a name rather than a text
    FIELD_PROMPT = 1 << 2,
    FIELD_MAY_BE_LIST = 1 << 3,
};

// Those that are texts, by enum data_field.
static const struct row_field {
    size_t offset; // of the const char * in struct dataset_row
    unsigned flags;
    size_t list; // of the struct text_list, where it may be one
} fields[] = {
    [DATA_CLEAN] = { offsetof(struct dataset_row, clean), FIELD_MAY_BE_EMPTY | FIELD_PROMPT, 0 },
    [DATA_CORRUPT] = { offsetof(struct dataset_row, corrupt), FIELD_PROMPT, 0 },
    [DATA_TARGET] = { offsetof(struct dataset_row, target), FIELD_MAY_BE_LIST,
                      offsetof(struct dataset_row, targets) },
    [DATA_FOIL] = { offsetof(struct dataset_row, foil), FIELD_MAY_BE_LIST,
                    offsetof(struct dataset_row, foils) },
    [DATA_ID] = { offsetof(struct dataset_row, id), FIELD_MAY_BE_NUMBER, 0 },
    [DATA_TEMPLATE] = { offsetof(struct dataset_row, template_name), FIELD_MAY_BE_NUMBER, 0 },
    [DATA_CLUSTER] = { offsetof(struct dataset_row, cluster), FIELD_MAY_BE_NUMBER, 0 },
};

enum { N_TEXTS = sizeof fields / sizeof *fields };

struct row_source {
    const struct record_list *records;
    const struct data_fields *names;
    bool skip_bad;
    struct arena *arena;
};

static const char **field_of(struct dataset_row *row, const struct row_field *f)
{
    return (const char **)(void *)((char *)row + f->offset);
}

static const char *kind_of(enum json_type type)
{
    return type == JSON_ARRAY    ? "a list"
           : type == JSON_OBJECT ? "an object"
           : type == JSON_NUMBER ? "a number"
           : type == JSON_STRING ? "a string"
           : type == JSON_NULL   ? "null"
                                 : "true or false";
}

// What a value is in a string's place, and what to do about it.
static bool no_text(struct json *j, const struct row_field *f, const char *name)
{
    enum json_type type = json_peek(j);
    if (type == JSON_NONE)
        return json_skip(j); // which says what the matter is
    const char *what = f->flags & FIELD_MAY_BE_LIST
                           ? "put it in quotes, with its leading space, or give a list of strings"
                       : type == JSON_ARRAY ? "give each its own row"
                                            : "put it in quotes";
    return json_fail(j, "\"%s\" is no string but %s: %s", name, kind_of(type), what);
}

static struct text_list *list_of(struct dataset_row *row, const struct row_field *f)
{
    return (struct text_list *)(void *)((char *)row + f->list);
}

static bool read_text(struct json *j, const struct row_field *f, const char *name,
                      struct json_text *out)
{
    if (json_peek(j) != JSON_STRING)
        return no_text(j, f, name);
    if (!json_string(j, out))
        return false;
    if (memchr(out->data, '\0', out->len))
        return json_fail(j, "\"%s\" holds a NUL character", name);
    return out->len || (f->flags & FIELD_MAY_BE_EMPTY) || json_fail(j, "\"%s\" is empty", name);
}

const char *text_list_join(struct text_list list, struct arena *a)
{
    struct buf all = { 0 };
    for (size_t i = 0; i < list.n; i++)
        buf_printf(&all, "%s%s", i ? "|" : "", list.items[i]);
    const char *joined = all.failed ? NULL : arena_strndup(a, all.data ? all.data : "", all.len);
    buf_release(&all);
    return joined;
}

// The list's texts, and all of them as one.
static bool keep_list(struct json *j, const struct json_text *texts, size_t n, struct arena *arena,
                      struct text_list *list, const char **out)
{
    const char **items = arena_alloc(arena, n, sizeof *items);
    bool ok = items;
    for (size_t i = 0; ok && i < n; i++)
        ok = (items[i] = arena_strndup(arena, texts[i].data, texts[i].len)) != NULL;
    *out = ok ? text_list_join((struct text_list){ items, n }, arena) : NULL;
    if (n > 1)
        *list = (struct text_list){ items, n };
    return *out || abl_no_memory(j->err);
}

static bool read_list(struct json *j, const struct row_field *f, const char *name,
                      struct arena *arena, struct text_list *list, const char **out)
{
    struct json_text *texts = NULL;
    size_t n = 0, cap = 0;
    bool ok = json_array(j);
    while (ok && json_next_item(j)) {
        struct json_text *more = array_room(texts, n, &cap, sizeof *texts);
        texts = more ? more : texts;
        ok = more ? read_text(j, f, name, &texts[n++]) : abl_no_memory(j->err);
    }
    ok = ok && !j->failed && (n || json_fail(j, "\"%s\" is an empty list", name))
         && keep_list(j, texts, n, arena, list, out);
    free(texts);
    return ok;
}

static bool read_value(struct json *j, const struct row_field *f, const char *name,
                       struct arena *arena, struct dataset_row *row)
{
    struct json_text text;
    uint64_t number;
    const char **out = field_of(row, f);
    enum json_type type = json_peek(j);
    if (type == JSON_NULL)
        return json_null(j);
    if (type == JSON_ARRAY && (f->flags & FIELD_MAY_BE_LIST))
        return read_list(j, f, name, arena, list_of(row, f), out);
    if (type == JSON_NUMBER && (f->flags & FIELD_MAY_BE_NUMBER)) {
        if (!json_u64(j, &number))
            return false;
        *out = arena_printf(arena, "%" PRIu64, number);
    } else {
        if (!read_text(j, f, name, &text))
            return false;
        *out = arena_strndup(arena, text.data, text.len);
    }
    return *out || abl_no_memory(j->err);
}

static bool is_group(const struct row_source *from, struct json_text key)
{
    return from->names && from->names->by && json_key_is(key, from->names->by);
}

// A number or a truth value groups rows as it is written.
static bool read_plain_group(struct json *j, const struct row_source *from, struct dataset_row *row)
{
    enum json_type type = json_peek(j); // which stands at its first byte
    size_t start = j->pos;
    if (!json_skip(j))
        return false;
    if (type != JSON_NUMBER && type != JSON_TRUE && type != JSON_FALSE)
        return true;
    row->group = arena_strndup(from->arena, j->text + start, j->pos - start);
    return row->group || abl_no_memory(j->err);
}

// A field that is none of ours may group the rows, and may name a stretch of the prompt.
static bool read_other(struct json *j, const struct row_source *from, struct json_text key,
                       struct dataset_row *row, struct span_source *spans)
{
    struct json_text text;
    if (is_group(from, key) && json_peek(j) != JSON_STRING)
        return read_plain_group(j, from, row);
    if (!json_string_or_skip(j, &text))
        return false;
    if (!text.data || memchr(text.data, '\0', text.len))
        return true;
    row_spans_field(spans, key, text.data);
    if (is_group(from, key))
        row->group = arena_strndup(from->arena, text.data, text.len);
    return !is_group(from, key) || row->group || abl_no_memory(j->err);
}

static bool read_field(struct json *j, const struct row_source *from, struct json_text key,
                       struct dataset_row *row, struct span_source *spans)
{
    enum data_field field = data_field_find(from->names, key.data, key.len);
    if (field == N_DATA_FIELDS)
        return read_other(j, from, key, row, spans);
    const char *name = data_field_in_file(from->names, field);
    if (field == DATA_SPANS || field == DATA_CORRUPT_SPANS)
        return row_spans_read(j, name, field == DATA_SPANS ? &spans->clean : &spans->corrupt);
    const struct row_field *f = &fields[field];
    if (!read_value(j, f, name, from->arena, row))
        return false;
    if (is_group(from, key))
        row->group = *field_of(row, f);
    if (!(f->flags & FIELD_PROMPT) && !(f->flags & FIELD_MAY_BE_LIST && list_of(row, f)->n))
        row_spans_field(spans, key, *field_of(row, f));
    return true;
}

static bool is_missing(struct json *j, const struct row_source *from, enum data_field field)
{
    const char *name = data_field_in_file(from->names, field);
    if (field == DATA_FOIL && !(from->names && from->names->names[field]))
        return json_fail(j,
                         "\"%s\" is missing: where it is called something else, say --map "
                         "foil=NAME; where rows have none, --foil top:5 or others:5",
                         name);
    return from->names && from->names->names[field]
               ? json_fail(j, "\"%s\" is missing, which --map has for %s", name,
                           data_field_name(field))
               : json_fail(j,
                           "\"%s\" is missing: where it is called something else, say --map "
                           "%s=NAME",
                           name, name);
}

static bool read_row(struct json *j, const struct row_source *from, struct dataset_row *row)
{
    struct json_text key;
    struct span_source spans;
    spans.clean.n = spans.corrupt.n = spans.n_fields = 0;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key))
        if (!read_field(j, from, key, row, &spans))
            return false;
    if (!json_end(j))
        return false;
    for (size_t f = 0; f < N_TEXTS; f++)
        if (data_field_is_required(from->names, (enum data_field)f) && !*field_of(row, &fields[f]))
            return is_missing(j, from, (enum data_field)f);
    if (!row->foil)
        row->foil = "";
    return row_spans_finish(j, &spans, row->clean, row->corrupt, from->arena, &row->spans,
                            &row->corrupt_spans);
}

// Parse one record into row; only running out of memory has another code than ABL_BAD_DATA.
static bool parse_record(const struct row_source *from, const struct record *record,
                         struct dataset_row *row, struct abl_err *err)
{
    const struct record_list *list = from->records;
    struct buf place = { 0 };
    struct json j;
    buf_printf(&place, "'%s' %s %" PRIu32, list->name, list->unit, row->line);
    if (place.failed) {
        buf_release(&place);
        return abl_no_memory(err);
    }
    bool ok = json_open(&j, place.data, list->text + record->at, record->len, ABL_BAD_DATA, err);
    if (ok) {
        j.is_derived = list->derived;
        ok = read_row(&j, from, row);
    }
    json_close(&j);
    buf_release(&place);
    return ok;
}

static bool add_row(struct parsed_rows *list, const struct row_source *from,
                    const struct record *record, struct abl_err *err)
{
    struct abl_err why;
    struct dataset_row *row = &list->rows[list->n];
    struct dataset_row place = { .line = record->number, .index = (uint32_t)list->n++ };
    *row = place;
    if (parse_record(from, record, row, &why))
        return true;
    *row = place;
    if (why.code != ABL_BAD_DATA)
        return abl_fail(err, why.code, "%s", why.text);
    return from->skip_bad
           || abl_fail(err, ABL_BAD_DATA, "%s; correct the row or drop it with --skip-bad",
                       why.text);
}

bool rows_parse(const struct record_list *records, const struct data_fields *names, bool skip_bad,
                struct arena *arena, struct parsed_rows *out, struct abl_err *err)
{
    struct row_source from = { records, names, skip_bad, arena };
    struct parsed_rows list = { .rows = calloc(records->n + 1, sizeof *list.rows) };
    bool ok = list.rows || abl_no_memory(err);
    for (size_t i = 0; ok && i < records->n; i++)
        ok = add_row(&list, &from, &records->items[i], err);
    if (!ok) {
        rows_release(&list);
        return false;
    }
    *out = list;
    return true;
}

void rows_release(struct parsed_rows *list)
{
    free(list->rows);
    *list = (struct parsed_rows){ 0 };
}
