#include "text/bos.h"

#include <string.h>

#include "text/tokenizer.h"

// Families that interpretability work reads with BOS though their tokenizers do not add it (DESIGN section 3).
static const char *const bos_families[] = { "gpt2", "gpt_neox" };

static const char end_of_text[] = "<|endoftext|>";

static bool read_model_type(struct json *j, void *to)
{
    struct bos_hints *h = to;
    struct json_text type;
    if (json_peek(j) != JSON_STRING)
        return json_skip(j);
    if (!json_string(j, &type))
        return false;
    h->always = false;
    for (size_t i = 0; i < sizeof bos_families / sizeof *bos_families; i++)
        h->always = h->always || json_key_is(type, bos_families[i]);
    return true;
}

static bool read_config_id(struct json *j, void *to)
{
    // Null, or a list in some families: no hint. What else is wrong with config.json is its own reader's business.
    if (json_peek(j) != JSON_NUMBER)
        return json_skip(j);
    double id;
    if (!json_double(j, &id))
        return false;
    if (id >= 0 && id <= MAX_TOKEN_ID)
        ((struct bos_hints *)to)->config_id = (uint32_t)id;
    return true;
}

static bool read_bos_token(struct json *j, void *to)
{
    struct bos_hints *h = to;
    struct added_entry e;
    if (!special_entry_read(j, &e))
        return false;
    if (!e.has_content || !e.content.len || h->bos_token)
        return true;
    h->bos_token = arena_strndup(&h->arena, e.content.data, e.content.len);
    return h->bos_token || abl_no_memory(j->err);
}

static bool read_add_bos(struct json *j, void *to)
{
    return json_peek(j) == JSON_NULL ? json_null(j)
                                     : json_bool(j, &((struct bos_hints *)to)->add_bos_token);
}

bool bos_hints_read(const char *folder, const struct definition *d, bool legacy,
                    struct bos_hints *out, struct abl_err *err)
{
    static const struct field config[] = {
        { "model_type", read_model_type },
        { "bos_token_id", read_config_id },
    };
    static const struct field tokenizer_config[] = {
        { "bos_token", read_bos_token },
        { "add_bos_token", read_add_bos },
    };
    *out = (struct bos_hints){ .first_special = d->first_special,
                               .config_id = TOKEN_NONE,
                               .always = legacy };
    bool ok = definition_read_fields(NULL, folder, "config.json", config, 2, out, err)
              && definition_read_fields(NULL, folder, "tokenizer_config.json", tokenizer_config, 2,
                                        out, err)
              && definition_read_fields(NULL, folder, "special_tokens_map.json", tokenizer_config,
                                        1, out, err);
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

bool bos_by_default(const struct bos_hints *h)
{
    return h->always || h->first_special || h->add_bos_token;
}
