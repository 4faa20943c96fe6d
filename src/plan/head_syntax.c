#include "plan/head_syntax.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/numpy_rng.h"
#include "base/string_index.h"
#include "plan/head_file.h"

// A stretch of the option's text.
struct part {
    const char *text;
    size_t len;
};

// Cut the next part off *rest at `separator` or the end of a line, blanks around it dropped; false
// at the end.
static bool next_part(const char **rest, char separator, struct part *out)
{
    if (!*rest)
        return false;
    size_t len = strcspn(*rest, (const char[]){ separator, '\n', '\0' });
    const char *text = *rest, *end = text[len] ? text + len : NULL;
    while (len && (*text == ' ' || *text == '\t'))
        text++, len--;
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    *out = (struct part){ text, len };
    *rest = end ? end + 1 : NULL;
    return true;
}

// A text out of a file begins with "@FILE" and its first line's end: the lines behind it. NULL: it
// is an option's.
static const char *lines_of(const char *text)
{
    const char *end = *text == '@' ? strchr(text, '\n') : NULL;
    return end ? end + 1 : NULL;
}

// What is wrong at `at` of such a text, which says where that is in the file.
static bool wrong_in_file(const char *text, const char *at, struct abl_err *err)
{
    const char *lines = lines_of(text);
    unsigned line = 1;
    if (!lines)
        return false;
    for (const char *c = lines; c < at; c++)
        line += *c == '\n';
    return abl_fail_in(err, "%.*s:%u", (int)(lines - text - 2), text + 1, line);
}

// Decimal number that fills text[0..len) and is below limit.
static bool number_below(const char *text, size_t len, uint32_t limit, uint32_t *out)
{
    if (!len || len > 9)
        return false;
    uint32_t v = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(text[i] - '0');
    }
    if (v >= limit)
        return false;
    *out = v;
    return true;
}

static bool bad_head(struct part p, const char *option, const struct model_shape *s,
                     struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE,
                    "bad head '%.*s' in %s: expected LAYER:HEAD with layer 0-%" PRIu32
                    " and head 0-%" PRIu32 ", such as 0:2",
                    (int)p.len, p.text, option, s->n_layers - 1, s->n_heads - 1);
}

// "3:5" → one head, "3:*" → all heads of a layer; heads has room for n_heads.
static bool parse_head(struct part p, const char *option, const struct model_shape *s,
                       struct head *heads, size_t *n, struct abl_err *err)
{
    const char *colon = memchr(p.text, ':', p.len);
    uint32_t layer, head;
    if (!colon)
        return bad_head(p, option, s, err);
    const char *rest = colon + 1;
    size_t len = p.len - (size_t)(rest - p.text);
    if (colon == p.text + 1 && *p.text == '*' && number_below(rest, len, s->n_heads, &head)) {
        for (uint32_t l = 0; l < s->n_layers; l++)
            heads[l] = (struct head){ l, head };
        *n = s->n_layers;
        return true;
    }
    if (!number_below(p.text, (size_t)(colon - p.text), s->n_layers, &layer))
        return bad_head(p, option, s, err);
    if (len == 1 && *rest == '*') {
        for (uint32_t h = 0; h < s->n_heads; h++)
            heads[h] = (struct head){ layer, h };
        *n = s->n_heads;
        return true;
    }
    if (!number_below(rest, len, s->n_heads, &head))
        return bad_head(p, option, s, err);
    heads[0] = (struct head){ layer, head };
    *n = 1;
    return true;
}

static size_t all_heads(const struct model_shape *s, struct head *out)
{
    size_t n = 0;
    for (uint32_t layer = 0; layer < s->n_layers; layer++)
        for (uint32_t head = 0; head < s->n_heads; head++)
            out[n++] = (struct head){ layer, head };
    return n;
}

static bool bad_draws(const char *text, struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE,
                    "bad '%s' in --heads: expected random:K@SEED, K heads of each layer, or "
                    "random:K@SEED+SEED… for %d seeds at most",
                    text, MAX_DRAWS);
}

// k heads of each layer, ascending; picked: (n_heads)
static bool draw(uint32_t k, uint64_t seed, const struct model_shape *s, unsigned char *picked,
                 struct arena *a, struct head_set *out)
{
    struct head *heads = arena_alloc(a, (size_t)s->n_layers * k, sizeof *heads);
    size_t n = 0;
    for (uint32_t layer = 0; heads && layer < s->n_layers; layer++) {
        numpy_choice(seed + layer, s->n_heads, k, picked);
        for (uint32_t head = 0; head < s->n_heads; head++)
            if (picked[head])
                heads[n++] = (struct head){ layer, head };
    }
    *out = (struct head_set){ .heads = heads, .n = n };
    return heads;
}

