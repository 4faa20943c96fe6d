#include "text/template_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/size.h"
#include "text/clusters.h"
#include "text/slots.h"
#include "text/template.h"
#include "text/unicode.h"

enum { MAX_MADE_BYTES = 1 << 30 };

struct answer_slot {
    enum data_field field;
    struct slot_place place;
};

struct maker {
    const struct row_templates *asked;
    struct slot_table slots;
    struct answer_slot answers[2];         // target, foil
    size_t n_answers;                      // 1: rows have no foil
    struct template clean, corrupt;        // at hand; corrupt.n 0: it has none
    size_t used[MAX_SLOT_COLUMNS], n_used; // columns that these and the answers take
    struct filling filling;
    struct buf text, other, spans, other_spans; // of the row at hand
    struct record_list *out;
    struct arena arena;
    struct abl_err *err;
};

// ----------------------------------------------------------------------------------- what is asked

static bool find_answers(struct maker *m, const struct data_fields *fields)
{
    static const enum data_field of[2] = { DATA_TARGET, DATA_FOIL };
    for (size_t i = 0; i < 2; i++) {
        const char *name = data_field_in_file(fields, of[i]);
        bool found = slots_find(&m->slots, name, strlen(name), &m->answers[i].place);
        bool may_lack = of[i] == DATA_FOIL && fields && fields->foilless && !fields->names[of[i]];
        m->answers[i].field = of[i];
        m->n_answers += found;
        if (!found && !may_lack)
            return abl_fail(m->err, ABL_USAGE,
                            "--template: no column of '%s' is called \"%s\", only %.400s: say "
                            "which slot it is with --map %s=SLOT",
                            m->slots.path, name, slots_names(&m->slots, &m->arena),
                            data_field_name(of[i]));
    }
    return true;
}

static bool check_asked(const struct row_templates *t, const struct data_fields *fields,
                        struct abl_err *err)
{
    for (size_t f = 0; fields && f < N_DATA_FIELDS; f++)
        if (fields->names[f] && f != DATA_TARGET && f != DATA_FOIL)
            return abl_fail(err, ABL_USAGE,
                            "--template makes %s itself: --map names only target and foil there",
                            data_field_name(f));
    return !t->n_corrupt || t->n_corrupt == t->n
           || abl_fail(err, ABL_USAGE,
                       "--corrupt is given %zu times for %zu --template: expected one for each, in "
                       "their order, or none",
                       t->n_corrupt, t->n);
}

static bool answers_use(const struct maker *m, size_t column)
{
    for (size_t i = 0; i < m->n_answers; i++)
        if (m->answers[i].place.column == column)
            return true;
    return false;
}

// Read template i and its twin, and list the columns that they need.
static bool take_template(struct maker *m, size_t i)
{
    const struct row_templates *t = m->asked;
    m->corrupt = (struct template){ 0 };
    if (!template_read("template", t->clean[i], &m->slots, &m->arena, &m->clean, m->err)
        || (t->n_corrupt
            && !template_read("corrupt", t->corrupt[i], &m->slots, &m->arena, &m->corrupt, m->err)))
        return false;
    m->n_used = 0;
    for (size_t c = 0; c < m->slots.n; c++)
        if (template_uses(&m->clean, c) || template_uses(&m->corrupt, c) || answers_use(m, c))
            m->used[m->n_used++] = c;
    return true;
}

static bool check_count(const struct maker *m)
{
    uint64_t n = 1;
    for (size_t i = 0; i < m->n_used; i++)
        n = count_mul(n, m->slots.columns[m->used[i]].n);
    return n <= MAX_MADE_ROWS
           || abl_fail(m->err, ABL_BAD_DATA,
                       "'%s': its columns cross into more than %d rows a template: expected fewer "
                       "values, or columns that go together under one title, as COUNTRY|CAPITAL",
                       m->slots.path, MAX_MADE_ROWS);
}

// ---------------------------------------------------------------------------------------- fillings

