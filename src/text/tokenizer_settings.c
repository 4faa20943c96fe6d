#include "text/tokenizer_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "text/token.h"

// Families that interpretability work reads with BOS though their tokenizers do not add it (DESIGN
// section 3).
static const char *const bos_families[] = { "gpt2", "gpt_neox" };

static bool keep_text(struct json *j, struct tokenizer_settings *s, struct json_text *text)
{
    text->data = arena_strndup(&s->arena, text->data ? text->data : "", text->len);
    return text->data || abl_no_memory(j->err);
}

static bool read_setting(struct json *j, void *to)
{
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

static bool read_name(struct json *j, struct tokenizer_settings *s, const char **to)
{
    struct json_text text;
    if (!json_string_or_skip(j, &text))
        return false;
    if (text.data && !keep_text(j, s, &text))
        return false;
    *to = text.data;
    return true;
}

// ---------------------------------------------------------------------------------- special tokens

static bool read_special(struct json *j, struct tokenizer_settings *s, struct special_token *out)
{
    struct added_entry e;
    bool flagged = json_peek(j) == JSON_OBJECT;
    if (!special_entry_read(j, &e))
        return false;
    *out = (struct special_token){
        .given = true, .flagged = flagged, .flags = e.flags, .own_flags = e.own_flags
    };
    if (!e.has_content)
        return true;
    out->text = e.content;
    return keep_text(j, s, &out->text);
}

static bool push_special(struct json *j, struct special_list *list, struct special_token t)
{
    struct special_token *items = array_room(list->items, list->n, &list->cap, sizeof *items);
    if (!items)
        return abl_no_memory(j->err);
    list->items = items;
    list->items[list->n++] = t;
    return true;
}

// A list of special tokens; null is none.
static bool read_special_list(struct json *j, struct tokenizer_settings *s,
                              struct special_list *list)
{
    if (json_took_null(j))
        return true;
    if (!json_array(j))
        return false;
    list->given = true;
    while (json_next_item(j)) {
        struct special_token t;
        if (!read_special(j, s, &t))
            return false;
        if (t.text.len && !push_special(j, list, t))
            return false;
    }
    return !j->failed;
}

// {"image_token": "<img>", …}
static bool read_special_names(struct json *j, struct tokenizer_settings *s,
                               struct special_list *list)
{
    struct json_text key;
    if (json_took_null(j))
        return true;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        struct special_token t;
        if (!read_special(j, s, &t))
            return false;
        if (t.text.len && !push_special(j, list, t))
            return false;
    }
    return !j->failed;
}

static bool read_role(struct json *j, void *to, enum special_role role)
{
    struct tokenizer_settings *s = to;
    return read_special(j, s, &s->roles[role]);
}

static bool read_bos(struct json *j, void *to)
{
    return read_role(j, to, ROLE_BOS);
}

static bool read_eos(struct json *j, void *to)
{
    return read_role(j, to, ROLE_EOS);
}

static bool read_unk(struct json *j, void *to)
{
    return read_role(j, to, ROLE_UNK);
}

static bool read_sep(struct json *j, void *to)
{
    return read_role(j, to, ROLE_SEP);
}

static bool read_pad(struct json *j, void *to)
{
    return read_role(j, to, ROLE_PAD);
}

static bool read_cls(struct json *j, void *to)
{
    return read_role(j, to, ROLE_CLS);
}

static bool read_mask(struct json *j, void *to)
{
    return read_role(j, to, ROLE_MASK);
}

static bool read_additional(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return read_special_list(j, s, &s->additional);
}

static bool read_map_additional(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return read_special_list(j, s, &s->map_additional);
}

static bool read_extra(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return json_peek(j) == JSON_OBJECT ? read_special_names(j, s, &s->named)
                                       : read_special_list(j, s, &s->extra);
}

static bool read_model_specific(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return read_special_names(j, s, &s->named_later);
}

// "image_token": "<img>" and the like.
static bool read_other_token(struct json *j, struct tokenizer_settings *s)
{
    struct special_token t;
    enum json_type type = json_peek(j);
    if (type != JSON_STRING && type != JSON_OBJECT)
        return json_skip(j);
    return read_special(j, s, &t) && (!t.text.len || push_special(j, &s->named_later, t));
}

// ------------------------------------------------------------------------------------ added tokens

static bool push_numbered(struct json *j, struct tokenizer_settings *s, struct numbered_list *list,
                          struct numbered_token t)
{
    struct numbered_token *items = array_room(list->items, list->n, &list->cap, sizeof *items);
    if (!items)
        return abl_no_memory(j->err);
    list->items = items;
    if (!keep_text(j, s, &t.text))
        return false;
    t.place = list->n;
    list->items[list->n++] = t;
    return true;
}