bool heads_draws(const char *text, const struct model_shape *s, struct arena *a,
                 struct head_draw **out, size_t *n, struct abl_err *err)
{
    *n = 0;
    if (!text || strncmp(text, "random:", 7) != 0)
        return true;
    const char *count = text + 7, *at = strchr(text, '@');
    uint32_t k = 0;
    struct head_draw *draws = arena_alloc(a, MAX_DRAWS, sizeof *draws);
    unsigned char *picked = arena_alloc(a, s->n_heads, 1);
    if (!draws || !picked)
        return abl_no_memory(err);
    if (!at || !number_below(count, (size_t)(at - count), UINT32_MAX, &k) || !k
        || s->n_heads > NUMPY_CHOICE_MAX)
        return bad_draws(text, err);
    k = k < s->n_heads ? k : s->n_heads;
    struct part p;
    for (const char *rest = at + 1; next_part(&rest, '+', &p);) {
        if (!p.len || p.len > 18 || strspn(p.text, "0123456789") < p.len || *n == MAX_DRAWS)
            return bad_draws(text, err);
        draws[*n].seed = strtoull(p.text, NULL, 10);
        if (!draw(k, draws[*n].seed, s, picked, a, &draws[*n].heads))
            return abl_no_memory(err);
        ++*n;
    }
    *out = draws;
    return true;
}

// What any of the draws holds, ascending. heads and seen: (n_layers * n_heads), seen false.
static size_t of_any_draw(const struct head_draw *draws, size_t n_draws,
                          const struct model_shape *s, struct head *heads, bool *seen)
{
    size_t n = 0;
    for (size_t i = 0; i < n_draws; i++)
        for (size_t k = 0; k < draws[i].heads.n; k++) {
            struct head h = draws[i].heads.heads[k];
            seen[(size_t)h.layer * s->n_heads + h.head] = true;
        }
    for (uint32_t layer = 0; layer < s->n_layers; layer++)
        for (uint32_t head = 0; head < s->n_heads; head++)
            if (seen[(size_t)layer * s->n_heads + head])
                heads[n++] = (struct head){ layer, head };
    return n;
}

bool heads_parse(const char *text, const struct model_shape *shape, struct arena *a,
                 struct head_set *out, struct abl_err *err)
{
    size_t cap = (size_t)shape->n_layers * shape->n_heads;
    struct head *heads = arena_alloc(a, cap, sizeof *heads);
    struct head *found = arena_alloc(a, (size_t)shape->n_heads + shape->n_layers, sizeof *found);
    bool *seen = arena_alloc(a, cap, sizeof *seen);
    if (!heads || !found || !seen)
        return abl_no_memory(err);
    const char *plain = head_file_plain(text, ',', a), *lines = lines_of(text);
    if (!plain)
        return abl_no_memory(err);
    if (strcmp(plain, "all") == 0) {
        *out = (struct head_set){ .heads = heads, .n = all_heads(shape, heads) };
        return true;
    }
    if (strncmp(plain, "random:", 7) == 0) {
        struct head_draw *draws;
        size_t n_draws;
        if (!heads_draws(plain, shape, a, &draws, &n_draws, err))
            return wrong_in_file(text, lines, err);
        *out = (struct head_set){ .heads = heads,
                                  .n = of_any_draw(draws, n_draws, shape, heads, seen) };
        return true;
    }
    size_t n = 0, n_found = 0;
    struct part p;
    for (const char *rest = lines ? lines : text; next_part(&rest, ',', &p);) {
        if (lines && !p.len)
            continue;
        if (!parse_head(p, "--heads", shape, found, &n_found, err))
            return wrong_in_file(text, p.text, err);
        for (size_t i = 0; i < n_found; i++) {
            size_t at = (size_t)found[i].layer * shape->n_heads + found[i].head;
            if (!seen[at])
                heads[n++] = found[i];
            seen[at] = true;
        }
    }
    *out = (struct head_set){ .heads = heads, .n = n };
    return true;
}

bool layers_parse(const char *text, const struct model_shape *shape, bool *keep,
                  struct abl_err *err)
{
    bool all = strcmp(text, "all") == 0;
    for (uint32_t i = 0; i < shape->n_layers; i++)
        keep[i] = all;
    struct part p;
    while (!all && next_part(&text, ',', &p)) {
        const char *dash = memchr(p.text, '-', p.len);
        size_t left = dash ? (size_t)(dash - p.text) : p.len;
        uint32_t first, last;
        bool ok = number_below(p.text, left, shape->n_layers, &first);
        last = first;
        if (ok && dash)
            ok = number_below(dash + 1, p.len - left - 1, shape->n_layers, &last) && last >= first;
        if (!ok)
            return abl_fail(
                err, ABL_USAGE,
                "bad layer '%.*s' in --layers: expected numbers or ranges within 0-%" PRIu32
                ", such as 0-2,5",
                (int)p.len, p.text, shape->n_layers - 1);
        for (uint32_t i = first; i <= last; i++)
            keep[i] = true;
    }
    return true;
}

