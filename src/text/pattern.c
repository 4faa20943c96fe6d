#include "text/pattern.h"

#include <stdlib.h>
#include <string.h>

#include <oniguruma.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/size.h"
#include "text/pattern_characters.h"
#include "text/pattern_spelling.h"

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

#define QWEN2                                                                                      \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"                            \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

// What the reference's step Punctuation takes for that: ASCII's, and the punctuation of Unicode 8.
// Taken out of a newer version's is what came later; U+166D and U+111C9 no longer are any.
#define PUNCTUATION                                                                                \
    "[\\p{P}$+<=>^`|~\\x{166D}\\x{111C9}&&[^"                                                      \
    "\\x{61D}\\x{9FD}\\x{A76}\\x{C77}\\x{C84}\\x{1B4E}-\\x{1B4F}\\x{1B7D}-\\x{1B7F}"               \
    "\\x{2E43}-\\x{2E4F}\\x{2E52}-\\x{2E5D}\\x{10D6E}\\x{10EAD}\\x{10F55}-\\x{10F59}"              \
    "\\x{10F86}-\\x{10F89}\\x{113D4}-\\x{113D5}\\x{113D7}-\\x{113D8}\\x{1144B}-\\x{1144F}"         \
    "\\x{1145A}-\\x{1145B}\\x{1145D}\\x{11660}-\\x{1166C}\\x{116B9}\\x{1183B}"                     \
    "\\x{11944}-\\x{11946}\\x{119E2}\\x{11A3F}-\\x{11A46}\\x{11A9A}-\\x{11A9C}"                    \
    "\\x{11A9E}-\\x{11AA2}\\x{11B00}-\\x{11B09}\\x{11BE1}\\x{11C41}-\\x{11C45}"                    \
    "\\x{11C70}-\\x{11C71}\\x{11EF7}-\\x{11EF8}\\x{11F43}-\\x{11F4F}\\x{11FFF}"                    \
    "\\x{12FF1}-\\x{12FF2}\\x{16D6D}-\\x{16D6F}\\x{16E97}-\\x{16E9A}\\x{16FE2}\\x{1E5FF}"          \
    "\\x{1E95E}-\\x{1E95F}"                                                                        \
    "]]"

// What a search may cost. The first is the reference's own, which then fails too; it has no others,
// and searches on for hours.
enum {
    MATCH_RETRIES = 10000000, // from one place of the text
    CHEAP_RETRIES = 100000,   // of a search, and some for each byte that it may pass
    CHEAP_RETRIES_A_BYTE = 16,
    DEAR_SEARCHES = 8, // in one text: those that take more
    DEAR_RETRIES = 20000000,
    STACK_ENTRIES = 1 << 23, // some 40 bytes each
    MAX_SHOWN = 100,         // bytes of an expression in messages
};

struct pattern {
    regex_t *code;
    char *name; // for messages: the file, the place in it and the expression
    bool asks_breaks;
};

const char *pattern_gpt2(void)
{
    return GPT2;
}

const char *pattern_punctuation(void)
{
    return PUNCTUATION;
}

const char *pattern_qwen2(void)
{
    return QWEN2;
}

void pattern_quote(struct json_text t, struct buf *out)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.data[i] && strchr("\\^$.[]|()?*+{}-#&~", t.data[i]))
            buf_char(out, '\\');
        buf_char(out, t.data[i]);
    }
}

static char *name_of(const struct pattern_source *s)
{
    struct buf b = { 0 };
    size_t shown = size_min(s->text.len, MAX_SHOWN);
    while (shown < s->text.len && shown && ((unsigned char)s->text.data[shown] & 0xc0) == 0x80)
        shown--;
    buf_printf(&b, "'%s'", s->path);
    if (s->byte)
        buf_printf(&b, " at byte %zu", s->byte);
    buf_printf(&b, ": pattern '%.*s%s'", (int)shown, s->text.len ? s->text.data : "",
               shown < s->text.len ? "…" : "");
    if (b.failed)
        buf_release(&b);
    return b.data;
}