static int by_id_then_place(const void *a, const void *b)
{
    const struct numbered_token *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id)
                          : (x->place > y->place) - (x->place < y->place);
}

// In the order of ids, in which they are added.
static void sort_numbered(struct numbered_list *list)
{
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, by_id_then_place);
}

static bool key_to_id(struct json *j, struct json_text key, uint32_t *out)
{
    uint32_t id = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < '0' || key.data[i] > '9' || id > MAX_TOKEN_ID / 10)
            return json_fail(j, "found \"%.40s\", expected a token id", key.data);
        id = id * 10 + (uint32_t)(key.data[i] - '0');
    }
    *out = id;
    return key.len || json_fail(j, "found \"\", expected a token id");
}

// {"50256": {"content": "<|endoftext|>", "special": true, …}, …}
static bool read_decoder(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    struct json_text key;
    struct added_entry e;
    struct numbered_token t = { 0 };
    if (!json_object(j))
        return false;
    s->decoder.given = true;
    while (json_next_key(j, &key)) {
        if (!key_to_id(j, key, &t.id) || !added_entry_read(j, &e))
            return false;
        t.text = e.content;
        t.flags = e.flags;
        if (t.text.len && !push_numbered(j, s, &s->decoder, t))
            return false;
    }
    sort_numbered(&s->decoder);
    return !j->failed;
}

// added_tokens.json: {"<pad>": 50257, …}
static bool read_plain(struct tokenizer_settings *s, struct json *j)
{
    struct numbered_token t = { .flags = ADDED_NORMALIZED, .plain = true };
    if (!json_object(j))
        return false;
    while (json_next_key(j, &t.text))
        if (!definition_token_id(j, &t.id) || (t.text.len && !push_numbered(j, s, &s->plain, t)))
            return false;
    sort_numbered(&s->plain);
    return json_end(j);
}

// ------------------------------------------------------------------- keys of tokenizer_config.json

static bool read_class(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return read_name(j, s, &s->class_name);
}

#define SETTING(name)                                                                              \
    {                                                                                              \
#name, read_setting, offsetof(struct tokenizer_settings, name), KEY_READ                   \
    }
#define REFUSED(name)                                                                              \
    {                                                                                              \
#name, read_setting, offsetof(struct tokenizer_settings, name), KEY_REFUSED                \
    }
#define READ(name, read)                                                                           \
    {                                                                                              \
        name, read, 0, KEY_READ                                                                    \
    }
#define INERT(name)                                                                                \
    {                                                                                              \
        name, NULL, 0, KEY_INERT                                                                   \
    }

struct config_key {
    const char *name;
    bool (*read)(struct json *j, void *to); // NULL: passed over
    size_t at;
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
    READ("tokenizer_class", read_class),
    READ("added_tokens_decoder", read_decoder),
    READ("additional_special_tokens", read_additional),
    READ("extra_special_tokens", read_extra),
    READ("model_specific_special_tokens", read_model_specific),
    READ("bos_token", read_bos),
    READ("eos_token", read_eos),
    READ("unk_token", read_unk),
    READ("sep_token", read_sep),
    READ("pad_token", read_pad),
    READ("cls_token", read_cls),
    READ("mask_token", read_mask),
    // further special tokens, as every key that ends so
    READ("eot_token", NULL),
    READ("fill_token", NULL),
    READ("middle_token", NULL),
    READ("prefix_token", NULL),
    READ("suffix_token", NULL),
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

static const struct config_key *find_key(struct json_text name)
{
    for (size_t i = 0; i < sizeof config_keys / sizeof *config_keys; i++)
        if (json_key_is(name, config_keys[i].name))
            return &config_keys[i];
    return NULL;
}

enum key_use tokenizer_key_use(const char *key)
{
    const struct config_key *k = find_key((struct json_text){ key, strlen(key) });
    return k ? k->use : KEY_UNKNOWN;
}

static bool ends_in_token(struct json_text key)
{
    static const char end[] = "_token";
    size_t len = sizeof end - 1;
    return key.len > len && memcmp(key.data + key.len - len, end, len) == 0;
}

static bool read_config_keys(struct tokenizer_settings *s, struct json *j)
{
    struct json_text key;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        const struct config_key *k = find_key(key);
        bool ok = k && k->read         ? k->read(j, (char *)s + k->at)
                  : ends_in_token(key) ? read_other_token(j, s)
                                       : json_skip(j);
        if (!ok)
            return false;
    }
    return json_end(j);
}

