#include "model/gguf_settings.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct key {
    const char *name; // behind "tokenizer."
    enum key_use use;
    enum gguf_kind kind; // of KEY_READ and KEY_REFUSED: what the format has
    size_t at;           // in the settings; 0: the vocabulary's reader takes it
};

#define AT(member) offsetof(struct tokenizer_settings, member)

// clang-format off
#define LIST(name) { "ggml." name, KEY_READ, GGUF_ARRAY, 0 }
#define TEXT(name) { "ggml." name, KEY_READ, GGUF_STRING, 0 }
#define SWITCH(name, member) { "ggml." name, KEY_READ, GGUF_BOOL, AT(member) }
#define TOKEN(name, role) { "ggml." name, KEY_READ, GGUF_UINT, AT(roles[role]) }
#define REFUSED(name, kind) { "ggml." name, KEY_REFUSED, kind, 0 }
#define INERT(name) { name, KEY_INERT, GGUF_UINT, 0 }
// clang-format on

// Every key of the format and of llama.cpp; a test holds it to those of the gguf package
// (tests/fixtures/gguf-tokenizer.json). Which tokens end a text, fill in or pad concerns nobody who
// only encodes; nor does what chat templates make of a talk.
static const struct key keys[] = {
    TEXT("model"),
    TEXT("pre"),
    LIST("tokens"),
    LIST("token_type"),
    LIST("scores"),
    LIST("merges"),
    TOKEN("bos_token_id", ROLE_BOS),
    TOKEN("eos_token_id", ROLE_EOS),
    TOKEN("padding_token_id", ROLE_PAD),
    SWITCH("add_bos_token", add_bos_token),
    SWITCH("add_eos_token", add_eos_token),
    SWITCH("add_space_prefix", add_prefix_space),
    REFUSED("remove_extra_whitespaces", GGUF_BOOL),
    REFUSED("precompiled_charsmap", GGUF_ARRAY),
    REFUSED("normalizer.lowercase", GGUF_BOOL),
    REFUSED("normalizer.strip_accents", GGUF_BOOL),
    // what has no token is spelt in bytes
    INERT("ggml.unknown_token_id"),
    // one text alone gets no separator
    INERT("ggml.add_sep_token"),
    INERT("ggml.seperator_token_id"),
    INERT("ggml.cls_token_id"),
    INERT("ggml.mask_token_id"),
    INERT("ggml.eot_token_id"),
    INERT("ggml.eom_token_id"),
    INERT("ggml.fim_pre_token_id"),
    INERT("ggml.fim_suf_token_id"),
    INERT("ggml.fim_mid_token_id"),
    INERT("ggml.fim_pad_token_id"),
    INERT("ggml.fim_rep_token_id"),
    INERT("ggml.fim_sep_token_id"),
    INERT("ggml.prefix_token_id"),
    INERT("ggml.suffix_token_id"),
    INERT("ggml.middle_token_id"),
    INERT("ggml.suppress_tokens"),
    INERT("ggml.token_type_count"),
    // other tokenizers' own, in whole
    INERT("huggingface.json"),
    INERT("rwkv.world"),
    INERT("chat_template"),
    INERT("chat_templates"),
};

struct reader {
    const struct gguf_value *tokens;
    struct definition *d;
    struct tokenizer_settings *s;
    struct abl_err *err;
};

static const char prefix[] = "tokenizer.";
static const char named_template[] = "chat_template.";

static const struct key *find_key(const char *name)
{
    size_t len = sizeof prefix - 1;
    if (strncmp(name, prefix, len) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(name + len, keys[i].name) == 0)
            return &keys[i];
    return NULL;
}

static bool is_template(const char *name)
{
    return strncmp(name + sizeof prefix - 1, named_template, sizeof named_template - 1) == 0;
}

enum key_use gguf_settings_key_use(const char *key)
{
    const struct key *k = find_key(key);
    if (!k && strncmp(key, prefix, sizeof prefix - 1) == 0 && is_template(key))
        return KEY_INERT;
    return k ? k->use : KEY_UNKNOWN;
}

static bool expect_kind(const struct reader *r, const struct gguf_value *v, enum gguf_kind kind)
{
    static const char *const names[] = {
        [GGUF_UINT] = "a whole number", [GGUF_INT] = "a whole number with a sign",
        [GGUF_FLOAT] = "a number",      [GGUF_BOOL] = "true or false",
        [GGUF_STRING] = "a text",       [GGUF_ARRAY] = "a list",
    };
    return v->kind == kind
           || abl_fail(r->err, ABL_BAD_MODEL, "'%s' of '%s' is %s: expected %s", v->key.data,
                       r->d->path, names[v->kind], names[kind]);
}

