#include "text/scores.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/string_index.h"
#include "text/unicode.h"

struct writer {
    struct definition *d;
    enum score_order order;
    const struct scored_piece *pieces;
    size_t n;
    struct string_index places; // of the pieces that merging may meet
    struct abl_err *err;
};

// Highest score first; of equals the first in the list.
static int by_score(const void *a, const void *b)
{
    const struct scored_piece *x = *(const struct scored_piece *const *)a,
                              *y = *(const struct scored_piece *const *)b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x > y) - (x < y);
}

// A way to cut a piece in two, as transformers sorts them.
struct split {
    const struct scored_piece *piece;
    size_t at, n_left, n_right; // bytes; characters
};

static int by_place(const void *a, const void *b)
{
    const struct split *x = a, *y = b;
    if (x->piece != y->piece)
        return (x->piece > y->piece) - (x->piece < y->piece);
    if (x->n_left != y->n_left)
        return (x->n_left > y->n_left) - (x->n_left < y->n_left);
    return (x->n_right > y->n_right) - (x->n_right < y->n_right);
}

// Of equal scores the longer left part comes first.
static int by_falling_score(const void *a, const void *b)
{
    const struct split *x = a, *y = b;
    if (x->piece->score != y->piece->score)
        return x->piece->score > y->piece->score ? -1 : 1;
    if (x->n_left != y->n_left)
        return (x->n_left < y->n_left) - (x->n_left > y->n_left);
    if (x->n_right != y->n_right)
        return (x->n_right < y->n_right) - (x->n_right > y->n_right);
    return by_place(a, b);
}

static bool is_known(const struct writer *w, const char *text, size_t len)
{
    return string_index_find(&w->places, text, len) != NULL;
}

// Every way to cut the piece in two that the vocabulary has.
static bool add_merges_of(struct writer *w, const struct scored_piece *p, uint32_t rank)
{
    size_t size;
    for (size_t at = 0; at < p->text.len; at += size) {
        utf8_first(p->text.data + at, p->text.len - at, &size);
        if (!at || !is_known(w, p->text.data, at)
            || !is_known(w, p->text.data + at, p->text.len - at))
            continue;
        struct json_text left = { .data = p->text.data, .len = at };
        struct json_text right = { .data = p->text.data + at, .len = p->text.len - at };
        if (!definition_add_merge(w->d, left, right, rank, w->err))
            return false;
    }
    return true;
}

static bool can_be_merged(const struct writer *w, const struct scored_piece *p)
{
    return p->text.len && (p->type == PIECE_NORMAL || w->order != ORDER_SENTENCEPIECE);
}

// The adjacent pair whose joined piece scores highest merges first, the leftmost of equals: equal
// scores are one rank.
static bool add_merges(struct writer *w)
{
    const struct scored_piece **sorted = malloc((w->n + 1) * sizeof *sorted);
    size_t n = 0;
    if (!sorted)
        return abl_no_memory(w->err);
    for (size_t i = 0; i < w->n; i++)
        if (can_be_merged(w, &w->pieces[i]))
            sorted[n++] = &w->pieces[i];
    if (n)
        qsort(sorted, n, sizeof *sorted, by_score);
    bool ok = true;
    uint32_t rank = 0;
    for (size_t i = 0; ok && i < n; i++) {
        rank += i && sorted[i]->score != sorted[i - 1]->score;
        ok = add_merges_of(w, sorted[i], rank);
    }
    free(sorted);
    return ok;
}

static size_t n_characters(const char *text, size_t len)
{
    size_t n = 0, size;
    for (size_t at = 0; at < len; at += size, n++)
        utf8_first(text + at, len - at, &size);
    return n;
}

static bool collect_splits(struct writer *w, struct split **out, size_t *n)
{
    struct split *all = NULL;
    size_t cap = 0, size;
    *n = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct scored_piece *p = &w->pieces[i];
        for (size_t at = 0; at < p->text.len; at += size) {
            utf8_first(p->text.data + at, p->text.len - at, &size);
            if (!at || !is_known(w, p->text.data, at)
                || !is_known(w, p->text.data + at, p->text.len - at))
                continue;
            struct split *grown = array_room(all, *n, &cap, sizeof *grown);
            if (!grown) {
                free(all);
                return abl_no_memory(w->err);
            }
            all = grown;
            all[(*n)++] = (struct split){ p, at, n_characters(p->text.data, at),
                                          n_characters(p->text.data + at, p->text.len - at) };
        }
    }
    *out = all;
    return true;
}