// Whether two columns have the same value, which no row is made of.
static bool repeats(const struct maker *m)
{
    for (size_t i = 0; i < m->n_used; i++)
        for (size_t k = 0; k < i; k++) {
            const struct slot_column *a = &m->slots.columns[m->used[i]];
            const struct slot_column *b = &m->slots.columns[m->used[k]];
            for (size_t x = 0; x < a->n_names; x++)
                for (size_t y = 0; y < b->n_names; y++)
                    if (strcmp(filling_of(&m->filling, (struct slot_place){ m->used[i], x }),
                               filling_of(&m->filling, (struct slot_place){ m->used[k], y }))
                        == 0)
                        return true;
        }
    return false;
}

// The next combination; the last column changes first. False behind the last one.
static bool advance(struct maker *m)
{
    for (size_t i = m->n_used; i-- > 0;) {
        if (++m->filling.value[m->used[i]] < m->slots.columns[m->used[i]].n)
            return true;
        m->filling.value[m->used[i]] = 0;
    }
    return false;
}

// ------------------------------------------------------------------------------------------- a row

static void put_key(struct buf *out, const char *key)
{
    buf_str(out, out->data && out->data[out->len - 1] == '{' ? "" : ", ");
    record_put_string(out, key, strlen(key));
    buf_str(out, ": ");
}

static void put_text(struct buf *out, const char *key, const char *text, size_t len)
{
    put_key(out, key);
    record_put_string(out, text, len);
}

static bool is_list(const char *text)
{
    struct json j;
    struct abl_err why;
    bool ok = *text == '[' && json_open(&j, "", text, strlen(text), ABL_BAD_DATA, &why);
    if (!ok)
        return false;
    ok = json_skip(&j) && json_end(&j);
    json_close(&j);
    return ok;
}

static bool is_space_at(const char *text, bool end)
{
    size_t len = strlen(text), n;
    return len && unicode_is_space(end ? utf8_last(text, len, &n) : utf8_first(text, len, &n));
}

static bool is_in_prompt(const struct template *t, struct slot_place place)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->pieces[i].slot && t->pieces[i].place.column == place.column
            && t->pieces[i].place.part == place.part)
            return true;
    return false;
}

static void put_answer(struct maker *m, const struct answer_slot *a)
{
    struct buf *out = &m->out->made;
    const char *value = filling_of(&m->filling, a->place);
    bool word = is_in_prompt(&m->clean, a->place) || is_in_prompt(&m->corrupt, a->place);
    put_key(out, data_field_name(a->field));
    if (is_list(value)) {
        buf_str(out, value);
        return;
    }
    const char *space
        = word && !is_space_at(value, false) && !is_space_at(m->text.data, true) ? " " : "";
    struct buf answer = { 0 };
    buf_printf(&answer, "%s%s", space, value);
    out->failed |= answer.failed;
    if (!answer.failed)
        record_put_string(out, answer.data, answer.len);
    buf_release(&answer);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The values that stand in the prompts.
static void put_cluster(struct maker *m)
{
    const char *values[MAX_SLOT_COLUMNS * MAX_COLUMN_SLOTS];
    size_t n = 0;
    for (size_t i = 0; i < m->n_used; i++)
        for (size_t k = 0; k < m->slots.columns[m->used[i]].n_names; k++) {
            struct slot_place place = { m->used[i], k };
            if (is_in_prompt(&m->clean, place) || is_in_prompt(&m->corrupt, place))
                values[n++] = filling_of(&m->filling, place);
        }
    qsort(values, n, sizeof *values, by_text);
    struct buf all = { 0 };
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i ? "|" : "", values[i]);
    if (n)
        put_text(&m->out->made, data_field_name(DATA_CLUSTER), all.data ? all.data : "", all.len);
    m->out->made.failed |= all.failed;
    buf_release(&all);
}