static int head_order(const void *a, const void *b)
{
    const struct head *x = a, *y = b;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return (x->head > y->head) - (x->head < y->head);
}

// Sort ascending and drop repeats in place; returns how many are left.
static size_t normalise(struct head *heads, size_t n)
{
    if (!n)
        return 0;
    qsort(heads, n, sizeof *heads, head_order);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (head_order(&heads[kept - 1], &heads[i]))
            heads[kept++] = heads[i];
    return kept;
}

// Heads of a set while it is read; zero-initialise to start, free heads to end.
struct gathered {
    struct head *heads;
    size_t n, cap;
};

// Put more heads in; those that repeat go before they take more room than the model has heads.
static bool gather(struct gathered *g, const struct head *more, size_t n,
                   const struct model_shape *s)
{
    for (size_t i = 0; i < n; i++) {
        struct head *grown = array_room(g->heads, g->n, &g->cap, sizeof *grown);
        if (!grown)
            return false;
        g->heads = grown;
        g->heads[g->n++] = more[i];
    }
    if (g->n > 2 * (size_t)s->n_layers * s->n_heads)
        g->n = normalise(g->heads, g->n);
    return true;
}

static bool parse_set(struct part whole, const struct model_shape *s, struct gathered *g,
                      struct head *found, struct arena *a, struct head_set *out,
                      struct abl_err *err)
{
    char *copy = arena_strndup(a, whole.text, whole.len);
    const char *rest = copy;
    struct part p;
    size_t n_found;
    g->n = 0;
    if (!copy)
        return abl_no_memory(err);
    while (next_part(&rest, '+', &p)) {
        if (!parse_head(p, "--sets", s, found, &n_found, err))
            return false;
        if (!gather(g, found, n_found, s))
            return abl_no_memory(err);
    }
    size_t n = normalise(g->heads, g->n);
    struct head *heads = arena_alloc(a, n, sizeof *heads);
    if (!heads)
        return abl_no_memory(err);
    memcpy(heads, g->heads, n * sizeof *heads);
    *out = (struct head_set){ .heads = heads, .n = n };
    return true;
}

// Every set of the text, each once; sets has room for as many as there are parts.
static bool parse_sets(const char *text, const struct model_shape *shape, struct arena *a,
                       struct head_set *sets, size_t *n, struct abl_err *err)
{
    struct head *found = arena_alloc(a, (size_t)shape->n_heads + shape->n_layers, sizeof *found);
    struct string_index seen = { 0 };
    struct gathered g = { 0 };
    struct part p;
    const char *lines = lines_of(text), *rest = lines ? lines : text;
    bool ok = found || abl_no_memory(err);
    for (*n = 0; ok && next_part(&rest, ';', &p);) {
        // a trailing semicolon is no set
        if (!p.len)
            continue;
        struct head_set *one = &sets[*n];
        size_t before = seen.n;
        ok = parse_set(p, shape, &g, found, a, one, err) || wrong_in_file(text, p.text, err);
        ok = ok
             && (string_index_put(&seen, (const char *)one->heads, one->n * sizeof *one->heads, 0)
                 || abl_no_memory(err));
        *n += seen.n - before;
    }
    free(g.heads);
    string_index_release(&seen);
    return ok;
}

bool sets_parse(const char *text, const struct model_shape *shape, struct arena *a,
                struct head_set **out, size_t *n, struct abl_err *err)
{
    size_t cap = 1;
    for (const char *c = text; *c; c++)
        cap += *c == ';' || *c == '\n';
    struct head_set *sets = arena_alloc(a, cap, sizeof *sets);
    if (!sets)
        return abl_no_memory(err);
    if (!parse_sets(text, shape, a, sets, n, err))
        return false;
    if (!*n)
        return abl_fail(err, ABL_USAGE,
                        "no head set in --sets: expected sets such as 0:2+0:4;1:3+2:5");
    *out = sets;
    return true;
}

static const char *combination_option(uint32_t k)
{
    return k == 2 ? "--pairs" : "--triplets";
}

