#include "plan/position.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"

// ------------------------------------------------------------------------------------- of a prompt

static bool is_span(int32_t position)
{
    return position >= POSITION_SPANS && position < POSITION_DIFF;
}

// The tokens of a span's part; first = end: none.
static struct token_span find_span(int32_t position, const struct prompt *p)
{
    uint32_t code = (uint32_t)position - POSITION_SPANS;
    struct token_span s = { 0 };
    for (size_t i = 0; i < p->spans.n; i++)
        if (p->spans.items[i].name == code / 4)
            s = p->spans.items[i];
    if (s.first < s.end && code % 4 == POSITION_FIRST)
        s.end = s.first + 1;
    if (s.first < s.end && code % 4 == POSITION_LAST)
        s.first = s.end - 1;
    return s;
}

uint32_t position_count(int32_t position, const struct prompt *p)
{
    if (position == ALL_POSITIONS)
        return p->n_ids;
    if (position == POSITION_DIFF)
        return p->n_differs;
    if (is_span(position)) {
        struct token_span s = find_span(position, p);
        return s.end - s.first;
    }
    return position < 0 ? p->n_ids >= (uint32_t)-position : p->n_ids > (uint32_t)position;
}

uint32_t position_token(int32_t position, const struct prompt *p, uint32_t i)
{
    assert(i < position_count(position, p));
    if (position == ALL_POSITIONS)
        return p->n_ids - 1 - i;
    if (position == POSITION_DIFF)
        return p->n_ids - 1 - p->differs[i];
    if (is_span(position))
        return find_span(position, p).end - 1 - i;
    return position < 0 ? p->n_ids - (uint32_t)-position : (uint32_t)position;
}

bool position_partner(int32_t position, const struct prompt *p, uint32_t i,
                      const struct prompt *donor, uint32_t *out)
{
    if (position == POSITION_DIFF) {
        *out = donor->n_ids - 1 - p->differs[i];
        return p->differs[i] < donor->n_ids;
    }
    if (i >= position_count(position, donor))
        return false;
    *out = position_token(position, donor, i);
    return true;
}

bool position_crosses_ends(int32_t position)
{
    return position >= 0 && position < POSITION_DIFF;
}

uint32_t position_reach(int32_t position, const struct prompt *prompts, size_t n)
{
    uint32_t reach = 1;
    if (position == ALL_POSITIONS)
        return ALL_TOKENS;
    for (size_t i = 0; i < n; i++) {
        uint32_t count = position_count(position, &prompts[i]);
        if (!count)
            continue;
        uint32_t back = prompts[i].n_ids - position_token(position, &prompts[i], count - 1);
        reach = back > reach ? back : reach;
    }
    return reach;
}

// ----------------------------------------------------------------------------------------- of rows

// The donor's token for the i-th of the prompt's, which is `token`; false where there is none.
static bool find_partner(const struct edit *e, const struct prompt *p, uint32_t token, uint32_t i,
                         const struct prompt *donor, uint32_t *out)
{
    if (!e->from_start)
        return position_partner(e->position, p, i, donor, out);
    *out = token;
    return token < donor->n_ids;
}

// Whether it is asked for by the number of BOS.
static bool is_from_start(int32_t position)
{
    return position >= 0 && position < POSITION_SPANS;
}

struct row_touch edit_touches(const struct edit *e, const struct prompt *p,
                              const struct prompt *donor, bool has_bos)
{
    struct row_touch t = { 0 };
    uint32_t count = position_count(e->position, p);
    for (uint32_t i = 0; i < count && !(t.acts && (t.changed || !donor)); i++) {
        uint32_t token = position_token(e->position, p, i), partner = 0;
        bool is_bos = has_bos && !token;
        if (!donor) {
            t.acts = t.acts || !is_bos || (is_from_start(e->position) && e->source != SOURCE_MEAN);
            continue;
        }
        if (is_bos || !find_partner(e, p, token, i, donor, &partner) || (has_bos && !partner))
            continue;
        t.acts = true;
        t.changed = t.changed || p->ids[token] != donor->ids[partner];
    }
    return t;
}

// ---------------------------------------------------------------------------------------- as texts

struct reader {
    const struct position_names *names;
    struct arena *arena;
    struct position *out; // room for all
    size_t n;
    struct hash known; // what is there already
    struct abl_err *err;
};

static const char *const parts[N_POSITION_PARTS]
    = { [POSITION_WHOLE] = "all", [POSITION_FIRST] = "first", [POSITION_LAST] = "last" };

