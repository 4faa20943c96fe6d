#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "text/byte_level.h"
#include "text/definition.h"
#include "text/settings_read.h"
#include "text/tokenizer_apply.h"
#include "text/tokenizer_parts.h"
#include "text/tokenizer_reading.h"

uint32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t len)
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
    for (size_t i = 0; i < d->n_vocab; i++)
        t->tokens[d->vocab[i].id].in_model = true;
    return true;
}

// Byte-level: every byte of a text must have a token, or the reference would drop it or put
// unk_token instead.
static bool make_bytes(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        size_t len = d->byte_level ? byte_level_char((unsigned char)byte, text)
                                   : (size_t)snprintf(text, sizeof text, "<0x%02X>", byte);
        t->byte_ids[byte]
            = d->byte_level || d->byte_fallback ? tokenizer_find(t, text, len) : TOKEN_NONE;
        if (d->byte_level && t->byte_ids[byte] == TOKEN_NONE && d->unk_token)
            return abl_fail(err, ABL_BAD_MODEL,
                            "'%s': model.unk_token '%s' is not supported where the vocabulary lacks"
                            " byte 0x%02x: expected a token for each of the 256 bytes",
                            d->path, d->unk_token, byte);
    }
    t->unk = d->unk_token ? tokenizer_find(t, d->unk_token, strlen(d->unk_token)) : TOKEN_NONE;
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
    uint32_t left = tokenizer_find(t, m->left.data, m->left.len);
    uint32_t right = tokenizer_find(t, m->right.data, m->right.len);
    uint32_t merged = tokenizer_find(t, both->data, both->len);
    if (left == TOKEN_NONE || right == TOKEN_NONE || merged == TOKEN_NONE)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': merge %zu, '%s %s': '%s' is not in the vocabulary", d->path, i + 1,
                        m->left.data, m->right.data,
                        left == TOKEN_NONE    ? m->left.data
                        : right == TOKEN_NONE ? m->right.data
                                              : both->data);
    bpe_add(&t->bpe, left, right, m->rank, merged);
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

// transformers 5's library keeps added tokens in no order: which of two equal ones a text gets,
// differs from one of its processes to the next.
static bool note_equal(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    const struct added_set *set = &t->added_normalized;
    if (!set->second || d->like != OWNER_TRANSFORMERS_5 || d->source == SOURCE_GGUF)
        return true;
    return owner_note(
        &t->notes, err,
        "added tokens %u '%s' and %u '%s' are one text once normalised: %u, which was "
        "added first, is found, as transformers-4 does; transformers 5 finds either, "
        "by chance",
        set->first->id, t->tokens[set->first->id].text, set->second->id,
        t->tokens[set->second->id].text, set->first->id);
}

// The texts by which added tokens are found: those that are looked for in normalised text are
// normalised themselves.
static bool make_added_sets(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    struct added_token *texts = arena_alloc(&t->arena, d->n_added + 1, sizeof *texts);
    struct effort effort = { 0 }; // of all of them
    size_t bytes = 0;
    if (!texts)
        return abl_no_memory(err);
    for (size_t i = 0; i < d->n_added; i++) {
        struct buf normal = { 0 };
        texts[i] = d->added[i];
        if (!(texts[i].flags & ADDED_NORMALIZED) || texts[i].flags & ADDED_AS_IS)
            continue;
        bool ok
            = normalizer_run(&t->normalizer, texts[i].text, texts[i].len, &effort, &normal, err);
        if (ok && (bytes += normal.len) > EFFORT_BYTES)
            ok = abl_fail(
                err, ABL_BAD_MODEL,
                "'%s': the normalizer makes more than %d MiB of the added tokens: expected "
                "steps that do not multiply them",
                d->path, EFFORT_BYTES >> 20);
        texts[i].len = normal.len;
        texts[i].text = ok ? arena_strndup(&t->arena, normal.data, normal.len) : NULL;
        buf_release(&normal);
        if (!ok || !texts[i].text)
            return ok ? abl_no_memory(err) : false;
    }
    return added_set_init(&t->added, texts, d->n_added, false, err)
           && added_set_init(&t->added_normalized, texts, d->n_added, true, err)
           && note_equal(t, d, err);
}

