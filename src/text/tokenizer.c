#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/size.h"
#include "text/added.h"
#include "text/bos.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/definition.h"
#include "text/pretokenizer.h"
#include "text/string_index.h"
#include "text/unicode.h"

struct token {
    const char *text; // as the file spells it; NULL = no token has this id
    size_t len;
    const char *readable;
    bool is_added, is_special;
};

struct tokenizer {
    struct token *tokens; // (n_ids)
    uint32_t n_ids;
    struct string_index ids; // by text
    uint32_t
        byte_ids[256]; // of the byte alphabet's characters; TOKEN_NONE = the vocabulary lacks it
    struct bpe bpe;
    struct added_set added, added_normalized;
    struct pretokenizer pretokenizer;
    bool ignore_merges;
    uint32_t bos; // TOKEN_NONE = none
    bool bos_by_default;
    char sha256[SHA256_HEX];
    struct arena arena;
};

// ------------------------------------------------------------------------------------------- building

static uint32_t find_id(const struct tokenizer *t, const char *text, size_t len)
{
    const uint32_t *id = string_index_find(&t->ids, text, len);
    return id ? *id : TOKEN_NONE;
}

static bool add_token(struct tokenizer *t, const char *path, const char *text, size_t len,
                      uint32_t id, struct abl_err *err)
{
    uint32_t *known = string_index_put(&t->ids, text, len, id);
    if (!known)
        return abl_no_memory(err);
    if (*known != id)
        return abl_fail(err, ABL_BAD_MODEL, "'%s': token '%s' has two ids, %u and %u", path, text,
                        *known, id);
    struct token *token = &t->tokens[id];
    if (token->text && (token->len != len || memcmp(token->text, text, len) != 0))
        return abl_fail(err, ABL_BAD_MODEL, "'%s': tokens '%s' and '%s' have one id, %u", path,
                        token->text, text, id);
    token->text = text;
    token->len = len;
    return true;
}

static bool make_vocabulary(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    uint32_t n_ids = 0;
    for (size_t i = 0; i < d->n_vocab; i++)
        n_ids = d->vocab[i].id >= n_ids ? d->vocab[i].id + 1 : n_ids;
    for (size_t i = 0; i < d->n_added; i++)
        n_ids = d->added[i].id >= n_ids ? d->added[i].id + 1 : n_ids;
    if (!d->n_vocab)
        return abl_fail(err, ABL_BAD_MODEL, "'%s' has no vocabulary", d->path);
    t->n_ids = n_ids;
    t->tokens = arena_alloc(&t->arena, n_ids, sizeof *t->tokens);
    if (!t->tokens)
        return abl_no_memory(err);
    for (size_t i = 0; i < d->n_vocab; i++)
        if (!add_token(t, d->path, d->vocab[i].text, d->vocab[i].len, d->vocab[i].id, err))
            return false;
    return true;
}

// Every byte of a text must have a token, or the reference would drop it or put unk_token instead.
static bool make_bytes(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[BYTE_CHAR_MAX];
        size_t len = byte_level_char((unsigned char)byte, text);
        t->byte_ids[byte] = find_id(t, text, len);
        if (t->byte_ids[byte] == TOKEN_NONE && d->unk_token)
            return abl_fail(err, ABL_BAD_MODEL,
                            "'%s': model.unk_token '%s' is not supported where the vocabulary lacks"
                            " byte 0x%02x: expected a token for each of the 256 bytes",
                            d->path, d->unk_token, byte);
    }
    return true;
}

