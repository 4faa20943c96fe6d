#include "model/gguf_tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "text/definition.h"
#include "text/pattern.h"
#include "text/scores.h"
#include "text/token.h"

struct reader {
    const struct gguf *g;
    const char *path;
    struct definition *d;
    struct abl_err *err;
};

static const char end_of_text[] = "<|endoftext|>";

static bool bad(const struct reader *r, const char *key, const char *expected)
{
    return abl_fail(r->err, ABL_BAD_MODEL, "bad or missing '%s' in '%s': expected %s", key, r->path,
                    expected);
}

static bool flag(const struct reader *r, const char *key, bool absent)
{
    const struct gguf_value *v = gguf_find(r->g, key);
    return v && v->kind == GGUF_BOOL ? v->b : absent;
}

static bool has_string(const struct gguf *g, const char *key, const char *text)
{
    const struct gguf_value *v = gguf_find(g, key);
    return v && v->kind == GGUF_STRING && strcmp(v->s.data, text) == 0;
}

// An array with one item a token; NULL when it is not there.
static bool get_list(const struct reader *r, const char *key, enum gguf_kind item, size_t n,
                     const struct gguf_value **out)
{
    const struct gguf_value *v = gguf_find(r->g, key);
    *out = v;
    return !v || (v->kind == GGUF_ARRAY && v->item == item && v->n == n)
           || bad(r, key, "a list with one entry a token");
}

static enum piece_type type_of(const struct gguf_value *types, size_t i)
{
    if (!types)
        return PIECE_NORMAL;
    return types->is[i] >= PIECE_NORMAL && types->is[i] <= PIECE_BYTE
               ? (enum piece_type)types->is[i]
               : 0;
}

static struct json_text text_at(const struct gguf_value *v, size_t i)
{
    return (struct json_text){ .data = v->ss[i].data, .len = v->ss[i].len };
}

// --------------------------------------------------------------------------------- scores: "llama"

static bool define_scored(struct reader *r, const struct gguf_value *tokens,
                          const struct gguf_value *types)
{
    const struct gguf_value *scores;
    if (!get_list(r, "tokenizer.ggml.scores", GGUF_FLOAT, tokens->n, &scores))
        return false;
    if (!scores)
        return bad(r, "tokenizer.ggml.scores", "a list with one entry a token");
    struct scored_piece *pieces = calloc(tokens->n + 1, sizeof *pieces);
    if (!pieces)
        return abl_no_memory(r->err);
    for (size_t i = 0; i < tokens->n; i++)
        pieces[i] = (struct scored_piece){ text_at(tokens, i), scores->fs[i], type_of(types, i) };
    struct scored_settings s
        = { .add_prefix = flag(r, "tokenizer.ggml.add_space_prefix", true), .byte_fallback = true };
    bool ok = scores_define(r->d, pieces, tokens->n, &s, r->err);
    free(pieces);
    r->d->ends.puts_bos = flag(r, "tokenizer.ggml.add_bos_token", true);
    if (r->d->ends.bos_id == TOKEN_NONE)
        r->d->ends.bos_id = 1;
    return ok;
}

// -------------------------------------------------------------------------- byte-level BPE: "gpt2"

// How a text is cut, by the name that the file gives.
static const struct pre {
    const char *name;
    const char *(*pattern)(void); // NULL: GPT-2's, by the byte-level step itself
    bool digits;                  // each digit is cut off first
    bool nfc, bos;
} pres[] = {
    { "gpt-2", NULL, false, false, false },
    { "mpt", NULL, false, false, false },
    { "olmo", NULL, false, false, false },
    { "jais", NULL, false, false, false },
    { "phi-2", NULL, false, false, false },
    { "smollm", NULL, true, false, false },
    { "starcoder", NULL, true, false, false },
    { "refact", NULL, true, false, false },
    { "command-r", NULL, true, false, false },
    { "codeshell", NULL, true, false, false },
    { "llama-bpe", pattern_llama3, false, false, true },
    { "llama3", pattern_llama3, false, false, true },
    { "llama-v3", pattern_llama3, false, false, true },
    { "qwen2", pattern_qwen2, false, true, false },
    { "deepseek-r1-qwen", pattern_qwen2, false, true, false },
    { "stablelm2", pattern_qwen2, false, false, false },
};

