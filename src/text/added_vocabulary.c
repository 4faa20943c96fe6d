#include "text/added_vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "text/token.h"

struct known_token {
    struct added_token token; // as it was added last
    // in which passes it is looked for: as written, and in normalised text
    bool raw, normalized;
    bool special;
    uint32_t turn, special_turn; // when it was added, and became special
    uint32_t go, had;            // flags that it had in that go, a bit for each combination
};

void added_vocabulary_init(struct added_vocabulary *v, const struct string_index *model,
                           size_t n_model, bool latest)
{
    *v = (struct added_vocabulary){
        .model = model, .n_model = n_model, .next_id = (uint32_t)n_model, .latest = latest
    };
}

void added_vocabulary_release(struct added_vocabulary *v)
{
    free(v->known);
    string_index_release(&v->places);
    *v = (struct added_vocabulary){ 0 };
}

static struct known_token *find(const struct added_vocabulary *v, const char *text, size_t len)
{
    const uint32_t *place = string_index_find(&v->places, text, len);
    return place ? &v->known[*place] : NULL;
}

bool added_vocabulary_has(const struct added_vocabulary *v, const char *text, size_t len)
{
    const struct known_token *k = find(v, text, len);
    return k && k->token.id != TOKEN_NONE;
}

// The place of a token's text, made where it is new; NULL when memory is out.
static struct known_token *place_of(struct added_vocabulary *v, const struct added_token *t)
{
    struct known_token *known = find(v, t->text, t->len);
    if (known)
        return known;
    known = array_room(v->known, v->n, &v->cap, sizeof *known);
    if (!known)
        return NULL;
    v->known = known;
    if (!string_index_put(&v->places, t->text, t->len, (uint32_t)v->n))
        return NULL;
    v->known[v->n] = (struct known_token){ .token = *t, .go = v->n_goes };
    v->known[v->n].token.id = TOKEN_NONE;
    return &v->known[v->n++];
}

static void look_for(struct known_token *k, unsigned flags)
{
    if (flags & ADDED_NORMALIZED)
        k->normalized = true;
    else
        k->raw = true;
}

static bool mark_special(struct added_vocabulary *v, const struct added_token *t,
                         struct abl_err *err)
{
    if (!(t->flags & ADDED_SPECIAL) || !t->len)
        return true;
    struct known_token *k = place_of(v, t);
    if (!k)
        return abl_no_memory(err);
    if (!k->special)
        look_for(k, t->flags);
    if (!k->special)
        k->special_turn = v->n_turns++;
    k->special = true;
    return true;
}

enum { FLAG_BITS = ADDED_NORMALIZED * 2 - 1 }; // those below ADDED_AS_IS

static bool add_one(struct added_vocabulary *v, const struct added_token *t, struct abl_err *err)
{
    struct known_token *k = t->len ? place_of(v, t) : NULL;
    if (!t->len)
        return true;
    if (!k)
        return abl_no_memory(err);
    if (k->go != v->n_goes) { // what it was at the start of this one
        k->go = v->n_goes;
        k->had = UINT32_C(1) << (k->token.flags & FLAG_BITS);
    }
    uint32_t had = UINT32_C(1) << (t->flags & FLAG_BITS);
    if (!v->latest && k->had & had)
        return true;
    k->had |= had;
    uint32_t id = k->token.id;
    if (id == TOKEN_NONE) {
        const uint32_t *model = string_index_find(v->model, t->text, t->len);
        id = model ? *model : v->next_id++;
        if (id >= v->next_id)
            v->next_id = id + 1;
    }
    if (k->token.id == TOKEN_NONE)
        k->turn = v->n_turns++;
    k->token = *t;
    k->token.id = id;
    if (!k->special)
        look_for(k, t->flags);
    return true;
}

bool added_vocabulary_add(struct added_vocabulary *v, const struct added_token *tokens, size_t n,
                          struct abl_err *err)
{
    v->n_goes++;
    for (size_t i = 0; i < n; i++)
        if (!mark_special(v, &tokens[i], err))
            return false;
    for (size_t i = 0; i < n; i++)
        if (!add_one(v, &tokens[i], err))
            return false;
    return true;
}

// An entry of the outcome, and when it is looked for.
struct outcome {
    struct added_token token;
    bool special;
    uint32_t turn;
};

static int by_turn(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    if (x->special != y->special)
        return x->special ? -1 : 1;
    return (x->turn > y->turn) - (x->turn < y->turn);
}

// The entries of one token: at most one for each pass.
static size_t outcomes_of(const struct known_token *k, bool latest, struct outcome out[2])
{
    struct outcome o = { k->token, k->special, k->special ? k->special_turn : k->turn };
    bool normalized = o.token.flags & ADDED_NORMALIZED;
    size_t n = 0;
    o.token.flags &= ~(unsigned)(ADDED_NORMALIZED | ADDED_SPECIAL);
    o.token.flags |= k->special ? ADDED_SPECIAL : 0;
    if (latest ? !normalized : k->raw)
        out[n++] = o;
    o.token.flags |= ADDED_NORMALIZED;
    if (latest ? normalized : k->normalized)
        out[n++] = o;
    return n;
}

bool added_vocabulary_list(const struct added_vocabulary *v, struct added_token **out, size_t *n,
                           struct abl_err *err)
{
    struct outcome *all = calloc(2 * v->n + 1, sizeof *all);
    struct added_token *list = calloc(2 * v->n + 1, sizeof *list);
    *n = 0;
    if (!all || !list) {
        free(all);
        free(list);
        return abl_no_memory(err);
    }
    for (size_t i = 0; i < v->n; i++)
        *n += outcomes_of(&v->known[i], v->latest, all + *n);
    if (*n)
        qsort(all, *n, sizeof *all, by_turn);
    for (size_t i = 0; i < *n; i++)
        list[i] = all[i].token;
    free(all);
    *out = list;
    return true;
}
