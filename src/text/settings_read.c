#include "text/settings_read.h"

#include <stdlib.h>
#include <string.h>

#include "text/settings_tokens.h"
#include "text/token.h"

// Families that interpretability work reads with BOS though their tokenizers do not add it (DESIGN
// section 3).
static const char *const bos_families[] = { "gpt2", "gpt_neox" };

static bool read_setting(struct json *j, struct tokenizer_settings *s, void *to)
{
    (void)s;
    enum setting *out = to;
    bool on;
    if (json_took_null(j)) {
        *out = SETTING_NULL;
        return true;
    }
    if (!json_bool(j, &on))
        return false;
    *out = on ? SETTING_TRUE : SETTING_FALSE;
    return true;
}

static bool read_name(struct json *j, struct tokenizer_settings *s, void *to)
{
    const char **out = to;
    struct json_text text;
    if (!json_string_or_skip(j, &text))
        return false;
    if (text.data && !settings_keep_text(j, s, &text))
        return false;
    *out = text.data;
    return true;
}

// ------------------------------------------------------------------- keys of tokenizer_config.json

// clang-format off
#define AT(member) offsetof(struct tokenizer_settings, member)
#define SETTING(name) { #name, read_setting, AT(name), KEY_READ }
#define REFUSED(name) { #name, read_setting, AT(name), KEY_REFUSED }
#define READ(name, read, member) { name, read, AT(member), KEY_READ }
#define ROLE(name, role) { name, settings_read_special, AT(roles[role]), KEY_READ }
#define OTHER(name) { name, NULL, 0, KEY_READ }
#define INERT(name) { name, NULL, 0, KEY_INERT }
// clang-format on

struct config_key {
    const char *name;
    // NULL: passed over
    bool (*read)(struct json *j, struct tokenizer_settings *s, void *to);
    size_t at; // where `to` is
    enum key_use use;
};

// Every key that a tokenizer class of the supported families takes, in either owner; a test holds
// it to the classes (tests/fixtures/tokenizer-keys.json). Files that the owner resolves itself,
// and what concerns decoding, truncation, padding and templates, cannot change the ids of a text.
static const struct config_key config_keys[] = {
    SETTING(add_prefix_space),
    SETTING(legacy),
    SETTING(split_special_tokens),
    SETTING(add_bos_token),
    REFUSED(add_eos_token),
    SETTING(from_slow),
    REFUSED(fix_mistral_regex),
    READ("tokenizer_class", read_name, class_name),
    READ("added_tokens_decoder", settings_read_decoder, decoder),
    READ("additional_special_tokens", settings_read_special_list, additional),
    READ("extra_special_tokens", settings_read_extra, extra),
    READ("model_specific_special_tokens", settings_read_special_names, stated),
    ROLE("bos_token", ROLE_BOS),
    ROLE("eos_token", ROLE_EOS),
    ROLE("unk_token", ROLE_UNK),
    ROLE("sep_token", ROLE_SEP),
    ROLE("pad_token", ROLE_PAD),
    ROLE("cls_token", ROLE_CLS),
    ROLE("mask_token", ROLE_MASK),
    // further special tokens, as every key that ends so
    OTHER("eot_token"),
    OTHER("fill_token"),
    OTHER("middle_token"),
    OTHER("prefix_token"),
    OTHER("suffix_token"),
    INERT("auto_map"),
    INERT("backend"),
    INERT("chat_control_tokens"),
    INERT("chat_template"),
    INERT("clean_up_tokenization_spaces"),
    INERT("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"),
    INERT("device_map"),
    INERT("do_lower_case"),
    INERT("errors"),
    INERT("files_loaded"),
    INERT("gguf_file"),
    INERT("init_inputs"),
    INERT("is_local"),
    INERT("local_files_only"),
    INERT("max_len"),
    INERT("max_length"),
    INERT("merges"),
    INERT("merges_file"),
    INERT("model_input_names"),
    INERT("model_max_length"),
    INERT("name_or_path"),
    INERT("pad_to_multiple_of"),
    INERT("pad_token_type_id"),
    INERT("padding_side"),
    INERT("post_processor"),
    INERT("processor_class"),
    INERT("response_schema"),
    INERT("response_template"),
    INERT("sp_model_kwargs"),
    INERT("spaces_between_special_tokens"),
    INERT("special_tokens_map_file"),
    INERT("special_tokens_pattern"),
    INERT("stride"),
    INERT("suffix_first"),
    INERT("token_type_ids_include_special_tokens"),
    INERT("token_type_ids_pattern"),
    INERT("tokenizer"),
    INERT("tokenizer_file"),
    INERT("tokenizer_object"),
    INERT("tokenizer_padding"),
    INERT("tokenizer_truncation"),
    INERT("trim_offsets"),
    INERT("truncation_side"),
    INERT("truncation_strategy"),
    INERT("unk_id"),
    INERT("use_default_system_prompt"),
    INERT("use_fast"),
    INERT("verbose"),
    INERT("vocab"),
    INERT("vocab_file"),
};