static bool make_added(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    for (size_t i = 0; i < d->n_added; i++) {
        const struct added_token *a = &d->added[i];
        if (!add_token(t, d->path, a->text, a->len, a->id, err))
            return false;
        struct token *token = &t->tokens[a->id];
        token->is_added = true;
        token->is_special = a->flags & ADDED_SPECIAL;
    }
    return make_added_sets(t, d, err);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The byte of "<0x1F>", -1 for any other text.
static int fallback_byte(const struct token *token)
{
    const char *t = token->text;
    bool is = token->len == 6 && memcmp(t, "<0x", 3) == 0 && t[5] == '>' && hex_digit(t[3]) >= 0
              && hex_digit(t[4]) >= 0;
    return is ? hex_digit(t[3]) * 16 + hex_digit(t[4]) : -1;
}

// The bytes that a token's text stands for: of the byte alphabet, or with U+2581 for " " and <0xNN>
// for a byte.
static void token_bytes(const struct tokenizer *t, const struct token *token, struct buf *out)
{
    static const struct definition_normal spaces
        = { .kind = NORMAL_REPLACE, .from = { "\xe2\x96\x81", 3 }, .to = { " ", 1 } };
    const struct normalizer unmark = { .steps = &spaces, .n = 1 };
    int byte = t->byte_fallback ? fallback_byte(token) : -1;
    if (token->is_added || (t->byte_level && !byte_level_decode(token->text, token->len, out)))
        buf_add(out, token->text, token->len);
    else if (byte >= 0)
        buf_char(out, (char)byte);
    else if (!t->byte_level)
        out->failed |= !normalizer_run(&unmark, token->text, token->len, NULL, out, NULL);
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
        buf_str(&bytes, "");
        token_bytes(t, token, &bytes);
        printable_add(&text, bytes.data, bytes.len);
        token->readable
            = text.failed || bytes.failed ? NULL : arena_strndup(&t->arena, text.data, text.len);
        ok = token->readable || abl_no_memory(err);
    }
    buf_release(&bytes);
    buf_release(&text);
    return ok;
}

// The first candidate that is a token, else the id where that is one.
static uint32_t find_special(const struct tokenizer *t, const char *const *candidates, uint32_t id)
{
    for (; *candidates; candidates++) {
        uint32_t found = tokenizer_find(t, *candidates, strlen(*candidates));
        if (found != TOKEN_NONE)
            return found;
    }
    return id < t->n_ids && t->tokens[id].text ? id : TOKEN_NONE;
}

static void make_ends(struct tokenizer *t, const struct definition_ends *e)
{
    t->bos = e->bos_exact < t->n_ids && t->tokens[e->bos_exact].text
                 ? e->bos_exact
                 : find_special(t, e->bos, e->bos_id);
    t->pad = find_special(t, e->pad, e->pad_id);
    t->bos_by_default = e->puts_bos;
}

// The steps outlive the definition.
static bool make_normalizer(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    struct definition_normal *steps = arena_alloc(&t->arena, d->n_normals + 1, sizeof *steps);
    if (!steps)
        return abl_no_memory(err);
    if (d->n_normals)
        memcpy(steps, d->normals, d->n_normals * sizeof *steps);
    return normalizer_init(&t->normalizer, steps, d->n_normals, d->path, err);
}

static bool build(struct tokenizer *t, const struct definition *d, struct abl_err *err)
{
    t->byte_level = d->byte_level;
    t->byte_fallback = d->byte_fallback;
    t->fuse_unk = d->fuse_unk;
    t->ignore_merges = d->ignore_merges;
    t->like = d->source == SOURCE_GGUF ? "llama.cpp" : owner_name(d->like);
    t->doubt = d->doubt;
    t->doubt_about = d->doubt_about;
    memcpy(t->files, d->files, sizeof t->files);
    t->n_files = d->n_files;
    if (!sha256_bytes(d->read.data ? d->read.data : "", d->read.len, t->sha256, err)
        || !make_vocabulary(t, d, err) || !make_bytes(t, d, err) || !make_merges(t, d, err)
        || !make_normalizer(t, d, err) || !make_added(t, d, err) || !make_readable(t, err)
        || !pretokenizer_init(&t->pretokenizer, d->cuts, d->n_cuts, d->path, err))
        return false;
    make_ends(t, &d->ends);
    return true;
}