// What special_tokens_map.json says takes the place of what tokenizer_config.json does; lists grow.
static bool read_map(struct tokenizer_settings *s, struct json *j)
{
    static const struct field fields[] = {
        FIELD("bos_token", read_bos),
        FIELD("eos_token", read_eos),
        FIELD("unk_token", read_unk),
        FIELD("sep_token", read_sep),
        FIELD("pad_token", read_pad),
        FIELD("cls_token", read_cls),
        FIELD("mask_token", read_mask),
        FIELD("additional_special_tokens", read_map_additional),
        FIELD("extra_special_tokens", read_extra),
    };
    return read_fields(j, fields, sizeof fields / sizeof *fields, s) && json_end(j);
}

// ------------------------------------------------------------------------------------------- files

// config.json's own reader says what else is wrong with it.
static bool read_id(struct json *j, void *to)
{
    if (json_peek(j) != JSON_NUMBER)
        return json_skip(j);
    double id;
    if (!json_double(j, &id))
        return false;
    if (id >= 0 && id <= MAX_TOKEN_ID)
        *(uint32_t *)to = (uint32_t)id;
    return true;
}

static bool read_model_type(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return read_name(j, s, &s->model_type);
}

static bool read_model_class(struct json *j, void *to)
{
    struct tokenizer_settings *s = to;
    return read_name(j, s, &s->model_class);
}

static bool read_model_config(struct tokenizer_settings *s, struct json *j)
{
    static const struct field fields[] = {
        FIELD("model_type", read_model_type),
        FIELD("tokenizer_class", read_model_class),
        FIELD_AT("bos_token_id", read_id, struct tokenizer_settings, config_bos),
        FIELD_AT("eos_token_id", read_id, struct tokenizer_settings, config_eos),
    };
    return read_fields(j, fields, sizeof fields / sizeof *fields, s) && json_end(j);
}

// One small file of the folder, if it is there. Its bytes count for d->read; d may be NULL.
static bool read_file(const char *folder, const char *name, struct definition *d,
                      bool (*read)(struct tokenizer_settings *s, struct json *j),
                      struct tokenizer_settings *s, struct abl_err *err)
{
    char *path = file_join(folder, name);
    struct file_bytes bytes = { 0 };
    struct json j = { 0 };
    bool ok = path != NULL || abl_no_memory(err);
    if (ok && file_exists(path)) {
        s->read_any = true;
        ok = (d ? definition_read_file(d, path, &bytes, err)
                : file_read(path, MAX_TOKENIZER_FILE, &bytes, ABL_BAD_MODEL, err))
             && json_open(&j, path, bytes.data, bytes.size, ABL_BAD_MODEL, err) && read(s, &j);
        json_close(&j);
        file_bytes_release(&bytes);
    }
    free(path);
    return ok;
}

struct tokenizer_settings tokenizer_settings_none(void)
{
    return (struct tokenizer_settings){ .config_bos = TOKEN_NONE, .config_eos = TOKEN_NONE };
}

bool tokenizer_settings_read(const char *folder, struct definition *d,
                             struct tokenizer_settings *out, struct abl_err *err)
{
    struct tokenizer_settings s = tokenizer_settings_none();
    struct definition *to = d->source == SOURCE_VOCAB ? d : NULL;
    // The decoder, where there is one, repeats what the older two files say.
    bool ok = read_file(folder, "config.json", NULL, read_model_config, &s, err)
              && read_file(folder, "tokenizer_config.json", to, read_config_keys, &s, err)
              && (s.decoder.given
                  || (read_file(folder, "added_tokens.json", to, read_plain, &s, err)
                      && read_file(folder, "special_tokens_map.json", to, read_map, &s, err)));
    if (!s.model_type)
        s.bos_family = d->source == SOURCE_VOCAB;
    for (size_t i = 0; i < sizeof bos_families / sizeof *bos_families; i++)
        s.bos_family = s.bos_family || (s.model_type && strcmp(s.model_type, bos_families[i]) == 0);
    if (!ok)
        tokenizer_settings_release(&s);
    *out = s;
    return ok;
}

void tokenizer_settings_release(struct tokenizer_settings *s)
{
    free(s->additional.items);
    free(s->map_additional.items);
    free(s->extra.items);
    free(s->named.items);
    free(s->named_later.items);
    free(s->decoder.items);
    free(s->plain.items);
    arena_release(&s->arena);
    *s = tokenizer_settings_none();
}