static bool compile(struct pattern *p, struct json_text text, struct abl_err *err)
{
    OnigEncoding characters;
    OnigErrorInfo about = { 0 };
    OnigUChar why[ONIG_MAX_ERROR_MESSAGE_LEN];
    const OnigUChar *from = (const OnigUChar *)text.data;
    if (!pattern_characters(&characters, err))
        return false;
    int rc = onig_new(&p->code, from, from + text.len, ONIG_OPTION_NONE, characters,
                      ONIG_SYNTAX_ONIGURUMA, &about);
    if (rc == ONIG_NORMAL)
        return true;
    if (rc == ONIGERR_MEMORY)
        return abl_no_memory(err);
    onig_error_code_to_str(why, rc, &about);
    return abl_fail(err, ABL_BAD_MODEL,
                    "%s is not supported: %s; expected a regular expression of Oniguruma %s",
                    p->name, (const char *)why, onig_version());
}

// As the library is to read it.
static bool compile_spelt(struct pattern *p, struct json_text text, struct abl_err *err)
{
    struct spelling s = { 0 };
    pattern_spell(text, &s);
    p->asks_breaks = s.asks_breaks;
    bool ok = !s.text.failed || abl_no_memory(err);
    if (ok && s.refused)
        ok = abl_fail(err, ABL_BAD_MODEL,
                      "%s is not supported: found %s, which versions of Oniguruma read differently;"
                      " spell it without",
                      p->name, s.refused);
    ok = ok && compile(p, (struct json_text){ .data = s.text.data, .len = s.text.len }, err);
    buf_release(&s.text);
    return ok;
}

static bool compile_literal(struct pattern *p, struct json_text text, struct abl_err *err)
{
    struct buf quoted = { 0 };
    buf_str(&quoted, "");
    pattern_quote(text, &quoted);
    bool ok = !quoted.failed || abl_no_memory(err);
    ok = ok && compile(p, (struct json_text){ .data = quoted.data, .len = quoted.len }, err);
    buf_release(&quoted);
    return ok;
}

bool pattern_compile(const struct pattern_source *source, struct pattern **out, struct abl_err *err)
{
    struct pattern *p = calloc(1, sizeof *p);
    if (p)
        p->name = name_of(source);
    bool ok = (p && p->name) || abl_no_memory(err);
    if (ok && source->text.len > EFFORT_PATTERN)
        ok = abl_fail(err, ABL_BAD_MODEL, "%s has %zu bytes: expected %d at most", p->name,
                      source->text.len, EFFORT_PATTERN);
    ok = ok
         && (source->literal ? compile_literal(p, source->text, err)
                             : compile_spelt(p, source->text, err));
    if (!ok) {
        pattern_free(p);
        return false;
    }
    *out = p;
    return true;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    if (p->code)
        onig_free(p->code);
    free(p->name);
    free(p);
}

void spans_release(struct spans *s)
{
    free(s->items);
    if (s->region)
        onig_region_free(s->region, 1);
    if (s->limits)
        onig_free_match_param(s->limits);
    *s = (struct spans){ 0 };
}

static bool add_span(struct spans *s, size_t begin, size_t end, bool is_match, struct abl_err *err)
{
    struct span *grown = array_room(s->items, s->n, &s->cap, sizeof *grown);
    if (!grown)
        return abl_no_memory(err);
    s->items = grown;
    s->items[s->n++] = (struct span){ begin, end, is_match };
    return true;
}

// Searching one text.
struct search {
    const struct pattern *p;
    const char *text;
    size_t len;
    unsigned dear; // searches that took many retries
    struct effort *effort;
    struct spans *s;
    struct abl_err *err;
};

static bool spent(struct search *w)
{
    return effort_is_spent(w->effort)
           && !abl_fail(w->err, ABL_BAD_MODEL,
                        "%s and what comes before it take more than %d seconds for a text of %zu "
                        "bytes: have the patterns repeat less",
                        w->p->name, EFFORT_SECONDS, w->len);
}

static int search_within(struct search *w, size_t from, unsigned long retries)
{
    const OnigUChar *begin = (const OnigUChar *)w->text, *end = begin + w->len;
    onig_set_retry_limit_in_search_of_match_param(w->s->limits, retries);
    onig_region_clear(w->s->region);
    return onig_search_with_param(w->p->code, begin, end, begin + from, end, w->s->region,
                                  ONIG_OPTION_NONE, w->s->limits);
}