// Each position once, by its first name.
static bool add(struct reader *r, int32_t at, const char *name)
{
    const uint64_t *number = hash_put(&r->known, (uint32_t)at, r->n);
    if (!number || !name)
        return abl_no_memory(r->err);
    if (*number == r->n)
        r->out[r->n++]
            = (struct position){ at, name,
                                 position_reach(at, r->names->prompts, r->names->n_prompts) };
    return true;
}

static bool add_number(struct reader *r, int32_t at)
{
    return add(r, at, arena_printf(r->arena, "%" PRId32, at));
}

static uint32_t longest_back(const struct position_names *names)
{
    return names->n_tokens - (names->n_tokens && names->has_bos);
}

static bool wrong(struct reader *r, const char *word)
{
    struct buf spans = { 0 };
    for (size_t i = 0; i < r->names->n_spans && spans.len < 200; i++)
        buf_printf(&spans, "%s%s", i ? ", " : "", r->names->spans[i]);
    abl_fail(r->err, ABL_USAGE,
             "bad position '%s' in --positions: expected last, all, each, diff, END, NAME:first, "
             "NAME:last or NAME:all of a span (here: %s), or numbers from 0 (the first token) to "
             "%" PRIu32 " or from -1 (the last token) to -%" PRIu32 ", such as -1,-3",
             word, spans.len && !spans.failed ? spans.data : "none",
             r->names->n_tokens ? r->names->n_tokens - 1 : 0, longest_back(r->names));
    buf_release(&spans);
    return false;
}

// Decimal digits, below `end`.
static bool read_number(const char *text, uint32_t end, uint32_t *out)
{
    uint64_t n = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        n = 10 * n + (uint64_t)(*text - '0');
        if (n >= end)
            return false;
    }
    *out = (uint32_t)n;
    return true;
}

static bool read_span(struct reader *r, const char *word)
{
    const char *colon = strrchr(word, ':');
    size_t part = 0, name = 0, len = colon ? (size_t)(colon - word) : 0;
    while (colon && part < N_POSITION_PARTS && strcmp(colon + 1, parts[part]) != 0)
        part++;
    while (
        colon && name < r->names->n_spans
        && (strlen(r->names->spans[name]) != len || memcmp(r->names->spans[name], word, len) != 0))
        name++;
    if (!colon || part == N_POSITION_PARTS || name == r->names->n_spans || name >= 1 << 28)
        return wrong(r, word);
    return add(r, position_of_span((uint32_t)name, (enum position_part)part),
               arena_strdup(r->arena, word));
}

static bool read_word(struct reader *r, const char *word)
{
    uint32_t n;
    if (strcmp(word, "last") == 0)
        return add_number(r, -1);
    if (strcmp(word, "END") == 0)
        return add(r, -1, "END");
    if (strcmp(word, "all") == 0)
        return add(r, ALL_POSITIONS, "all");
    if (strcmp(word, "diff") == 0)
        return add(r, POSITION_DIFF, "diff");
    if (strcmp(word, "each") == 0) {
        bool ok = true;
        for (uint32_t back = 1; ok && back <= longest_back(r->names); back++)
            ok = add_number(r, -(int32_t)back);
        return ok;
    }
    if (*word == '-')
        return read_number(word + 1, longest_back(r->names) + 1, &n) && n
                   ? add_number(r, -(int32_t)n)
                   : wrong(r, word);
    if (read_number(word, r->names->n_tokens, &n))
        return add_number(r, (int32_t)n);
    return read_span(r, word);
}

// The next word between commas, without spaces around it; false behind the last.
static bool next_word(const char **rest, struct arena *a, char **out)
{
    if (!*rest)
        return false;
    size_t len = strcspn(*rest, ",");
    const char *from = *rest, *end = from + len;
    *rest = *end ? end + 1 : NULL;
    while (from < end && *from == ' ')
        from++;
    while (end > from && end[-1] == ' ')
        end--;
    *out = arena_strndup(a, from, (size_t)(end - from));
    return true;
}

bool positions_parse(const char *text, const struct position_names *names, struct arena *a,
                     struct position **out, size_t *n, struct abl_err *err)
{
    struct reader r = { .names = names, .arena = a, .err = err };
    size_t n_words = 1;
    char *word;
    bool ok = true;
    for (const char *c = text; *c; c++)
        n_words += *c == ',';
    r.out = arena_alloc(a, n_words + (size_t)names->n_tokens, sizeof *r.out);
    if (!r.out)
        return abl_no_memory(err);
    for (const char *rest = text; ok && next_word(&rest, a, &word);)
        ok = word ? read_word(&r, word) : abl_no_memory(err);
    hash_release(&r.known);
    *out = r.out;
    *n = r.n;
    return ok;
}