static const struct config_key *find_key(const struct config_key *keys, size_t n,
                                         struct json_text name)
{
    for (size_t i = 0; i < n; i++)
        if (json_key_is(name, keys[i].name))
            return &keys[i];
    return NULL;
}

enum { N_CONFIG_KEYS = sizeof config_keys / sizeof *config_keys };

enum key_use tokenizer_key_use(const char *key)
{
    const struct config_key *k
        = find_key(config_keys, N_CONFIG_KEYS, (struct json_text){ key, strlen(key) });
    return k ? k->use : KEY_UNKNOWN;
}

static bool ends_in_token(struct json_text key)
{
    static const char end[] = "_token";
    size_t len = sizeof end - 1;
    return key.len > len && memcmp(key.data + key.len - len, end, len) == 0;
}

// `others`: further keys may name tokens.
static bool read_keys(struct tokenizer_settings *s, struct json *j, const struct config_key *keys,
                      size_t n, bool others)
{
    struct json_text key;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        const struct config_key *k = find_key(keys, n, key);
        bool ok = k && k->read                   ? k->read(j, s, (char *)s + k->at)
                  : others && ends_in_token(key) ? settings_read_other(j, s, key)
                                                 : json_skip(j);
        if (!ok)
            return false;
    }
    return json_end(j);
}

static bool read_config_keys(struct json *j, struct tokenizer_settings *s)
{
    bool ok = read_keys(s, j, config_keys, N_CONFIG_KEYS, true);
    for (size_t i = 0; i < N_ROLES; i++)
        s->roles[i].of_config = s->roles[i].flagged;
    return ok;
}

// What special_tokens_map.json says takes the place of what tokenizer_config.json does; lists grow.
static bool read_map(struct json *j, struct tokenizer_settings *s)
{
    static const struct config_key keys[] = {
        ROLE("bos_token", ROLE_BOS),
        ROLE("eos_token", ROLE_EOS),
        ROLE("unk_token", ROLE_UNK),
        ROLE("sep_token", ROLE_SEP),
        ROLE("pad_token", ROLE_PAD),
        ROLE("cls_token", ROLE_CLS),
        ROLE("mask_token", ROLE_MASK),
        READ("additional_special_tokens", settings_read_special_list, map_additional),
        READ("extra_special_tokens", settings_read_extra, extra),
    };
    return read_keys(s, j, keys, sizeof keys / sizeof *keys, false);
}

// ------------------------------------------------------------------------------------------- files

// config.json's own reader says what else is wrong with it.
static bool read_id(struct json *j, struct tokenizer_settings *s, void *to)
{
    (void)s;
    if (json_peek(j) != JSON_NUMBER)
        return json_skip(j);
    double id;
    if (!json_double(j, &id))
        return false;
    if (id >= 0 && id <= MAX_TOKEN_ID)
        *(uint32_t *)to = (uint32_t)id;
    return true;
}

static bool read_model_config(struct json *j, struct tokenizer_settings *s)
{
    static const struct config_key keys[] = {
        READ("model_type", read_name, model_type),
        READ("tokenizer_class", read_name, model_class),
        READ("bos_token_id", read_id, config_bos),
        READ("eos_token_id", read_id, config_eos),
    };
    return read_keys(s, j, keys, sizeof keys / sizeof *keys, false);
}

// One small file of the folder, if it is there.
static bool read_file(const char *folder, const char *name, struct definition *d,
                      bool (*read)(struct json *j, struct tokenizer_settings *s),
                      struct tokenizer_settings *s, struct abl_err *err)
{
    char *path = file_join(folder, name);
    struct file_bytes bytes = { 0 };
    struct json j = { 0 };
    bool ok = path != NULL || abl_no_memory(err);
    if (ok && file_exists(path)) {
        s->read_any = true;
        ok = definition_read_file(d, path, &bytes, err)
             && json_open(&j, path, bytes.data, bytes.size, ABL_BAD_MODEL, err) && read(&j, s);
        json_close(&j);
        file_bytes_release(&bytes);
    }
    free(path);
    return ok;
}

bool tokenizer_settings_read(const char *folder, struct definition *d,
                             struct tokenizer_settings *out, struct abl_err *err)
{
    struct tokenizer_settings s = tokenizer_settings_none();
    // The decoder, where there is one, repeats what the older two files say.
    bool ok = read_file(folder, "config.json", d, read_model_config, &s, err)
              && read_file(folder, "tokenizer_config.json", d, read_config_keys, &s, err)
              && (s.decoder.given
                  || (read_file(folder, "added_tokens.json", d, settings_read_plain, &s, err)
                      && read_file(folder, "special_tokens_map.json", d, read_map, &s, err)));
    if (!s.model_type)
        s.bos_family = d->source == SOURCE_VOCAB;
    for (size_t i = 0; i < sizeof bos_families / sizeof *bos_families; i++)
        s.bos_family = s.bos_family || (s.model_type && strcmp(s.model_type, bos_families[i]) == 0);
    if (!ok)
        tokenizer_settings_release(&s);
    *out = s;
    return ok;
}