// Most searches end at once. The others are begun anew with more patience, so many times a text.
static bool search(struct search *w, size_t from, bool *found)
{
    OnigUChar why[ONIG_MAX_ERROR_MESSAGE_LEN];
    unsigned long per_byte = CHEAP_RETRIES_A_BYTE * (w->len - from);
    if (++w->effort->searches % EFFORT_SEARCHES == 0 && spent(w))
        return false;
    int rc = search_within(w, from, CHEAP_RETRIES + per_byte);
    if (rc == ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER && w->dear++ < DEAR_SEARCHES) {
        if (spent(w))
            return false;
        rc = search_within(w, from, DEAR_RETRIES + per_byte);
    }
    *found = rc >= 0;
    if (rc >= 0 || rc == ONIG_MISMATCH)
        return true;
    if (rc == ONIGERR_MEMORY)
        return abl_no_memory(w->err);
    onig_error_code_to_str(why, rc);
    return abl_fail(w->err, ABL_BAD_DATA,
                    "%s takes too long behind byte %zu of a text of %zu: %s; shorten the text, or"
                    " have the pattern repeat less",
                    w->p->name, from, w->len, (const char *)why);
}

static bool is_boundary(const struct search *w, size_t at)
{
    return at == w->len || ((unsigned char)w->text[at] & 0xc0) != 0x80;
}

// The bytes of the character at `at`, 1 behind the end.
static size_t step(const struct search *w, size_t at)
{
    size_t n = 1;
    while (at + n < w->len && !is_boundary(w, at + n))
        n++;
    return n;
}

// A match, and what lies between it and the one before. One that begins before the other ended
// (\K can do so), or within a character, makes the reference fail too.
static bool take_match(struct search *w, size_t before, size_t begin, size_t end)
{
    if (begin < before || end < begin || !is_boundary(w, begin) || !is_boundary(w, end))
        return abl_fail(w->err, ABL_BAD_DATA,
                        "%s matches backwards or within a character, bytes %zu to %zu of a text"
                        " cut up to %zu: expected matches one behind the other",
                        w->p->name, begin, end, before);
    return (begin == before || add_span(w->s, before, begin, false, w->err))
           && add_span(w->s, begin, end, true, w->err);
}

static bool find_all(struct search *w)
{
    size_t done = 0; // text before it is in spans
    bool found, any = false;
    for (size_t at = 0; at <= w->len;) {
        if (!search(w, at, &found))
            return false;
        if (!found)
            break;
        size_t begin = (size_t)w->s->region->beg[0], end = (size_t)w->s->region->end[0];
        if (any && begin == end && end == done) {
            at += step(w, at);
            continue;
        }
        if (!take_match(w, done, begin, end))
            return false;
        any = true;
        at = done = end;
    }
    return done == w->len || add_span(w->s, done, w->len, false, w->err);
}

static bool make_ready(struct spans *s, struct abl_err *err)
{
    s->n = 0;
    if (!s->region)
        s->region = onig_region_new();
    if (!s->limits && (s->limits = onig_new_match_param())) {
        onig_initialize_match_param(s->limits);
        onig_set_retry_limit_in_match_of_match_param(s->limits, MATCH_RETRIES);
        onig_set_match_stack_limit_size_of_match_param(s->limits, STACK_ENTRIES);
    }
    return (s->region && s->limits) || abl_no_memory(err);
}

bool pattern_find(const struct pattern *p, const char *text, size_t len, struct spans *out,
                  struct abl_err *err)
{
    struct effort own = { 0 };
    struct search w = { .p = p, .text = text, .len = len, .s = out, .err = err };
    w.effort = out->effort ? out->effort : &own;
    size_t unsure = p->asks_breaks ? pattern_unsure_break(text, len) : len;
    if (unsure < len)
        return abl_fail(err, ABL_BAD_DATA,
                        "%s asks with \\X, \\y or \\Y where a character ends at byte %zu of a text,"
                        " which Unicode versions answer differently: leave that character out",
                        p->name, unsure);
    return make_ready(out, err) && find_all(&w);
}
