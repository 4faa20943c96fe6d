#include "text/slots.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/json.h"
#include "text/data_fields.h"
#include "text/records.h"

struct reader {
    struct slot_table *t;
    struct arena *arena;
    const struct record_list *records;
    const struct record *record; // at hand
    struct abl_err *err;
};

static bool fail_at(const struct reader *r, const char *what, const char *name)
{
    return abl_fail(r->err, ABL_BAD_DATA, "'%s' %s %" PRIu32 ": \"%.80s\" %s", r->t->path,
                    r->records->unit, r->record->number, name, what);
}

// The parts of a text between |; false where there are more than `most`.
static bool cut(struct reader *r, const char *text, const char **parts, size_t most, size_t *n)
{
    for (*n = 0;; text++) {
        size_t len = strcspn(text, "|");
        if (*n == most)
            return false;
        parts[*n] = arena_strndup(r->arena, text, len);
        if (!parts[(*n)++])
            return false;
        text += len;
        if (!*text)
            return true;
    }
}

// What rows have of their own, which templates fill.
static bool is_taken(const char *name)
{
    enum data_field f = data_field_find(NULL, name, strlen(name));
    return f != N_DATA_FIELDS && f != DATA_TARGET && f != DATA_FOIL;
}

static bool check_name(const struct reader *r, const char *name)
{
    struct slot_place ignored;
    if (!*name || strpbrk(name, "{}"))
        return fail_at(r, "is no name of a slot", name);
    if (is_taken(name))
        return fail_at(r, "is what templates make: call the slot something else", name);
    return !slots_find(r->t, name, strlen(name), &ignored)
           || fail_at(r, "is a slot already: rename one", name);
}

static struct slot_column *add_column(struct reader *r, struct json_text key)
{
    struct slot_table *t = r->t;
    struct slot_column c = { .title = arena_strndup(r->arena, key.data, key.len) };
    if (!c.title) {
        abl_no_memory(r->err);
        return NULL;
    }
    if (t->n == MAX_SLOT_COLUMNS || !cut(r, c.title, c.names, MAX_COLUMN_SLOTS, &c.n_names)) {
        fail_at(r, "is one column too many: expected at most 64, of 8 slots each", c.title);
        return NULL;
    }
    for (size_t i = 0; i < c.n_names; i++)
        if (!check_name(r, c.names[i]))
            return NULL;
    t->columns[t->n] = c;
    return &t->columns[t->n++];
}

static struct slot_column *find_column(struct reader *r, struct json_text key)
{
    for (size_t i = 0; i < r->t->n; i++)
        if (json_key_is(key, r->t->columns[i].title))
            return &r->t->columns[i];
    return add_column(r, key);
}

static bool has_value(const struct slot_column *c, const char *const *values)
{
    for (size_t i = 0; i < c->n; i++) {
        size_t k = 0;
        while (k < c->n_names && strcmp(c->values[i * c->n_names + k], values[k]) == 0)
            k++;
        if (k == c->n_names)
            return true;
    }
    return false;
}

static bool add_value(struct reader *r, struct slot_column *c, const char *text)
{
    const char *values[MAX_COLUMN_SLOTS] = { text };
    size_t n = 1;
    if (c->n_names > 1 && (!cut(r, text, values, c->n_names, &n) || n != c->n_names))
        return fail_at(r, "has a cell with another number of | than its title", c->title);
    if (has_value(c, values))
        return true;
    const char **room = array_room(c->values, c->n, &c->cap, c->n_names * sizeof *room);
    if (!room)
        return abl_no_memory(r->err);
    c->values = room;
    memcpy(room + c->n++ * c->n_names, values, c->n_names * sizeof *values);
    return true;
}

// A cell: a text, or a list of texts, which stays JSON.
static bool read_cell(struct reader *r, struct json *j, struct json_text key)
{
    struct json_text text = { 0 };
    enum json_type type = json_peek(j); // which stands at its first byte
    size_t start = j->pos;
    if (!key.len || memchr(key.data, '\0', key.len) || type == JSON_NULL)
        return json_skip(j);
    if (type == JSON_STRING ? !json_string(j, &text) : !json_skip(j))
        return false;
    if (type != JSON_STRING)
        text = (struct json_text){ j->text + start, j->pos - start };
    struct slot_column *c = find_column(r, key);
    const char *kept = c && text.len ? arena_strndup(r->arena, text.data, text.len) : NULL;
    if (!c || !text.len)
        return c != NULL;
    return kept ? add_value(r, c, kept) : abl_no_memory(r->err);
}

static bool read_record(struct reader *r, const char *name)
{
    struct json j;
    struct json_text key;
    const struct record *record = r->record;
    bool ok = json_open(&j, name, r->records->text + record->at, record->len, ABL_BAD_DATA, r->err);
    j.is_derived = r->records->derived;
    ok = ok && json_object(&j);
    while (ok && json_next_key(&j, &key))
        ok = read_cell(r, &j, key);
    ok = ok && json_end(&j);
    json_close(&j);
    return ok;
}

bool slots_read(const char *path, const struct file_bytes *bytes, struct arena *a,
                struct slot_table *out, struct abl_err *err)
{
    const struct data_fields free_columns = { .free = true };
    struct record_list records = { 0 };
    *out = (struct slot_table){ .path = path };
    struct reader r = { .t = out, .arena = a, .records = &records, .err = err };
    bool ok = records_open(path, bytes, &free_columns, &records, err);
    for (size_t i = 0; ok && i < records.n; i++) {
        r.record = &records.items[i];
        const char *name
            = arena_printf(a, "'%s' %s %" PRIu32, path, records.unit, r.record->number);
        ok = name ? read_record(&r, name) : abl_no_memory(err);
    }
    records_release(&records);
    if (!ok)
        slots_release(out);
    return ok;
}

void slots_release(struct slot_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->columns[i].values);
    t->n = 0;
}

bool slots_find(const struct slot_table *t, const char *name, size_t len, struct slot_place *out)
{
    for (size_t c = 0; c < t->n; c++)
        for (size_t k = 0; k < t->columns[c].n_names; k++) {
            const char *own = t->columns[c].names[k];
            if (strlen(own) != len || memcmp(own, name, len) != 0)
                continue;
            *out = (struct slot_place){ c, k };
            return true;
        }
    return false;
}

const char *slots_names(const struct slot_table *t, struct arena *a)
{
    struct buf b = { 0 };
    for (size_t c = 0; c < t->n; c++)
        for (size_t k = 0; k < t->columns[c].n_names; k++)
            buf_printf(&b, "%s\"%s\"", b.len ? ", " : "", t->columns[c].names[k]);
    const char *names = b.len && !b.failed ? arena_strndup(a, b.data, b.len) : NULL;
    buf_release(&b);
    return names ? names : "none";
}
