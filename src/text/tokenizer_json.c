// tokenizer.json of the `tokenizers` library. What would change ids and is not done here is refused
// by name.
#include "text/definition.h"

#include <string.h>

#include "text/token.h"
#include "text/tokenizer_steps.h"

// null or an empty string: the feature is off.
static bool expect_no_text(struct json *j, const char *name)
{
    struct json_text text;
    if (json_took_null(j))
        return true;
    if (!json_string(j, &text))
        return false;
    return !text.len
           || json_fail(j, "%s \"%.40s\" is not supported: expected null", name, text.data);
}

// The "type" of a part of the pipeline, one of the names.
static bool expect_type(struct json *j, const char *part, const char *name)
{
    struct json_text type;
    if (!json_string(j, &type))
        return false;
    return json_key_is(type, name)
           || json_fail(j, "%s %.40s is not supported: expected %s", part, type.data, name);
}

// ------------------------------------------------------------------------------------------- model

static bool read_model_type(struct json *j, void *to)
{
    (void)to;
    return expect_type(j, "model type", "BPE");
}

static bool read_dropout(struct json *j, void *to)
{
    (void)to;
    double p;
    if (json_took_null(j))
        return true;
    if (!json_double(j, &p))
        return false;
    return p == 0.0 || json_fail(j, "model.dropout %g is not supported: expected null", p);
}

static bool read_unk_token(struct json *j, void *to)
{
    struct definition *d = to;
    struct json_text text;
    if (json_took_null(j))
        return true;
    if (!json_string(j, &text))
        return false;
    d->unk_token = text.len ? arena_strndup(&d->arena, text.data, text.len) : NULL;
    return !text.len || d->unk_token || abl_no_memory(j->err);
}

static bool read_subword_prefix(struct json *j, void *to)
{
    (void)to;
    return expect_no_text(j, "model.continuing_subword_prefix");
}

static bool read_word_suffix(struct json *j, void *to)
{
    (void)to;
    return expect_no_text(j, "model.end_of_word_suffix");
}

// "left right" in files of old, ["left", "right"] in newer ones, where tokens may hold spaces.
static bool read_merge(struct json *j, struct json_text *left, struct json_text *right)
{
    if (json_peek(j) == JSON_ARRAY) {
        bool two = json_array(j) && json_next_item(j) && json_string(j, left) && json_next_item(j)
                   && json_string(j, right) && !json_next_item(j) && !j->failed;
        return two || json_fail(j, "a merge is not a pair of two strings");
    }
    struct json_text both;
    if (!json_string(j, &both))
        return false;
    const char *space = memchr(both.data, ' ', both.len), *end = both.data + both.len;
    if (!space || memchr(space + 1, ' ', (size_t)(end - space - 1)))
        return json_fail(j, "merge \"%.40s\" is not two tokens with a space between", both.data);
    *left = (struct json_text){ .data = both.data, .len = (size_t)(space - both.data) };
    *right = (struct json_text){ .data = space + 1, .len = (size_t)(end - space - 1) };
    return true;
}

static bool read_merges(struct json *j, void *to)
{
    struct definition *d = to;
    struct json_text left, right;
    if (!json_array(j))
        return false;
    while (json_next_item(j)) {
        if (!read_merge(j, &left, &right)
            || !definition_add_merge(d, left, right, (uint32_t)d->n_merges, j->err))
            return false;
    }
    return !j->failed;
}

static bool read_model(struct json *j, void *to)
{
    static const struct field fields[] = {
        FIELD("type", read_model_type),
        FIELD("dropout", read_dropout),
        FIELD("unk_token", read_unk_token),
        FIELD("continuing_subword_prefix", read_subword_prefix),
        FIELD("end_of_word_suffix", read_word_suffix),
        FIELD_AT("byte_fallback", read_bool, struct definition, byte_fallback),
        FIELD_AT("fuse_unk", read_bool, struct definition, fuse_unk),
        FIELD_AT("ignore_merges", read_bool, struct definition, ignore_merges),
        FIELD("vocab", read_vocab),
        FIELD("merges", read_merges),
    };
    return read_fields(j, fields, sizeof fields / sizeof *fields, to);
}

// ---------------------------------------------------------------------------------- post-processor

static bool read_post_processor(struct json *j, void *to);

static bool read_post_type(struct json *j, void *to)
{
    (void)to;
    static const char *const known[] = { "ByteLevel", "TemplateProcessing", "Sequence" };
    struct json_text type;
    if (!json_string(j, &type))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (json_key_is(type, known[i]))
            return true;
    return json_fail(j,
                     "post_processor %.40s is not supported: expected ByteLevel,"
                     " TemplateProcessing or Sequence",
                     type.data);
}

