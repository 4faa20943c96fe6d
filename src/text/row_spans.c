#include "text/row_spans.h"

#include <inttypes.h>
#include <string.h>

// ---------------------------------------------------------------------------------------- reading

static bool read_bounds(struct json *j, const char *field, const char *name, struct row_span *out)
{
    uint64_t bounds[2] = { 0 };
    size_t n = 0;
    if (json_peek(j) != JSON_ARRAY)
        return json_fail(j, "\"%s\": expected [start, end] for '%s', in characters", field, name);
    if (!json_array(j))
        return false;
    for (; json_next_item(j); n++)
        if (json_peek(j) != JSON_NUMBER || n == 2 || !json_u64(j, &bounds[n]))
            return json_fail(j, "\"%s\": expected [start, end] for '%s', whole numbers from 0",
                             field, name);
    if (j->failed)
        return false;
    if (n != 2 || bounds[0] >= bounds[1] || bounds[1] > SIZE_MAX / 4)
        return json_fail(j, "\"%s\": expected [start, end] with start < end for '%s'", field, name);
    out->start = (size_t)bounds[0];
    out->end = (size_t)bounds[1];
    return true;
}

static bool read_span(struct json *j, const char *field, struct json_text key,
                      struct span_list *out)
{
    if (!key.len || memchr(key.data, '\0', key.len))
        return json_fail(j, "\"%s\": expected a name for each span", field);
    if (out->n == MAX_ROW_SPANS)
        return json_fail(j, "\"%s\": expected at most %d spans", field, MAX_ROW_SPANS);
    struct row_span *span = &out->items[out->n++];
    *span = (struct row_span){ .name = key.data, .given = true };
    return read_bounds(j, field, span->name, span);
}

bool row_spans_read(struct json *j, const char *field, struct span_list *out)
{
    struct json_text key;
    if (json_took_null(j))
        return true;
    if (json_peek(j) != JSON_OBJECT)
        return json_fail(j, "\"%s\": expected {\"name\": [start, end], …}", field);
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key))
        if (!read_span(j, field, key, out))
            return false;
    return !j->failed;
}

void row_spans_field(struct span_source *s, struct json_text name, const char *text)
{
    if (s->n_fields == MAX_ROW_SPANS || !text || !*text || !name.len
        || memchr(name.data, '\0', name.len))
        return;
    s->fields[s->n_fields].name = name.data;
    s->fields[s->n_fields++].text = text;
}

// ---------------------------------------------------------------------------------------- placing

// The byte at which character n begins, or the text ends; SIZE_MAX: the text is shorter.
static size_t byte_of(const char *text, size_t n)
{
    size_t at = 0;
    for (; n && text[at]; n--)
        for (at++; ((unsigned char)text[at] & 0xc0) == 0x80; at++)
            ;
    return n ? SIZE_MAX : at;
}

static bool place_given(struct json *j, struct span_list *s, const char *text, const char *field)
{
    for (size_t i = 0; i < s->n; i++) {
        struct row_span *span = &s->items[i];
        size_t start = byte_of(text, span->start), end = byte_of(text, span->end);
        if (end == SIZE_MAX)
            return json_fail(j, "\"%s\": '%s' ends at character %zu, beyond the prompt's end",
                             field, span->name, span->end);
        span->start = start;
        span->end = end;
    }
    return true;
}

// Where a text stands in another; false where it does not, or more than once.
static bool find_once(const char *in, const char *text, struct row_span *out)
{
    const char *at = strstr(in, text);
    if (!at || strstr(at + 1, text))
        return false;
    out->start = (size_t)(at - in);
    out->end = out->start + strlen(text);
    return true;
}

static bool has_span(const struct span_list *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return true;
    return false;
}

static void add_fields(struct span_source *s, const char *clean)
{
    for (size_t i = 0; i < s->n_fields && s->clean.n < MAX_ROW_SPANS; i++) {
        struct row_span span = { .name = s->fields[i].name };
        if (!has_span(&s->clean, span.name) && find_once(clean, s->fields[i].text, &span))
            s->clean.items[s->clean.n++] = span;
    }
}

// What stands in the corrupt prompt in the span's place.
static bool find_twin(const struct row_span *span, const char *clean, const char *corrupt,
                      struct arena *a, struct row_span *out)
{
    const char *behind = clean + span->end;
    size_t n = strlen(corrupt), n_behind = strlen(behind);
    if (n > span->start + n_behind && strncmp(corrupt, clean, span->start) == 0
        && strcmp(corrupt + n - n_behind, behind) == 0) {
        out->start = span->start;
        out->end = n - n_behind;
        return true;
    }
    const char *text = arena_strndup(a, clean + span->start, span->end - span->start);
    return text && find_once(corrupt, text, out);
}

static void add_twins(struct span_source *s, const char *clean, const char *corrupt,
                      struct arena *scratch)
{
    for (size_t i = 0; i < s->clean.n && s->corrupt.n < MAX_ROW_SPANS; i++) {
        struct row_span twin = { .name = s->clean.items[i].name };
        if (!has_span(&s->corrupt, twin.name)
            && find_twin(&s->clean.items[i], clean, corrupt, scratch, &twin))
            s->corrupt.items[s->corrupt.n++] = twin;
    }
}

static bool keep(const struct span_list *from, struct arena *a, struct row_spans *out)
{
    struct row_span *items = arena_alloc(a, from->n, sizeof *items);
    for (size_t i = 0; items && i < from->n; i++) {
        items[i] = from->items[i];
        if (!(items[i].name = arena_strdup(a, from->items[i].name)))
            return false;
    }
    *out = (struct row_spans){ items, from->n };
    return items;
}

bool row_spans_finish(struct json *j, struct span_source *s, const char *clean, const char *corrupt,
                      struct arena *a, struct row_spans *of_clean, struct row_spans *of_corrupt)
{
    struct arena scratch = { 0 };
    if (!corrupt && s->corrupt.n)
        return json_fail(j, "\"corrupt_spans\" without \"corrupt\"");
    if (!place_given(j, &s->clean, clean, "spans")
        || (corrupt && !place_given(j, &s->corrupt, corrupt, "corrupt_spans")))
        return false;
    add_fields(s, clean);
    if (corrupt)
        add_twins(s, clean, corrupt, &scratch);
    arena_release(&scratch);
    return (keep(&s->clean, a, of_clean) && keep(&s->corrupt, a, of_corrupt))
           || abl_no_memory(j->err);
}