static bool make_merge(struct tokenizer *t, const struct definition *d, size_t i, struct buf *both,
                       struct abl_err *err)
{
    const struct definition_merge *m = &d->merges[i];
    both->len = 0;
    buf_add(both, m->left.data, m->left.len);
    buf_add(both, m->right.data, m->right.len);
    if (both->failed)
        return abl_no_memory(err);
    uint32_t left = find_id(t, m->left.data, m->left.len);
    uint32_t right = find_id(t, m->right.data, m->right.len);
    uint32_t merged = find_id(t, both->data, both->len);
    if (left == TOKEN_NONE || right == TOKEN_NONE || merged == TOKEN_NONE)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': merge %zu, '%s %s': '%s' is not in the vocabulary", d->path, i + 1,
                        m->left.data, m->right.data,
                        left == TOKEN_NONE    ? m->left.data
                        : right == TOKEN_NONE ? m->right.data
                                              : both->data);
    bpe_add(&t->bpe, left, right, (uint32_t)i, merged);
    return true;
}

static bool make_merges(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    struct buf both = { 0 };
    bool ok = bpe_init(&t->bpe, d->n_merges, err);
    for (size_t i = 0; ok && i < d->n_merges; i++)
        ok = make_merge(t, d, i, &both, err);
    buf_release(&both);
    return ok;
}

static bool make_added(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    for (size_t i = 0; i < d->n_added; i++) {
        const struct added_token *a = &d->added[i];
        if (!add_token(t, d->path, a->text, a->len, a->id, err))
            return false;
        struct token *token = &t->tokens[a->id];
        if (token->is_added)
            return abl_fail(err, ABL_BAD_MODEL, "'%s': added token '%s' is given twice", d->path,
                            a->text);
        token->is_added = true;
        token->is_special = a->flags & ADDED_SPECIAL;
    }
    return added_set_init(&t->added, d->added, d->n_added, false, err)
           && added_set_init(&t->added_normalized, d->added, d->n_added, true, err);
}

static bool make_readable(struct tokenizer *t, struct abl_err *err)
{
    struct buf bytes = { 0 }, text = { 0 };
    bool ok = true;
    for (uint32_t id = 0; ok && id < t->n_ids; id++) {
        struct token *token = &t->tokens[id];
        if (!token->text)
            continue;
        bytes.len = text.len = 0;
        buf_str(&text, "");
        if (token->is_added || !byte_level_decode(token->text, token->len, &bytes))
            unicode_readable(&text, token->text, token->len);
        else
            unicode_readable(&text, bytes.data, bytes.len);
        token->readable
            = text.failed || bytes.failed ? NULL : arena_strndup(&t->arena, text.data, text.len);
        ok = token->readable || abl_no_memory(err);
    }
    buf_release(&bytes);
    buf_release(&text);
    return ok;
}

static bool make_bos(struct tokenizer *t, const char *folder, const struct definition *d,
                     bool legacy, struct abl_err *err)
{
    struct bos_hints h;
    const char *candidates[4];
    if (!bos_hints_read(folder, d, legacy, &h, err))
        return false;
    bos_candidates(&h, candidates);
    t->bos = TOKEN_NONE;
    for (size_t i = 0; t->bos == TOKEN_NONE && candidates[i]; i++)
        t->bos = find_id(t, candidates[i], strlen(candidates[i]));
    if (t->bos == TOKEN_NONE && h.config_id < t->n_ids && t->tokens[h.config_id].text)
        t->bos = h.config_id;
    t->bos_by_default = bos_by_default(&h);
    bos_hints_release(&h);
    return true;
}

static bool build(struct tokenizer *t, const char *folder, const struct definition *d, bool legacy,
                  struct abl_err *err)
{
    t->ignore_merges = d->ignore_merges;
    return sha256_bytes(d->read.data, d->read.len, t->sha256, err) && make_vocabulary(t, d, err)
           && make_bytes(t, d, err) && make_merges(t, d, err) && make_added(t, d, err)
           && make_readable(t, err)
           && pretokenizer_init(&t->pretokenizer, d->pattern, d->add_prefix_space, err)
           && make_bos(t, folder, d, legacy, err);
}

