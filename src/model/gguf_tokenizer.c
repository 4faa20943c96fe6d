#include "model/gguf_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/gguf_pre.h"
#include "model/gguf_settings.h"
#include "text/definition.h"
#include "text/scores.h"
#include "text/token.h"
#include "text/tokenizer_apply.h"

struct reader {
    const struct gguf *g;
    const struct gguf_value *tokens, *types; // types NULL: all are plain
    struct definition *d;
    struct tokenizer_settings *s;
    struct abl_err *err;
};

static bool bad(const struct reader *r, const char *key, const char *expected)
{
    return abl_fail(r->err, ABL_BAD_MODEL, "bad or missing '%s' in '%s': expected %s", key,
                    r->d->path, expected);
}

static bool has_string(const struct gguf *g, const char *key, const char *text)
{
    const struct gguf_value *v = gguf_find(g, key);
    return v && v->kind == GGUF_STRING && strcmp(v->s.data, text) == 0;
}

// An array with one item a token; NULL when it is not there.
static bool get_list(const struct reader *r, const char *key, enum gguf_kind item,
                     const struct gguf_value **out)
{
    const struct gguf_value *v = gguf_find(r->g, key);
    *out = v;
    return !v || (v->kind == GGUF_ARRAY && v->item == item && v->n == r->tokens->n)
           || bad(r, key, "a list with one entry a token");
}

static bool is_one_of(struct json_text text, const char *const *list)
{
    while (*list && !json_key_is(text, *list))
        list++;
    return *list != NULL;
}

// What llama.cpp takes for a control token, or for one of a user, whatever its type says.
static enum piece_type named_type(struct json_text text, enum piece_type type)
{
    static const char *const control[] = {
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|flush|>",
        "<|calls|>",
        "<end_of_turn>",
        "</s>",
        "<|endoftext|>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|end_of_text|>",
        "<eos>",
        "<end_of_utterance>",
        "<\xef\xbd\x9c"
        "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
        NULL,
    };
    static const char *const users[]
        = { "<|channel|>", "<|message|>", "<|start|>", "<|constrain|>", NULL };
    return is_one_of(text, users)     ? PIECE_USER_DEFINED
           : is_one_of(text, control) ? PIECE_CONTROL
                                      : type;
}

static enum piece_type type_of(const struct reader *r, size_t i, struct json_text text)
{
    int64_t type = r->types ? r->types->is[i] : PIECE_NORMAL;
    bool known = type >= PIECE_NORMAL && type <= PIECE_BYTE;
    return named_type(text, known ? (enum piece_type)type : 0);
}

// A token without a text is none that a text could spell; llama.cpp names it by its place.
static bool text_at(const struct reader *r, size_t i, struct json_text *out)
{
    const struct gguf_string *s = &r->tokens->ss[i];
    *out = (struct json_text){ .data = s->data, .len = s->len };
    if (s->len)
        return true;
    out->data = arena_printf(&r->d->arena, "[EMPTY_%zu]", i);
    out->len = out->data ? strlen(out->data) : 0;
    return out->data || abl_no_memory(r->err);
}

// --------------------------------------------------------------------------------- scores: "llama"

static bool is_byte(const struct gguf_string *s, unsigned byte)
{
    char text[8];
    snprintf(text, sizeof text, "<0x%02X>", byte);
    return strcmp(s->data, text) == 0;
}

static bool note_bytes(const struct reader *r)
{
    bool has[256] = { false }, all = true;
    for (size_t i = 0; i < r->tokens->n; i++)
        for (unsigned byte = 0; r->tokens->ss[i].len == 6 && byte < 256; byte++)
            has[byte] |= is_byte(&r->tokens->ss[i], byte);
    for (size_t byte = 0; byte < 256; byte++)
        all = all && has[byte];
    return all
           || owner_note(&r->d->notes, r->err,
                         "the file lacks tokens of bytes: characters without a token become the "
                         "unknown one, as with SentencePiece; llama.cpp fails at them");
}

// Where a file does not say: <s> is 1, </s> is 2, and <s> goes first.
static void default_ends(const struct reader *r)
{
    static const struct {
        enum special_role role;
        size_t id;
    } ends[] = { { ROLE_BOS, 1 }, { ROLE_EOS, 2 } };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct special_token *t = &r->s->roles[ends[i].role];
        if (t->given || ends[i].id >= r->tokens->n)
            continue;
        const struct gguf_string *text = &r->tokens->ss[ends[i].id];
        *t = (struct special_token){ .text = { text->data, text->len },
                                     .given = true,
                                     .flags = ADDED_SPECIAL };
    }
    if (r->s->add_bos_token == SETTING_ABSENT)
        r->s->add_bos_token = SETTING_TRUE;
}