static bool read_token(const struct reader *r, const struct gguf_value *v, struct special_token *to)
{
    if (v->u >= r->tokens->n)
        return owner_note(&r->d->notes, r->err,
                          "'%s' is %" PRIu64 ", and there are %zu tokens: it is passed over, as "
                          "llama.cpp does",
                          v->key.data, v->u, r->tokens->n);
    uint32_t *id = to == &r->s->roles[ROLE_BOS]   ? &r->s->config_bos
                   : to == &r->s->roles[ROLE_EOS] ? &r->s->config_eos
                                                  : NULL;
    const struct gguf_string *text = &r->tokens->ss[v->u];
    *to = (struct special_token){ .given = true, .flags = ADDED_SPECIAL };
    to->text = (struct json_text){ .data = arena_strndup(&r->s->arena, text->data, text->len),
                                   .len = text->len };
    if (id)
        *id = (uint32_t)v->u;
    return to->text.data || abl_no_memory(r->err);
}

// Harmless where it asks for nothing.
static bool refuse(const struct reader *r, const struct gguf_value *v)
{
    if (v->kind == GGUF_BOOL ? !v->b : !v->n)
        return true;
    return abl_fail(r->err, ABL_BAD_MODEL, "'%s'%s of '%s' is not supported: expected %s",
                    v->key.data, v->kind == GGUF_BOOL ? " true" : "", r->d->path,
                    v->kind == GGUF_BOOL ? "false" : "none");
}

// For the hash: what a value says, whatever its place in the file.
static void keep_bytes(const struct reader *r, const struct gguf_value *v)
{
    struct buf *out = &r->d->read;
    buf_add(out, v->key.data, v->key.len + 1);
    if (v->kind == GGUF_STRING)
        buf_add(out, v->s.data, v->s.len + 1);
    else if (v->kind == GGUF_BOOL)
        buf_char(out, (char)v->b);
    else if (v->kind != GGUF_ARRAY)
        buf_add(out, &v->u, sizeof v->u);
    for (size_t i = 0; v->kind == GGUF_ARRAY && i < v->n; i++)
        if (v->item == GGUF_STRING)
            buf_add(out, v->ss[i].data, v->ss[i].len + 1);
        else if (v->item == GGUF_BOOL)
            buf_char(out, (char)v->bs[i]);
        else
            buf_add(out, &v->us[i], sizeof v->us[i]);
}

static bool read_key(const struct reader *r, const struct gguf_value *v)
{
    const struct key *k = find_key(v->key.data);
    if (!k && is_template(v->key.data))
        return true;
    if (!k)
        return owner_note(&r->d->notes, r->err, "key '%s' is not known and passed over",
                          v->key.data);
    if (k->use == KEY_INERT)
        return true;
    if (!expect_kind(r, v, k->kind))
        return false;
    if (k->use == KEY_REFUSED)
        return refuse(r, v);
    keep_bytes(r, v);
    if (!k->at)
        return true;
    if (k->kind == GGUF_UINT)
        return read_token(r, v, (struct special_token *)((char *)r->s + k->at));
    *(enum setting *)((char *)r->s + k->at) = v->b ? SETTING_TRUE : SETTING_FALSE;
    return true;
}

bool gguf_settings_read(const struct gguf *g, const struct gguf_value *tokens, struct definition *d,
                        struct tokenizer_settings *out, struct abl_err *err)
{
    *out = tokenizer_settings_none();
    struct reader r = { .tokens = tokens, .d = d, .s = out, .err = err };
    for (size_t i = 0; i < g->n_values; i++)
        if (strncmp(g->values[i].key.data, prefix, sizeof prefix - 1) == 0
            && !read_key(&r, &g->values[i]))
            return false;
    const struct gguf_value *arch = gguf_find(g, "general.architecture");
    if (arch && arch->kind == GGUF_STRING) {
        keep_bytes(&r, arch);
        out->bos_family = strcmp(arch->s.data, "gpt2") == 0 || strcmp(arch->s.data, "gptneox") == 0;
    }
    return !d->read.failed || abl_no_memory(err);
}