// Every merge has a rank of its own.
static bool add_sorted_merges(struct writer *w)
{
    struct split *all = NULL;
    size_t n = 0;
    if (!collect_splits(w, &all, &n))
        return false;
    if (n)
        qsort(all, n, sizeof *all, w->order == ORDER_PLACE ? by_place : by_falling_score);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        struct json_text both = all[i].piece->text;
        ok = definition_add_merge(w->d, (struct json_text){ both.data, all[i].at },
                                  (struct json_text){ both.data + all[i].at, both.len - all[i].at },
                                  (uint32_t)i, w->err);
    }
    free(all);
    return ok;
}

static bool check_piece(const struct writer *w, size_t i)
{
    const struct scored_piece *p = &w->pieces[i];
    if (utf8_invalid_at(p->own.data, p->own.len) < p->own.len)
        return abl_fail(w->err, ABL_BAD_MODEL, "'%s': token %zu is not UTF-8", w->d->path, i);
    if (p->score != p->score)
        return abl_fail(w->err, ABL_BAD_MODEL, "'%s': the score of token %zu is not a number",
                        w->d->path, i);
    if (p->type < PIECE_NORMAL || p->type > PIECE_BYTE)
        return abl_fail(w->err, ABL_BAD_MODEL, "'%s': token %zu has type %d, expected 1 to 6",
                        w->d->path, i, (int)p->type);
    return true;
}

static bool add_piece(struct writer *w, size_t i)
{
    const struct scored_piece *p = &w->pieces[i];
    struct definition *d = w->d;
    uint32_t id = (uint32_t)i;
    if (!check_piece(w, i))
        return false;
    bool special = p->type == PIECE_CONTROL || p->type == PIECE_UNKNOWN;
    struct json_text added = special ? p->own : p->text;
    // transformers 4 looks the parts of a merge up among names of the file
    struct json_text part = w->order == ORDER_SCORE ? p->own : p->text;
    if (can_be_merged(w, p) && !string_index_put(&w->places, part.data, part.len, id))
        return abl_no_memory(w->err);
    if (p->type == PIECE_UNKNOWN && !d->unk_token) {
        d->unk_token = arena_strndup(&d->arena, p->own.data, p->own.len);
        if (!d->unk_token)
            return abl_no_memory(w->err);
    }
    if (p->text.data && !definition_add_token(d, p->text, id, w->err))
        return false;
    if (!added.len || (!special && p->type != PIECE_USER_DEFINED))
        return true;
    // llama.cpp cuts users' own out of the text as it is, others once spaces are U+2581
    unsigned flags = special                       ? ADDED_SPECIAL
                     : w->order == ORDER_LLAMA_CPP ? 0
                                                   : ADDED_NORMALIZED | ADDED_AS_IS;
    return definition_add_added(d, added, id, flags, w->err);
}

bool scores_define(struct definition *d, const struct scored_piece *pieces, size_t n,
                   const struct scored_settings *s, struct abl_err *err)
{
    struct writer w = { .d = d, .order = s->order, .pieces = pieces, .n = n, .err = err };
    bool ok = n <= MAX_TOKEN_ID
              || abl_fail(err, ABL_BAD_MODEL, "'%s' has %zu tokens: expected at most %d", d->path,
                          n, MAX_TOKEN_ID);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_piece(&w, i);
    d->byte_fallback = s->byte_fallback;
    d->fuse_unk = true; // SentencePiece joins unknown characters that follow one another
    ok = ok
         && (s->order == ORDER_SCORE || s->order == ORDER_PLACE ? add_sorted_merges(&w)
                                                                : add_merges(&w))
         && definition_add_marks(d, s->add_prefix, err);
    string_index_release(&w.places);
    return ok;
}
