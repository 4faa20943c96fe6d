#include "text/added.h"

#include <stdlib.h>
#include <string.h>

#include "text/token.h"
#include "text/unicode.h"

static int by_first_byte_then_length(const void *a, const void *b)
{
    const struct added_token *x = a, *y = b;
    int bx = (unsigned char)x->text[0], by = (unsigned char)y->text[0];
    if (bx != by)
        return bx - by;
    return (x->len < y->len) - (x->len > y->len);
}

bool added_set_init(struct added_set *set, const struct added_token *tokens, size_t n,
                    bool normalized, struct abl_err *err)
{
    struct added_set made = { .tokens = calloc(n ? n : 1, sizeof *made.tokens) };
    if (!made.tokens)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!(tokens[i].flags & ADDED_NORMALIZED) == !normalized)
            made.tokens[made.n++] = tokens[i];
    qsort(made.tokens, made.n, sizeof *made.tokens, by_first_byte_then_length);
    uint32_t at = 0;
    for (unsigned b = 0; b < 256; b++) {
        made.begin[b] = at;
        while (at < made.n && (unsigned char)made.tokens[at].text[0] == b)
            at++;
    }
    made.begin[256] = at;
    *set = made;
    return true;
}

void added_set_release(struct added_set *set)
{
    free(set->tokens);
    *set = (struct added_set){ 0 };
}

// The leftmost token at or behind `from`, the longest of those; NULL where there is none.
static const struct added_token *find_match(const struct added_scan *s, size_t from, size_t *at)
{
    for (size_t i = from; i < s->len; i++) {
        unsigned char b = (unsigned char)s->text[i];
        for (uint32_t k = s->set->begin[b]; k < s->set->begin[b + 1]; k++) {
            const struct added_token *t = &s->set->tokens[k];
            if (t->len <= s->len - i && memcmp(t->text, s->text + i, t->len) == 0) {
                *at = i;
                return t;
            }
        }
    }
    return NULL;
}

static bool touches_word(const struct added_scan *s, size_t begin, size_t end)
{
    size_t n;
    return (begin && unicode_is_word(utf8_last(s->text, begin, &n)))
           || (end < s->len && unicode_is_word(utf8_first(s->text + end, s->len - end, &n)));
}

static size_t strip_left(const struct added_scan *s, size_t begin)
{
    for (size_t n; begin && unicode_is_space(utf8_last(s->text, begin, &n)); begin -= n)
        ;
    return begin;
}

static size_t strip_right(const struct added_scan *s, size_t end)
{
    for (size_t n; end < s->len && unicode_is_space(utf8_first(s->text + end, s->len - end, &n));
         end += n)
        ;
    return end;
}

// The next token that its flags allow, with the white space it takes along.
static bool find_span(struct added_scan *s, struct added_span *out)
{
    const struct added_token *t;
    for (size_t begin; (t = find_match(s, s->at, &begin));) {
        size_t end = s->at = begin + t->len;
        if ((t->flags & ADDED_SINGLE_WORD) && touches_word(s, begin, end))
            continue;
        // perhaps into what the token before took along
        if (t->flags & ADDED_LSTRIP)
            begin = strip_left(s, begin);
        if (t->flags & ADDED_RSTRIP)
            end = strip_right(s, end);
        *out = (struct added_span){ .begin = begin, .end = end, .id = t->id };
        return true;
    }
    return false;
}

bool added_next(struct added_scan *s, struct added_span *out)
{
    if (s->has_held) {
        *out = s->held;
        s->has_held = false;
        return true;
    }
    size_t done = s->done;
    if (find_span(s, out)) {
        s->done = out->end;
        if (out->begin <= done)
            return true;
        s->held = *out;
        s->has_held = true;
        *out = (struct added_span){ .begin = done, .end = s->held.begin, .id = TOKEN_NONE };
        return true;
    }
    if (done == s->len)
        return false;
    *out = (struct added_span){ .begin = done, .end = s->len, .id = TOKEN_NONE };
    s->done = s->len;
    return true;
}