// "0:2,4,7" → layer 0 and its heads in ascending order, without repeats.
static bool parse_layer_heads(struct part p, uint32_t k, const struct model_shape *s,
                              struct arena *a, struct head_set *out, struct abl_err *err)
{
    const char *colon = memchr(p.text, ':', p.len);
    uint32_t layer = 0, head = 0;
    bool ok = colon && number_below(p.text, (size_t)(colon - p.text), s->n_layers, &layer);
    struct head *heads = arena_alloc(a, p.len + 1, sizeof *heads);
    char *copy = ok ? arena_strndup(a, colon + 1, p.len - (size_t)(colon + 1 - p.text)) : NULL;
    size_t n = 0;
    struct part one;
    if (!heads || (ok && !copy))
        return abl_no_memory(err);
    for (const char *rest = copy; ok && next_part(&rest, ',', &one);) {
        ok = number_below(one.text, one.len, s->n_heads, &head);
        if (ok)
            heads[n++] = (struct head){ layer, head };
    }
    n = ok ? normalise(heads, n) : 0;
    *out = (struct head_set){ heads, n };
    return (ok && n >= k)
           || abl_fail(err, ABL_USAGE,
                       "bad '%.*s' in %s: expected a layer 0-%" PRIu32 " and at least %" PRIu32
                       " heads 0-%" PRIu32 " of it, such as 0:2,4,7",
                       (int)p.len, p.text, combination_option(k), s->n_layers - 1, k,
                       s->n_heads - 1);
}

// All k-subsets of the heads, in lexical order: places[] counts like an odometer whose digits
// ascend.
static bool add_combinations(const struct head_set *from, uint32_t k, struct arena *a,
                             struct head_set *out, size_t *n, struct abl_err *err)
{
    size_t places[3] = { 0, 1, 2 };
    for (;;) {
        struct head *heads = arena_alloc(a, k, sizeof *heads);
        if (!heads)
            return abl_no_memory(err);
        for (uint32_t i = 0; i < k; i++)
            heads[i] = from->heads[places[i]];
        out[(*n)++] = (struct head_set){ heads, k };
        uint32_t digit = k;
        while (digit && places[digit - 1] == from->n - k + digit - 1)
            digit--;
        if (!digit)
            return true;
        places[digit - 1]++;
        for (uint32_t i = digit; i < k; i++)
            places[i] = places[i - 1] + 1;
    }
}

// How many sets of k there are of n heads; n is at most the heads of a layer.
static uint64_t count_combinations(uint64_t n, uint32_t k)
{
    return k == 2 ? n * (n - 1) / 2 : n * (n - 1) / 2 * (n - 2) / 3;
}

// Each layer's heads, and how many sets they make in all.
static bool parse_layers_heads(const char *text, uint32_t k, const struct model_shape *shape,
                               struct arena *a, struct head_set *layers, size_t *n_layers,
                               size_t *n_sets, struct abl_err *err)
{
    enum { MOST = 10000000 };
    uint64_t sum = 0;
    struct part p;
    const char *lines = lines_of(text), *rest = lines ? lines : text;
    for (*n_layers = 0; next_part(&rest, ';', &p);) {
        if (!p.len)
            continue;
        if (!parse_layer_heads(p, k, shape, a, &layers[*n_layers], err))
            return wrong_in_file(text, p.text, err);
        sum += count_combinations(layers[(*n_layers)++].n, k);
        if (sum > MOST)
            return abl_fail(err, ABL_USAGE, "%s asks for more than %d sets: name fewer heads",
                            combination_option(k), MOST);
    }
    *n_sets = (size_t)sum;
    return true;
}

bool combinations_parse(const char *text, uint32_t k, const struct model_shape *shape,
                        struct arena *a, struct head_set **out, size_t *n, struct abl_err *err)
{
    size_t n_layers = 1, cap = 0;
    for (const char *c = text; *c; c++)
        n_layers += *c == ';' || *c == '\n';
    struct head_set *layers = arena_alloc(a, n_layers, sizeof *layers);
    if (!layers)
        return abl_no_memory(err);
    if (!parse_layers_heads(text, k, shape, a, layers, &n_layers, &cap, err))
        return false;
    struct head_set *sets = arena_alloc(a, cap, sizeof *sets);
    if (!sets)
        return abl_no_memory(err);
    *n = 0;
    for (size_t i = 0; i < n_layers; i++)
        if (!add_combinations(&layers[i], k, a, sets, n, err))
            return false;
    *out = sets;
    return true;
}

const char *head_set_label(const struct head_set *set, struct arena *a)
{
    char *label = arena_alloc(a, set->n * 24 + 1, 1);
    if (!label)
        return NULL;
    size_t len = 0;
    for (size_t i = 0; i < set->n; i++)
        len += (size_t)snprintf(label + len, 24, "%s%" PRIu32 ":%" PRIu32, i ? "+" : "",
                                set->heads[i].layer, set->heads[i].head);
    return label;
}

bool head_set_has(const struct head_set *set, struct head h)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->heads[i].layer == h.layer && set->heads[i].head == h.head)
            return true;
    return false;
}
