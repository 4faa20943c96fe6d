#include "text/template.h"

#include <string.h>

#include "text/record.h"

static bool bad_brace(const char *option, const char *text, struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE,
                    "--%s '%.200s': a brace without its partner: expected slots such as {A}, and "
                    "{{ or }} for the characters",
                    option, text);
}

// The literal text up to the next slot into b; *at behind it.
static bool read_literal(const char **at, struct buf *b)
{
    const char *s = *at;
    for (; *s; s++) {
        if (*s == '{' && s[1] != '{')
            break;
        if (*s == '}' && s[1] != '}')
            return false;
        s += *s == '{' || *s == '}';
        buf_char(b, *s);
    }
    *at = s;
    return true;
}

// The slot that begins at *at; NULL in out->slot where the text ends there.
static bool read_slot(const char *option, const char *text, const char **at,
                      const struct slot_table *slots, struct arena *a, struct template_piece *out,
                      struct abl_err *err)
{
    if (!**at)
        return true;
    const char *name = *at + 1;
    size_t len = strcspn(name, "{}");
    if (!len || name[len] != '}')
        return bad_brace(option, text, err);
    if (!slots_find(slots, name, len, &out->place))
        return abl_fail(err, ABL_USAGE,
                        "--%s: no column of '%s' is called \"%.*s\", only %.400s: name it in the "
                        "table's first line",
                        option, slots->path, (int)len, name, slots_names(slots, a));
    out->slot = arena_strndup(a, name, len);
    *at = name + len + 1;
    return out->slot || abl_no_memory(err);
}

// How often a template has the slot up to a piece, that included.
static size_t times(const struct template *t, size_t piece)
{
    size_t n = 0;
    for (size_t i = 0; i <= piece; i++)
        n += t->pieces[i].slot && strcmp(t->pieces[i].slot, t->pieces[piece].slot) == 0;
    return n;
}

// What a span of the piece is called; false: no memory.
static bool span_name(const struct template *t, size_t piece, struct buf *out)
{
    size_t n = times(t, piece);
    buf_str(out, t->pieces[piece].slot);
    if (n > 1)
        buf_printf(out, "%zu", n);
    return !out->failed;
}

// A slot that comes again has a span of another name, which may be no slot's.
static bool check_spans(const char *option, const struct template *t,
                        const struct slot_table *slots, struct abl_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < t->n; i++) {
        struct slot_place ignored;
        struct buf name = { 0 };
        if (t->pieces[i].slot && times(t, i) > 1) {
            ok = span_name(t, i, &name) || abl_no_memory(err);
            if (ok && slots_find(slots, name.data, name.len, &ignored))
                ok = abl_fail(err, ABL_USAGE,
                              "--%s has {%s} again, whose span is called \"%s\", which is a slot: "
                              "call that something else",
                              option, t->pieces[i].slot, name.data);
        }
        buf_release(&name);
    }
    return ok;
}

bool template_read(const char *option, const char *text, const struct slot_table *slots,
                   struct arena *a, struct template *out, struct abl_err *err)
{
    const char *at = text;
    size_t most = 1;
    for (const char *s = text; *s; s++)
        most += *s == '{';
    *out = (struct template){ .text = text, .pieces = arena_alloc(a, most, sizeof *out->pieces) };
    bool ok = out->pieces || abl_no_memory(err), more = true;
    while (ok && more) {
        struct template_piece *piece = &out->pieces[out->n++];
        struct buf literal = { 0 };
        ok = read_literal(&at, &literal) || bad_brace(option, text, err);
        piece->text = arena_strndup(a, literal.data ? literal.data : "", literal.len);
        ok = ok && ((piece->text && !literal.failed) || abl_no_memory(err))
             && read_slot(option, text, &at, slots, a, piece, err);
        buf_release(&literal);
        more = piece->slot;
    }
    return ok && check_spans(option, out, slots, err);
}

bool template_uses(const struct template *t, size_t column)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->pieces[i].slot && t->pieces[i].place.column == column)
            return true;
    return false;
}

const char *filling_of(const struct filling *f, struct slot_place place)
{
    const struct slot_column *c = &f->slots->columns[place.column];
    return c->values[f->value[place.column] * c->n_names + place.part];
}

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void add_span(const struct template *t, size_t piece, size_t start, size_t end,
                     struct buf *spans)
{
    struct buf name = { 0 };
    buf_str(spans, spans->len ? ", " : "");
    if (span_name(t, piece, &name))
        record_put_string(spans, name.data, name.len);
    spans->failed |= name.failed;
    buf_printf(spans, ": [%zu, %zu]", start, end);
    buf_release(&name);
}

void template_fill(const struct template *t, const struct filling *f, struct buf *text,
                   struct buf *spans)
{
    size_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct template_piece *piece = &t->pieces[i];
        buf_str(text, piece->text);
        at += characters(piece->text);
        if (!piece->slot)
            continue;
        const char *value = filling_of(f, piece->place);
        size_t end = at + characters(value);
        buf_str(text, value);
        add_span(t, i, at, end, spans);
        at = end;
    }
}
