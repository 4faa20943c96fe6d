#include "text/bos.h"

#include <string.h>

#include "text/token.h"

// Families that interpretability work reads with BOS though their tokenizers do not add it (DESIGN
// section 3).
static const char *const bos_families[] = { "gpt2", "gpt_neox" };

static const char end_of_text[] = "<|endoftext|>";

static bool read_model_type(struct json *j, void *to)
{
    struct bos_hints *h = to;
    struct json_text type;
    if (!json_string_or_skip(j, &type))
        return false;
    if (!type.data)
        return true;
    h->always = false;
    for (size_t i = 0; i < sizeof bos_families / sizeof *bos_families; i++)
        h->always = h->always || json_key_is(type, bos_families[i]);
    return true;
}

static bool read_id(struct json *j, uint32_t *to)
{
    // Null, or a list in some families: no hint. What else is wrong with config.json is its own
    // reader's business.
    if (json_peek(j) != JSON_NUMBER)
        return json_skip(j);
    double id;
    if (!json_double(j, &id))
        return false;
    if (id >= 0 && id <= MAX_TOKEN_ID)
        *to = (uint32_t)id;
    return true;
}

static bool read_config_id(struct json *j, void *to)
{
    return read_id(j, &((struct bos_hints *)to)->config_id);
}

static bool read_config_eos(struct json *j, void *to)
{
    return read_id(j, &((struct bos_hints *)to)->config_eos);
}

// The text of a special token, unless another file has told it.
static bool read_token(struct json *j, struct bos_hints *h, const char **to)
{
    struct added_entry e;
    if (!special_entry_read(j, &e))
        return false;
    if (!e.has_content || !e.content.len || *to)
        return true;
    *to = arena_strndup(&h->arena, e.content.data, e.content.len);
    return *to || abl_no_memory(j->err);
}

static bool read_bos_token(struct json *j, void *to)
{
    struct bos_hints *h = to;
    return read_token(j, h, &h->bos_token);
}

static bool read_eos_token(struct json *j, void *to)
{
    struct bos_hints *h = to;
    return read_token(j, h, &h->eos_token);
}

static bool read_pad_token(struct json *j, void *to)
{
    struct bos_hints *h = to;
    return read_token(j, h, &h->pad_token);
}

// What tokenizer_config.json says of BOS.
struct config_hints {
    struct bos_hints *h;
    bool has_add_bos, is_llama;
};

static bool read_config_bos(struct json *j, void *to)
{
    return read_bos_token(j, ((struct config_hints *)to)->h);
}

static bool read_config_eos_token(struct json *j, void *to)
{
    return read_eos_token(j, ((struct config_hints *)to)->h);
}

static bool read_config_pad_token(struct json *j, void *to)
{
    return read_pad_token(j, ((struct config_hints *)to)->h);
}

static bool read_add_bos(struct json *j, void *to)
{
    struct config_hints *c = to;
    if (json_took_null(j))
        return true;
    c->has_add_bos = true;
    return json_bool(j, &c->h->add_bos_token);
}

static bool read_class(struct json *j, void *to)
{
    struct json_text name;
    if (!json_string_or_skip(j, &name))
        return false;
    if (name.data)
        ((struct config_hints *)to)->is_llama = strncmp(name.data, "LlamaTokenizer", 14) == 0;
    return true;
}

bool bos_hints_read(const char *folder, struct definition *d, bool legacy, struct bos_hints *out,
                    struct abl_err *err)
{
    static const struct field config[] = {
        FIELD("model_type", read_model_type),
        FIELD("bos_token_id", read_config_id),
        FIELD("eos_token_id", read_config_eos),
    };
    static const struct field tokenizer_config[] = {
        FIELD("bos_token", read_config_bos),       FIELD("eos_token", read_config_eos_token),
        FIELD("pad_token", read_config_pad_token), FIELD("add_bos_token", read_add_bos),
        FIELD("tokenizer_class", read_class),
    };
    static const struct field special_tokens[]
        = { FIELD("bos_token", read_bos_token), FIELD("eos_token", read_eos_token),
            FIELD("pad_token", read_pad_token) };
    struct config_hints c = { .h = out };
    *out = (struct bos_hints){ .first_special = d->first_special,
                               .config_id = TOKEN_NONE,
                               .config_eos = TOKEN_NONE,
                               .always = legacy };
    bool ok = definition_read_fields(NULL, folder, "config.json", config, 3, out, err)
              && definition_read_fields(NULL, folder, "tokenizer_config.json", tokenizer_config, 5,
                                        &c, err)
              && definition_read_fields(NULL, folder, "special_tokens_map.json", special_tokens, 3,
                                        out, err);
    out->denies = c.has_add_bos && !out->add_bos_token && c.is_llama;
    if (!ok)
        bos_hints_release(out);
    return ok;
}

void bos_hints_release(struct bos_hints *h)
{
    arena_release(&h->arena);
    *h = (struct bos_hints){ 0 };
}

void bos_candidates(const struct bos_hints *h, const char *out[4])
{
    size_t n = 0;
    if (h->first_special)
        out[n++] = h->first_special;
    if (h->bos_token)
        out[n++] = h->bos_token;
    if (h->always)
        out[n++] = end_of_text;
    out[n] = NULL;
}

void pad_candidates(const struct bos_hints *h, const char *out[4])
{
    size_t n = 0;
    if (h->pad_token)
        out[n++] = h->pad_token;
    if (h->eos_token)
        out[n++] = h->eos_token;
    if (h->always && h->config_eos == TOKEN_NONE)
        out[n++] = end_of_text;
    out[n] = NULL;
}

bool bos_by_default(const struct bos_hints *h)
{
    return h->always || (!h->denies && (h->first_special || h->add_bos_token));
}