bool tokenizer_from_definition(struct definition *d, struct tokenizer **out, struct abl_err *err)
{
    struct tokenizer *t = calloc(1, sizeof *t);
    bool ok = t || abl_no_memory(err);
    if (ok) {
        t->arena = d->arena; // the tokens' texts stay
        d->arena = (struct arena){ 0 };
        t->notes = d->notes;
        d->notes = (struct owner_notes){ 0 };
        ok = build(t, d, err);
    }
    definition_release(d);
    if (!ok) {
        tokenizer_free(t);
        return false;
    }
    *out = t;
    return true;
}

static bool read_json(const char *folder, struct definition *d, struct abl_err *err)
{
    char *path = file_join(folder, "tokenizer.json");
    bool ok = path ? definition_read_json(d, path, err) : abl_no_memory(err);
    free(path);
    return ok;
}

static bool read_folder(const char *folder, struct definition *d, struct tokenizer_settings *s,
                        struct abl_err *err)
{
    if (file_exists_in(folder, "tokenizer.json")) {
        d->source = SOURCE_JSON;
        return read_json(folder, d, err) && tokenizer_settings_read(folder, d, s, err);
    }
    if (file_exists_in(folder, "vocab.json")) {
        d->source = SOURCE_VOCAB;
        return definition_read_legacy(d, folder, err) && tokenizer_settings_read(folder, d, s, err);
    }
    d->source = SOURCE_PIECES;
    if (file_exists_in(folder, "tokenizer.model")) {
        if (!tokenizer_settings_read(folder, d, s, err))
            return false;
        struct piece_names names = tokenizer_piece_names(s, d);
        return definition_read_sentencepiece(d, folder, tokenizer_score_order(s, d), &names, err);
    }
    return abl_fail(err, ABL_BAD_MODEL,
                    "no tokenizer in '%s': expected tokenizer.json, or vocab.json and merges.txt, "
                    "or tokenizer.model",
                    folder);
}

bool tokenizer_open(const char *folder, enum owner like, struct tokenizer **out,
                    struct abl_err *err)
{
    struct definition d = { .like = like };
    struct tokenizer_settings s = tokenizer_settings_none();
    bool ok = read_folder(folder, &d, &s, err) && tokenizer_apply(&d, &s, err);
    tokenizer_settings_release(&s);
    if (!ok) {
        definition_release(&d);
        return false;
    }
    return tokenizer_from_definition(&d, out, err);
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    string_index_release(&t->ids);
    bpe_release(&t->bpe);
    added_set_release(&t->added);
    added_set_release(&t->added_normalized);
    normalizer_release(&t->normalizer);
    pretokenizer_release(&t->pretokenizer);
    owner_notes_release(&t->notes);
    arena_release(&t->arena);
    free(t);
}

const struct owner_notes *tokenizer_notes(const struct tokenizer *t)
{
    return &t->notes;
}

const char *bos_mode_name(size_t mode)
{
    static const char *const names[]
        = { [BOS_AUTO] = "auto", [BOS_ALWAYS] = "always", [BOS_NEVER] = "never" };
    return mode < sizeof names / sizeof *names ? names[mode] : NULL;
}

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

uint32_t tokenizer_pad(const struct tokenizer *t)
{
    return t->pad;
}

const char *tokenizer_text(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_ids && t->tokens[id].readable ? t->tokens[id].readable : "";
}

void tokenizer_bytes(const struct tokenizer *t, uint32_t id, struct buf *out)
{
    if (id < t->n_ids && t->tokens[id].text)
        token_bytes(t, &t->tokens[id], out);
}

bool tokenizer_is_special(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_ids && t->tokens[id].is_special;
}

const char *tokenizer_like(const struct tokenizer *t)
{
    return t->like;
}

const char *tokenizer_sha256(const struct tokenizer *t)
{
    return t->sha256;
}

const char *tokenizer_file(const struct tokenizer *t, size_t i)
{
    return i < t->n_files ? t->files[i] : NULL;
}