static bool read_definition(const char *folder, struct definition *d, bool *legacy,
                            struct abl_err *err)
{
    char *json = file_join(folder, "tokenizer.json"), *vocab = file_join(folder, "vocab.json");
    bool ok = (json && vocab) || abl_no_memory(err);
    *legacy = ok && !file_exists(json);
    if (ok && !*legacy)
        ok = definition_read_json(d, json, err);
    else if (ok && file_exists(vocab))
        ok = definition_read_legacy(d, folder, err);
    else if (ok)
        ok = abl_fail(err, ABL_BAD_MODEL,
                      "no tokenizer in '%s': expected tokenizer.json, or vocab.json and merges.txt",
                      folder);
    free(json);
    free(vocab);
    return ok;
}

static bool open_into(struct tokenizer *t, const char *folder, struct abl_err *err)
{
    struct definition d = { 0 };
    bool legacy;
    bool ok = read_definition(folder, &d, &legacy, err);
    t->arena = d.arena; // the tokens' texts stay
    d.arena = (struct arena){ 0 };
    ok = ok && build(t, folder, &d, legacy, err);
    definition_release(&d);
    return ok;
}

bool tokenizer_open(const char *folder, struct tokenizer **out, struct abl_err *err)
{
    struct tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return abl_no_memory(err);
    if (!open_into(t, folder, err)) {
        tokenizer_free(t);
        return false;
    }
    *out = t;
    return true;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    string_index_release(&t->ids);
    bpe_release(&t->bpe);
    added_set_release(&t->added);
    added_set_release(&t->added_normalized);
    pretokenizer_release(&t->pretokenizer);
    arena_release(&t->arena);
    free(t);
}

// ------------------------------------------------------------------------------------------- encoding

// One call's state, so that any number of threads may use one tokenizer.
struct encoder {
    const struct tokenizer *t;
    struct bpe_scratch scratch;
    struct buf word;
    struct token_ids *out;
    struct abl_err *err;
};

void token_ids_release(struct token_ids *ids)
{
    free(ids->ids);
    *ids = (struct token_ids){ 0 };
}

// Make room for n more.
static bool reserve(struct encoder *e, size_t n)
{
    struct token_ids *out = e->out;
    size_t need, bytes;
    if (!size_add(out->n, n, &need))
        return abl_no_memory(e->err);
    if (need <= out->cap)
        return true;
    size_t cap = size_max(need, size_max(16, out->cap * 2));
    uint32_t *ids = size_mul(cap, sizeof *ids, &bytes) ? realloc(out->ids, bytes) : NULL;
    if (!ids)
        return abl_no_memory(e->err);
    out->ids = ids;
    out->cap = cap;
    return true;
}

// The token that a whole piece is, TOKEN_NONE where it is none.
static uint32_t find_piece(struct encoder *e, struct piece p)
{
    char text[BYTE_CHAR_MAX];
    e->word.len = 0;
    for (size_t i = 0; i < p.len; i++)
        buf_add(&e->word, text, byte_level_char((unsigned char)p.text[i], text));
    return e->word.failed ? TOKEN_NONE : find_id(e->t, e->word.data, e->word.len);
}

static bool encode_piece(struct encoder *e, struct piece p)
{
    if (!reserve(e, p.len))
        return false;
    uint32_t *ids = e->out->ids + e->out->n;
    uint32_t whole = e->t->ignore_merges ? find_piece(e, p) : TOKEN_NONE;
    if (e->word.failed)
        return abl_no_memory(e->err);
    if (whole != TOKEN_NONE) {
        ids[0] = whole;
        e->out->n++;
        return true;
    }
    for (size_t i = 0; i < p.len; i++) {
        ids[i] = e->t->byte_ids[(unsigned char)p.text[i]];
        if (ids[i] == TOKEN_NONE)
            return abl_fail(e->err, ABL_BAD_DATA,
                            "'%.*s' has byte 0x%02x, for which the tokenizer has no token",
                            (int)size_min(p.len, 80), p.text, (unsigned char)p.text[i]);
    }
    size_t n = p.len;
    if (!bpe_merge(&e->t->bpe, &e->scratch, ids, &n, e->err))
        return false;
    e->out->n += n;
    return true;
}