// What is put around one text is read before what its tokens are called: they may be in any order.
struct template
{
    struct definition *d;
    struct json_text before, behind; // the first token of each
    size_t n_before, n_behind, n_texts;
    uint32_t id; // of `before`
    size_t n_ids;
};

static bool read_special_piece(struct json *j, void *to)
{
    static const struct field fields[] = { FIELD("id", read_text) };
    struct template *t = to;
    struct json_text text = { 0 };
    if (!read_fields(j, fields, 1, &text))
        return false;
    size_t *n = t->n_texts ? &t->n_behind : &t->n_before;
    struct json_text *first = t->n_texts ? &t->behind : &t->before;
    if (!(*n)++)
        *first = text;
    return true;
}

static bool read_sequence_piece(struct json *j, void *to)
{
    ((struct template *)to)->n_texts++;
    return json_skip(j);
}

// "single": what is put around one text: [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id":
// "A"}}, …]
static bool read_single(struct json *j, void *to)
{
    static const struct field fields[] = {
        FIELD("SpecialToken", read_special_piece),
        FIELD("Sequence", read_sequence_piece),
    };
    if (!json_array(j))
        return false;
    while (json_next_item(j))
        if (!read_fields(j, fields, 2, to))
            return false;
    return !j->failed;
}

static bool read_template_id(struct json *j, void *to)
{
    struct template *t = to;
    uint32_t id;
    if (!definition_token_id(j, &id))
        return false;
    if (!t->n_ids++)
        t->id = id;
    return true;
}

static bool read_template_ids(struct json *j, void *to)
{
    return read_items(j, read_template_id, to);
}

// "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
static bool read_template_tokens(struct json *j, void *to)
{
    static const struct field fields[] = { FIELD("ids", read_template_ids) };
    struct template *t = to;
    struct json_text key;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        struct template one = { .id = TOKEN_NONE };
        if (!read_fields(j, fields, 1, &one))
            return false;
        if (key.len == t->before.len && key.len && memcmp(key.data, t->before.data, key.len) == 0) {
            t->id = one.id;
            t->n_ids = one.n_ids;
        }
    }
    return !j->failed;
}

// What several processors put adds up.
static bool take_template(struct json *j, const struct template *t)
{
    struct definition_template *out = &t->d->template;
    if (t->n_before && !out->n_before) {
        out->before = arena_strndup(&t->d->arena, t->before.data, t->before.len);
        out->id = t->id;
    }
    if (t->n_behind && !out->n_behind)
        out->behind = arena_strndup(&t->d->arena, t->behind.data, t->behind.len);
    out->n_before += t->n_before + (t->n_ids > 1 ? t->n_ids - 1 : 0);
    out->n_behind += t->n_behind;
    return (!out->n_before || out->before) && (!out->n_behind || out->behind)
               ? true
               : abl_no_memory(j->err);
}

static bool read_processors(struct json *j, void *to)
{
    return read_items(j, read_post_processor, ((struct template *)to)->d);
}

static bool read_post_processor(struct json *j, void *to)
{
    static const struct field fields[] = {
        FIELD("type", read_post_type),
        FIELD("single", read_single),
        FIELD("special_tokens", read_template_tokens),
        FIELD("processors", read_processors),
    };
    struct template t = { .d = to, .id = TOKEN_NONE };
    if (json_took_null(j))
        return true;
    return read_fields(j, fields, sizeof fields / sizeof *fields, &t) && take_template(j, &t);
}

// ------------------------------------------------------------------------------------------- file

static bool read_added_token(struct json *j, void *to)
{
    struct added_entry e;
    if (!added_entry_read(j, &e))
        return false;
    if (!e.has_id)
        return json_fail(j, "added token \"%.40s\" has no id", e.content.data);
    return !e.content.len || definition_add_added(to, e.content, e.id, e.flags, j->err);
}

static bool read_added_tokens(struct json *j, void *to)
{
    return read_items(j, read_added_token, to);
}

// "truncation" and "padding" are left alone: they are settings of the last caller, which the
// reference's users reset.
bool definition_read_json(struct definition *d, const char *path, struct abl_err *err)
{
    static const struct field fields[] = {
        FIELD("added_tokens", read_added_tokens),
        FIELD("normalizer", steps_read_normalizer),
        FIELD("pre_tokenizer", steps_read_pre_tokenizer),
        FIELD("post_processor", read_post_processor),
        FIELD("model", read_model),
    };
    struct file_bytes bytes;
    struct json j;
    d->path = arena_strdup(&d->arena, path);
    if (!d->path)
        return abl_no_memory(err);
    if (!definition_read_file(d, path, &bytes, err))
        return false;
    bool ok = json_open(&j, d->path, bytes.data, bytes.size, ABL_BAD_MODEL, err)
              && read_fields(&j, fields, sizeof fields / sizeof *fields, d) && json_end(&j);
    json_close(&j);
    file_bytes_release(&bytes);
    return ok;
}