enum { N_PRES = sizeof pres / sizeof *pres };

// How llama.cpp cuts a text where a file does not say: each pattern cuts what the one before left,
// matches and what lies between them.
static const char *const unsaid[] = {
    "[\\p{P}\\$\\+<=>\\^~\\|]+",
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
    "\\p{N}+",
    "[0-9][0-9][0-9]",
};

static const struct pre pre_unsaid = { "default", NULL, false, false, false };

// Files of before May 2024 do not say; such a cut is most likely not the model's own.
static bool say_unsaid(const struct reader *r, bool is_there)
{
    return owner_note(
        &r->d->notes, r->err,
        "%s 'tokenizer.ggml.pre': texts are cut as llama.cpp cuts them then, which is "
        "not how most models were trained; convert the model anew, or set the key "
        "(llama-bpe for Llama 3)",
        is_there ? "the file has only 'default' as its" : "the file has no");
}

static const struct pre *find_pre(const struct reader *r)
{
    const struct gguf_value *v = gguf_find(r->g, "tokenizer.ggml.pre");
    size_t i = 0;
    if (!v || has_string(r->g, "tokenizer.ggml.pre", "default"))
        return say_unsaid(r, v) ? &pre_unsaid : NULL;
    while (i < N_PRES && !has_string(r->g, "tokenizer.ggml.pre", pres[i].name))
        i++;
    if (i < N_PRES)
        return &pres[i];
    bad(r, "tokenizer.ggml.pre",
        "gpt-2, olmo, smollm, starcoder, llama-bpe, qwen2 or another known way to cut a text");
    return NULL;
}

static bool add_split(const struct reader *r, const char *pattern)
{
    struct json_text text = { .data = pattern, .len = strlen(pattern) };
    return definition_add_cut(r->d, (struct definition_cut){ .kind = CUT_SPLIT, .pattern = text },
                              r->err);
}

static bool add_steps(const struct reader *r, const struct pre *p)
{
    // NeoX's tokenizer normalises, which the format does not say.
    bool nfc = p->nfc || has_string(r->g, "general.architecture", "gptneox");
    if (nfc
        && !definition_add_normal(r->d, (struct definition_normal){ .kind = NORMAL_NFC }, r->err))
        return false;
    bool cut_already = p->pattern || p == &pre_unsaid;
    for (size_t i = 0; p == &pre_unsaid && i < sizeof unsaid / sizeof *unsaid; i++)
        if (!add_split(r, unsaid[i]))
            return false;
    if ((p->digits && !add_split(r, "\\p{N}")) || (p->pattern && !add_split(r, p->pattern())))
        return false;
    struct definition_cut bytes
        = { .kind = CUT_BYTE_LEVEL,
            .add_prefix_space = flag(r, "tokenizer.ggml.add_space_prefix", false),
            .cuts = !cut_already };
    return definition_add_cut(r->d, bytes, r->err);
}

