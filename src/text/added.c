#include "text/added.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/size.h"
#include "text/token.h"
#include "text/unicode.h"

static bool add_node(struct added_set *set)
{
    uint32_t *ends = array_room(set->ends, set->n_nodes, &set->cap_nodes, sizeof *ends);
    if (!ends || set->n_nodes == UINT32_MAX)
        return false;
    set->ends = ends;
    set->ends[set->n_nodes++] = TOKEN_NONE;
    return true;
}

static uint64_t edge(uint32_t node, char byte)
{
    return hash_pair(node, (unsigned char)byte);
}

// Of two tokens with the same text the first one counts.
static bool plant(struct added_set *set, const struct added_token *t)
{
    uint32_t node = 0;
    for (size_t i = 0; i < t->len; i++) {
        uint64_t *next = hash_put(&set->edges, edge(node, t->text[i]), set->n_nodes);
        if (!next || (*next == set->n_nodes && !add_node(set)))
            return false;
        node = (uint32_t)*next;
    }
    struct added_token *kept = &set->tokens[set->n];
    *kept = *t;
    if (set->ends[node] == TOKEN_NONE)
        set->ends[node] = (uint32_t)set->n;
    else if (!set->second && set->tokens[set->ends[node]].id != t->id) {
        set->first = &set->tokens[set->ends[node]];
        set->second = kept;
    }
    set->n++;
    return true;
}

bool added_set_init(struct added_set *set, const struct added_token *tokens, size_t n,
                    bool normalized, struct abl_err *err)
{
    *set = (struct added_set){ .tokens = calloc(n ? n : 1, sizeof *set->tokens) };
    bool ok = set->tokens && add_node(set);
    for (size_t i = 0; ok && i < n; i++)
        if (!(tokens[i].flags & ADDED_NORMALIZED) == !normalized)
            ok = plant(set, &tokens[i]);
    return ok || abl_no_memory(err);
}

void added_set_release(struct added_set *set)
{
    free(set->tokens);
    free(set->ends);
    hash_release(&set->edges);
    *set = (struct added_set){ 0 };
}

// The longest token that begins at a place; NULL where none does.
static const struct added_token *token_at(const struct added_scan *s, size_t at)
{
    const struct added_set *set = s->set;
    const struct added_token *longest = NULL;
    uint32_t node = 0;
    for (; at < s->len; at++) {
        const uint64_t *next = hash_find(&set->edges, edge(node, s->text[at]));
        if (!next)
            break;
        node = (uint32_t)*next;
        if (set->ends[node] != TOKEN_NONE)
            longest = &set->tokens[set->ends[node]];
    }
    return longest;
}

// The leftmost token at or behind `from`, the longest of those; NULL where there is none.
static const struct added_token *find_match(const struct added_scan *s, size_t from, size_t *at)
{
    const struct added_token *t = NULL;
    for (*at = from; *at < s->len && !(t = token_at(s, *at));)
        ++*at;
    return t;
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
        if (t->flags & ADDED_SPELT
            || ((t->flags & ADDED_SINGLE_WORD) && touches_word(s, begin, end)))
            continue;
        if (t->flags & ADDED_LSTRIP)
            begin = size_max(strip_left(s, begin), s->done);
        if (t->flags & ADDED_RSTRIP)
            end = strip_right(s, end);
        // all of it went with the token before
        if (begin >= end) {
            s->done = size_max(s->done, end);
            continue;
        }
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