static bool define_scored(struct reader *r)
{
    const struct gguf_value *scores;
    if (!get_list(r, "tokenizer.ggml.scores", GGUF_FLOAT, &scores))
        return false;
    if (!scores)
        return bad(r, "tokenizer.ggml.scores", "a list with one entry a token");
    struct scored_piece *pieces = calloc(r->tokens->n + 1, sizeof *pieces);
    bool ok = pieces || abl_no_memory(r->err);
    for (size_t i = 0; ok && i < r->tokens->n; i++) {
        ok = text_at(r, i, &pieces[i].text);
        pieces[i].own = pieces[i].text;
        pieces[i].score = scores->fs[i];
        pieces[i].type = ok ? type_of(r, i, pieces[i].text) : 0;
    }
    struct scored_settings s = { .byte_fallback = true, .order = ORDER_LLAMA_CPP };
    ok = ok && scores_define(r->d, pieces, r->tokens->n, &s, r->err) && note_bytes(r);
    free(pieces);
    default_ends(r);
    return ok;
}

// -------------------------------------------------------------------------- byte-level BPE: "gpt2"

static bool add_merges(const struct reader *r)
{
    const struct gguf_value *v = gguf_find(r->g, "tokenizer.ggml.merges");
    if (!v || v->kind != GGUF_ARRAY || v->item != GGUF_STRING || v->n > UINT32_MAX)
        return bad(r, "tokenizer.ggml.merges", "a list of pairs");
    for (size_t i = 0; i < v->n; i++) {
        struct json_text both = { .data = v->ss[i].data, .len = v->ss[i].len }, left = both,
                         right = both;
        const char *space = both.len > 1 ? memchr(both.data + 1, ' ', both.len - 1) : NULL;
        if (!space)
            return bad(r, "tokenizer.ggml.merges", "two tokens with a space between in each entry");
        left.len = (size_t)(space - both.data);
        right = (struct json_text){ .data = space + 1, .len = both.len - left.len - 1 };
        if (!definition_add_merge(r->d, left, right, (uint32_t)i, r->err))
            return false;
    }
    return true;
}

static bool add_token(const struct reader *r, size_t i)
{
    struct json_text text;
    if (!text_at(r, i, &text))
        return false;
    enum piece_type type = type_of(r, i, text);
    bool special = type == PIECE_CONTROL || type == PIECE_UNKNOWN;
    return definition_add_token(r->d, text, (uint32_t)i, r->err)
           && ((!special && type != PIECE_USER_DEFINED)
               || definition_add_added(r->d, text, (uint32_t)i, special ? ADDED_SPECIAL : 0,
                                       r->err));
}

// Where the file does not name it, llama.cpp takes token 11, which is Falcon's.
static bool need_bos(const struct reader *r)
{
    return r->s->add_bos_token != SETTING_TRUE || r->s->bos_family || r->s->roles[ROLE_BOS].given
           || bad(r, "tokenizer.ggml.bos_token_id",
                  "the token that goes before every text, or tokenizer.ggml.add_bos_token false");
}

static bool define_byte_level(struct reader *r)
{
    bool bos = false, ok = gguf_pre_steps(r->g, r->d, &bos, r->err);
    for (size_t i = 0; ok && i < r->tokens->n; i++)
        ok = add_token(r, i);
    if (r->s->add_bos_token == SETTING_ABSENT)
        r->s->add_bos_token = bos ? SETTING_TRUE : SETTING_FALSE;
    if (ok && r->s->add_prefix_space == SETTING_TRUE)
        ok = owner_note(&r->d->notes, r->err,
                        "'tokenizer.ggml.add_space_prefix' is passed over: llama.cpp puts no space "
                        "before a text of a byte-level tokenizer");
    return ok && need_bos(r) && add_merges(r);
}

static bool read_tokens(struct reader *r)
{
    const struct gguf_value *tokens = gguf_find(r->g, "tokenizer.ggml.tokens");
    if (!tokens || tokens->kind != GGUF_ARRAY || tokens->item != GGUF_STRING || !tokens->n
        || tokens->n > MAX_TOKEN_ID)
        return bad(r, "tokenizer.ggml.tokens", "a list of texts");
    r->tokens = tokens;
    if (!gguf_settings_read(r->g, tokens, r->d, r->s, r->err)
        || !get_list(r, "tokenizer.ggml.token_type", GGUF_INT, &r->types))
        return false;
    if (has_string(r->g, "tokenizer.ggml.model", "llama"))
        return define_scored(r);
    if (has_string(r->g, "tokenizer.ggml.model", "gpt2"))
        return define_byte_level(r);
    return bad(r, "tokenizer.ggml.model", "llama or gpt2; other kinds are not supported");
}

bool gguf_tokenizer_open(const struct gguf *g, const char *path, enum owner like,
                         struct tokenizer **out, struct abl_err *err)
{
    struct definition d = { .source = SOURCE_GGUF, .like = like };
    struct tokenizer_settings s = tokenizer_settings_none();
    struct reader r = { .g = g, .d = &d, .s = &s, .err = err };
    d.path = arena_strdup(&d.arena, path);
    bool ok = ((d.path && definition_name_file(&d, path)) || abl_no_memory(err)) && read_tokens(&r)
              && tokenizer_apply(&d, &s, err);
    tokenizer_settings_release(&s);
    if (!ok) {
        definition_release(&d);
        return false;
    }
    return tokenizer_from_definition(&d, out, err);
}