// Text without added tokens.
static bool encode_plain(struct encoder *e, const char *text, size_t len)
{
    struct pieces walk;
    struct piece p;
    bool ok = true;
    if (!pieces_open(&walk, &e->t->pretokenizer, text, len, e->err))
        return false;
    while (ok && pieces_next(&walk, &p))
        ok = encode_piece(e, p);
    return pieces_close(&walk, ok ? e->err : NULL) && ok;
}

// Cut out the added tokens of `set`; what lies between goes on to `then`, or is plain text where that is NULL.
static bool encode_between(struct encoder *e, const struct added_set *set,
                           const struct added_set *then, const char *text, size_t len)
{
    struct added_scan scan = { .set = set, .text = text, .len = len };
    struct added_span s;
    bool ok = true;
    while (ok && added_next(&scan, &s)) {
        if (s.id != TOKEN_NONE) {
            ok = reserve(e, 1);
            if (ok)
                e->out->ids[e->out->n++] = s.id;
        } else if (then)
            ok = encode_between(e, then, NULL, text + s.begin, s.end - s.begin);
        else
            ok = encode_plain(e, text + s.begin, s.end - s.begin);
    }
    return ok;
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len,
                      struct token_ids *out, struct abl_err *err)
{
    if (len > INT32_MAX)
        return abl_fail(err, ABL_BAD_DATA,
                        "text of %zu bytes is too long to tokenise: expected at"
                        " most %d",
                        len, INT32_MAX);
    size_t bad = utf8_invalid_at(text, len), before = out->n;
    if (bad < len)
        return abl_fail(err, ABL_BAD_DATA, "text is not UTF-8: found byte 0x%02x at byte %zu",
                        (unsigned char)text[bad], bad);
    struct encoder e = { .t = t, .out = out, .err = err };
    bool ok = encode_between(&e, &t->added, &t->added_normalized, text, len);
    bpe_scratch_release(&e.scratch);
    buf_release(&e.word);
    if (!ok)
        out->n = before;
    return ok;
}

bool tokenizer_continuation(const struct tokenizer *t, const char *prompt,
                            const struct token_ids *prompt_ids, const char *word, uint32_t *out,
                            struct abl_err *err)
{
    struct buf both = { 0 };
    struct token_ids ids = { 0 };
    buf_str(&both, prompt);
    buf_str(&both, word);
    bool ok = !both.failed || abl_no_memory(err);
    ok = ok && tokenizer_encode(t, both.data, both.len, &ids, err);
    if (ok
        && (ids.n < prompt_ids->n
            || (prompt_ids->n
                && memcmp(ids.ids, prompt_ids->ids, prompt_ids->n * sizeof *ids.ids) != 0)))
        ok = abl_fail(err, ABL_BAD_DATA, "'%s' changes the prompt's last token", word);
    else if (ok && ids.n != prompt_ids->n + 1)
        ok = abl_fail(err, ABL_BAD_DATA, "'%s' is %zu tokens", word, ids.n - prompt_ids->n);
    if (ok)
        *out = ids.ids[prompt_ids->n];
    buf_release(&both);
    token_ids_release(&ids);
    return ok;
}

// -------------------------------------------------------------------------------------------- answers

bool tokenizer_bos(const struct tokenizer *t, enum bos_mode mode, uint32_t *out,
                   struct abl_err *err)
{
    if (mode == BOS_ALWAYS && t->bos == TOKEN_NONE)
        return abl_fail(err, ABL_USAGE,
                        "--bos always: the tokenizer has no BOS token; use --bos auto or never");
    bool put = mode == BOS_ALWAYS || (mode == BOS_AUTO && t->bos_by_default);
    *out = put ? t->bos : TOKEN_NONE;
    return true;
}

const char *tokenizer_text(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_ids && t->tokens[id].readable ? t->tokens[id].readable : "";
}

bool tokenizer_is_special(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_ids && t->tokens[id].is_special;
}

const char *tokenizer_sha256(const struct tokenizer *t)
{
    return t->sha256;
}