// Every slot under its own name; answers have theirs already.
static void put_slots(struct maker *m)
{
    for (size_t i = 0; i < m->n_used; i++)
        for (size_t k = 0; k < m->slots.columns[m->used[i]].n_names; k++) {
            const char *name = m->slots.columns[m->used[i]].names[k];
            const char *value = filling_of(&m->filling, (struct slot_place){ m->used[i], k });
            if (data_field_find(NULL, name, strlen(name)) == N_DATA_FIELDS && !is_list(value))
                put_text(&m->out->made, name, value, strlen(value));
        }
}

static void put_spans(struct buf *out, enum data_field field, const struct buf *spans)
{
    put_key(out, data_field_name(field));
    buf_char(out, '{');
    buf_str(out, spans->len ? spans->data : "");
    buf_char(out, '}');
}

static void fill(const struct maker *m, const struct template *t, struct buf *text,
                 struct buf *spans)
{
    text->len = spans->len = 0;
    buf_str(text, "");
    template_fill(t, &m->filling, text, spans);
    m->out->made.failed |= text->failed || spans->failed;
}

static bool put_row(struct maker *m)
{
    struct buf *out = &m->out->made;
    size_t start = out->len;
    fill(m, &m->clean, &m->text, &m->spans);
    if (m->corrupt.n)
        fill(m, &m->corrupt, &m->other, &m->other_spans);
    if (out->failed)
        return abl_no_memory(m->err);
    buf_char(out, '{');
    put_text(out, data_field_name(DATA_CLEAN), m->text.data, m->text.len);
    if (m->corrupt.n)
        put_text(out, data_field_name(DATA_CORRUPT), m->other.data, m->other.len);
    for (size_t i = 0; i < m->n_answers; i++)
        put_answer(m, &m->answers[i]);
    put_text(out, data_field_name(DATA_TEMPLATE), m->clean.text, strlen(m->clean.text));
    if (m->asked->n < LEAST_TEMPLATES)
        put_cluster(m);
    put_spans(out, DATA_SPANS, &m->spans);
    if (m->corrupt.n)
        put_spans(out, DATA_CORRUPT_SPANS, &m->other_spans);
    put_slots(m);
    buf_char(out, '}');
    size_t len = out->len - start;
    buf_char(out, '\n');
    if (out->failed)
        return abl_no_memory(m->err);
    if (out->len > MAX_MADE_BYTES || m->out->n >= MAX_MADE_ROWS)
        return abl_fail(m->err, ABL_BAD_DATA,
                        "'%s': templates and slots cross into more than %d rows or a gigabyte: "
                        "expected fewer values",
                        m->slots.path, MAX_MADE_ROWS);
    return record_add(m->out, start, len, (uint32_t)m->out->n + 1, m->err);
}

static bool make_all(struct maker *m)
{
    for (size_t i = 0; i < m->asked->n; i++) {
        bool more = true;
        if (!take_template(m, i) || !check_count(m))
            return false;
        memset(m->filling.value, 0, sizeof m->filling.value);
        for (size_t k = 0; k < m->n_used; k++)
            more = more && m->slots.columns[m->used[k]].n;
        for (; more; more = advance(m))
            if (!repeats(m) && !put_row(m))
                return false;
    }
    return true;
}

bool template_rows_make(const struct row_templates *t, const struct data_fields *fields,
                        const struct file_bytes *table, struct record_list *out,
                        struct abl_err *err)
{
    struct maker m = { .asked = t, .out = out, .err = err };
    *out = (struct record_list){ .name = t->slots, .unit = "row", .derived = true };
    bool ok = check_asked(t, fields, err) && slots_read(t->slots, table, &m.arena, &m.slots, err);
    m.filling.slots = &m.slots;
    ok = ok && find_answers(&m, fields) && make_all(&m);
    out->text = out->made.data ? out->made.data : "";
    slots_release(&m.slots);
    struct buf *bufs[] = { &m.text, &m.other, &m.spans, &m.other_spans };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_release(bufs[i]);
    arena_release(&m.arena);
    return ok;
}