static bool add_merges(const struct reader *r)
{
    const struct gguf_value *v = gguf_find(r->g, "tokenizer.ggml.merges");
    if (!v || v->kind != GGUF_ARRAY || v->item != GGUF_STRING || v->n > UINT32_MAX)
        return bad(r, "tokenizer.ggml.merges", "a list of pairs");
    for (size_t i = 0; i < v->n; i++) {
        struct json_text both = text_at(v, i), left = both, right = both;
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

static bool define_byte_level(struct reader *r, const struct gguf_value *tokens,
                              const struct gguf_value *types)
{
    const struct pre *pre = find_pre(r);
    if (!pre || !add_steps(r, pre))
        return false;
    r->d->byte_level = true;
    r->d->ignore_merges = pre->pattern == pattern_llama3;
    for (size_t i = 0; i < tokens->n; i++) {
        struct json_text text = text_at(tokens, i);
        enum piece_type type = type_of(types, i);
        bool special = type == PIECE_CONTROL || type == PIECE_UNKNOWN;
        if (!definition_add_token(r->d, text, (uint32_t)i, r->err)
            || (text.len && (special || type == PIECE_USER_DEFINED)
                && !definition_add_added(r->d, text, (uint32_t)i, special ? ADDED_SPECIAL : 0,
                                         r->err)))
            return false;
    }
    struct definition_ends *e = &r->d->ends;
    bool always = has_string(r->g, "general.architecture", "gpt2")
                  || has_string(r->g, "general.architecture", "gptneox");
    e->puts_bos = always || flag(r, "tokenizer.ggml.add_bos_token", pre->bos);
    e->bos[0] = always ? end_of_text : NULL;
    e->pad[0] = always && e->pad_id == TOKEN_NONE ? end_of_text : NULL;
    return add_merges(r);
}

// What decides ids, for the hash.
static void keep_bytes(const struct reader *r)
{
    static const char *const keys[]
        = { "tokenizer.ggml.model",  "tokenizer.ggml.pre",    "tokenizer.ggml.tokens",
            "tokenizer.ggml.merges", "tokenizer.ggml.scores", "tokenizer.ggml.token_type" };
    struct buf *out = &r->d->read;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const struct gguf_value *v = gguf_find(r->g, keys[k]);
        buf_str(out, keys[k]);
        if (v && v->kind == GGUF_STRING)
            buf_add(out, v->s.data, v->s.len + 1);
        for (size_t i = 0; v && v->kind == GGUF_ARRAY && i < v->n; i++)
            if (v->item == GGUF_STRING)
                buf_add(out, v->ss[i].data, v->ss[i].len + 1);
            else if (v->item == GGUF_INT || v->item == GGUF_FLOAT)
                buf_add(out, &v->us[i], sizeof v->us[i]);
    }
}

static bool read_tokens(struct reader *r)
{
    const struct gguf_value *tokens = gguf_find(r->g, "tokenizer.ggml.tokens"), *types;
    const struct gguf_value *bos = gguf_find(r->g, "tokenizer.ggml.bos_token_id");
    if (!tokens || tokens->kind != GGUF_ARRAY || tokens->item != GGUF_STRING || !tokens->n
        || tokens->n > MAX_TOKEN_ID)
        return bad(r, "tokenizer.ggml.tokens", "a list of texts");
    if (!get_list(r, "tokenizer.ggml.token_type", GGUF_INT, tokens->n, &types))
        return false;
    if (bos && bos->kind == GGUF_UINT && bos->u < tokens->n)
        r->d->ends.bos_id = (uint32_t)bos->u;
    const struct gguf_value *eos = gguf_find(r->g, "tokenizer.ggml.eos_token_id");
    if (eos && eos->kind == GGUF_UINT && eos->u < tokens->n)
        r->d->ends.pad_id = (uint32_t)eos->u;
    keep_bytes(r);
    if (has_string(r->g, "tokenizer.ggml.model", "llama"))
        return define_scored(r, tokens, types);
    if (has_string(r->g, "tokenizer.ggml.model", "gpt2"))
        return define_byte_level(r, tokens, types);
    return bad(r, "tokenizer.ggml.model", "llama or gpt2; other kinds are not supported");
}

bool gguf_tokenizer_open(const struct gguf *g, const char *path, enum owner like,
                         struct tokenizer **out, struct abl_err *err)
{
    struct definition d
        = { .source = SOURCE_GGUF,
            .like = like,
            .ends = { .bos_exact = TOKEN_NONE, .bos_id = TOKEN_NONE, .pad_id = TOKEN_NONE } };
    struct reader r = { .g = g, .path = path, .d = &d, .err = err };
    d.path = arena_strdup(&d.arena, path);
    bool ok = ((d.path && definition_name_file(&d, path)) || abl_no_memory(err)) && read_tokens(&r);
    if (ok && d.read.failed)
        ok = abl_no_memory(err);
    if (!ok) {
        definition_release(&d);
        return false;
    }
    return tokenizer_from_definition(&d, out, err);
}
