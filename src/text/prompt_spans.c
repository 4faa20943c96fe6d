#include "text/prompt_spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/size.h"

// ------------------------------------------------------------------------------ tokens in the text

// The bytes of the text that a token is of, without white space in front of others.
struct bounds {
    size_t start, end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// How many bytes of the text at `at` a token is, SIZE_MAX where they are others. A space that
// begins a token may be none of the text's: some tokenizers put one there.
static size_t length_at(const char *at, const char *token, size_t n)
{
    if (strncmp(at, token, n) == 0)
        return n;
    return n && *token == ' ' && strncmp(at, token + 1, n - 1) == 0 ? n - 1 : SIZE_MAX;
}

// False where the tokenizer changed the text, so that there is no telling.
static bool find_bounds(const struct tokenizer *t, const char *text, const struct token_ids *ids,
                        struct bounds *out, struct abl_err *err)
{
    struct buf token = { 0 };
    size_t at = 0, i = 0;
    bool found = true;
    for (; found && i < ids->n; i++) {
        token.len = 0;
        buf_str(&token, "");
        tokenizer_bytes(t, ids->ids[i], &token);
        if (token.failed)
            break;
        size_t n = length_at(text + at, token.data, token.len);
        while (n == SIZE_MAX && is_space(text[at])) // some leave white space out
            n = length_at(text + ++at, token.data, token.len);
        found = n != SIZE_MAX;
        if (!found)
            break;
        out[i] = (struct bounds){ at, at + n };
        for (; n && is_space(text[at]); n--)
            at++;
        out[i].start = n ? at : out[i].start;
        at = out[i].end;
    }
    bool failed = token.failed;
    buf_release(&token);
    if (failed)
        abl_no_memory(err);
    return found && !failed;
}

static bool overlaps(const struct bounds *b, const struct row_span *s)
{
    return b->start < s->end && s->start < b->end;
}

static struct token_span find_tokens(const struct bounds *bounds, size_t n,
                                     const struct row_span *s)
{
    struct token_span out = { 0 };
    for (size_t i = 0; i < n; i++)
        if (overlaps(&bounds[i], s)) {
            out.first = out.end ? out.first : (uint32_t)i;
            out.end = (uint32_t)i + 1;
        }
    return out;
}

// ------------------------------------------------------------------------------------------- names

static bool name_number(struct span_names *s, const char *name, struct arena *a, uint32_t *out)
{
    const uint32_t *number = string_index_put_copy(&s->numbers, name, strlen(name), (uint32_t)s->n);
    if (!number)
        return false;
    *out = *number;
    if (*number < s->n)
        return true;
    const char **names = array_room(s->names, s->n, &s->cap, sizeof *names);
    if (!names)
        return false;
    s->names = names;
    names[s->n] = arena_strdup(a, name);
    return names[s->n++] != NULL;
}

void span_names_release(struct span_names *s)
{
    string_index_release(&s->numbers);
    free(s->names);
    *s = (struct span_names){ 0 };
}

// ----------------------------------------------------------------------------------------- prompts

static bool add_spans(const struct bounds *bounds, size_t n, const struct row_spans *spans,
                      uint32_t shift, struct span_names *names, struct arena *a,
                      struct token_spans *out, const struct row_span **lost)
{
    for (size_t i = 0; i < spans->n; i++) {
        struct token_span s = find_tokens(bounds, n, &spans->items[i]);
        if (!s.end) {
            if (lost && !*lost && spans->items[i].given)
                *lost = &spans->items[i];
            continue;
        }
        if (!name_number(names, spans->items[i].name, a, &s.name))
            return false;
        s.first += shift;
        s.end += shift;
        out->items[out->n++] = s;
    }
    return true;
}

bool prompt_spans_make(const struct tokenizer *t, const char *text, const struct row_spans *spans,
                       const struct token_ids *ids, uint32_t shift, struct span_names *names,
                       struct arena *a, struct token_spans *out, const struct row_span **lost,
                       struct abl_err *err)
{
    *out = (struct token_spans){ 0 };
    if (!spans->n)
        return true;
    struct abl_err why = { 0 };
    struct bounds *bounds = calloc(size_max(ids->n, 1), sizeof *bounds);
    out->items = arena_alloc(a, spans->n, sizeof *out->items);
    bool ok = bounds && out->items;
    size_t n = ok && find_bounds(t, text, ids, bounds, &why) ? ids->n : 0;
    ok = ok && !why.code && add_spans(bounds, n, spans, shift, names, a, out, lost);
    free(bounds);
    return ok || abl_no_memory(err);
}

static const struct token_span *find_span(const struct token_spans *s, uint32_t name)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].name == name)
            return &s->items[i];
    return NULL;
}

bool prompt_spans_share(struct prompt *p, struct arena *a, struct abl_err *err)
{
    struct token_spans both
        = { arena_alloc(a, p->spans.n + p->corrupt_spans.n, sizeof *both.items), 0 };
    if (!both.items)
        return abl_no_memory(err);
    for (size_t i = 0; i < p->corrupt_spans.n; i++)
        both.items[both.n++] = p->corrupt_spans.items[i];
    for (size_t i = 0; p->n_ids == p->n_corrupt_ids && i < p->spans.n; i++)
        if (!find_span(&p->corrupt_spans, p->spans.items[i].name))
            both.items[both.n++] = p->spans.items[i];
    p->corrupt_spans = both;
    return true;
}

bool prompt_find_differences(struct prompt *p, struct arena *a, struct abl_err *err)
{
    uint32_t n = p->n_ids < p->n_corrupt_ids ? p->n_ids : p->n_corrupt_ids;
    uint32_t *differs = arena_alloc(a, n, sizeof *differs);
    if (!differs)
        return abl_no_memory(err);
    p->n_differs = 0;
    for (uint32_t back = 0; back < n; back++)
        if (p->ids[p->n_ids - 1 - back] != p->corrupt_ids[p->n_corrupt_ids - 1 - back])
            differs[p->n_differs++] = back;
    p->differs = differs;
    return true;
}
