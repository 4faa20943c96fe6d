// vocab.json and merges.txt, as GPT-2 was published, with the small files that later versions put
// beside them.
#include "text/definition.h"

#include <stdlib.h>
#include <string.h>

#include "text/pattern.h"

// GPT-2's one special token where no file names any
static const char end_of_text[] = "<|endoftext|>";

// ------------------------------------------------------------------------------ vocabulary, merges

static bool read_vocab_file(struct definition *d, const char *path, struct abl_err *err)
{
    struct file_bytes bytes;
    struct json j;
    if (!definition_read_file(d, path, &bytes, err))
        return false;
    bool ok = json_open(&j, d->path, bytes.data, bytes.size, ABL_BAD_MODEL, err)
              && read_vocab(&j, d) && json_end(&j);
    json_close(&j);
    file_bytes_release(&bytes);
    return ok;
}

// "left right"; a line that begins with "#version" is a remark.
static bool read_merge(struct definition *d, const char *path, size_t number, const char *line,
                       size_t len, struct abl_err *err)
{
    if (len && line[len - 1] == '\r')
        len--;
    if (!len || (len >= 8 && memcmp(line, "#version", 8) == 0))
        return true;
    const char *space = memchr(line, ' ', len);
    size_t left = space ? (size_t)(space - line) : len;
    if (!space || memchr(space + 1, ' ', len - left - 1))
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s' line %zu: found '%.*s', expected two tokens with a space between",
                        path, number, (int)(len < 80 ? len : 80), line);
    return definition_add_merge(d, (struct json_text){ .data = line, .len = left },
                                (struct json_text){ .data = space + 1, .len = len - left - 1 },
                                (uint32_t)d->n_merges, err);
}

static bool read_merges(struct definition *d, const char *path, struct abl_err *err)
{
    struct file_bytes bytes;
    if (!definition_read_file(d, path, &bytes, err))
        return false;
    bool ok = true;
    const char *at = bytes.data, *end = bytes.data + bytes.size;
    for (size_t number = 1; ok && at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
        ok = read_merge(d, path, number, at, len, err);
        at += len + (newline != NULL);
    }
    file_bytes_release(&bytes);
    return ok;
}

// ------------------------------------------------------------------------------------ added tokens

static struct added_token *find_added(struct definition *d, struct json_text text)
{
    for (size_t i = 0; i < d->n_added; i++)
        if (d->added[i].len == text.len && memcmp(d->added[i].text, text.data, text.len) == 0)
            return &d->added[i];
    return NULL;
}

static const struct definition_token *find_token(const struct definition *d, struct json_text text)
{
    for (size_t i = 0; i < d->n_vocab; i++)
        if (d->vocab[i].len == text.len && memcmp(d->vocab[i].text, text.data, text.len) == 0)
            return &d->vocab[i];
    return NULL;
}

static bool read_prefix_space(struct json *j, void *to)
{
    struct definition *d = to;
    return json_bool(j, &d->cuts[d->n_cuts - 1].add_prefix_space);
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

// tokenizer_config.json: "added_tokens_decoder": {"50256": {"content": "<|endoftext|>", "special":
// true, …}}
static bool read_decoder(struct json *j, void *to)
{
    struct definition *d = to;
    struct json_text key;
    struct added_entry e;
    uint32_t id = 0;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        if (!key_to_id(j, key, &id) || !added_entry_read(j, &e))
            return false;
        if (e.content.len && !definition_add_added(d, e.content, id, e.flags, j->err))
            return false;
    }
    return !j->failed;
}

// added_tokens.json: {"<pad>": 50257, …}, ordinary tokens unless
// special_tokens_map.json names them.
static bool read_added(struct definition *d, const char *folder, struct abl_err *err)
{
    char *path = file_join(folder, "added_tokens.json");
    if (!path)
        return abl_no_memory(err);
    struct file_bytes bytes = { 0 };
    struct json j = { 0 };
    struct json_text text;
    uint32_t id;
    bool ok = !file_exists(path) || definition_read_file(d, path, &bytes, err);
    if (ok && bytes.data) {
        ok = json_open(&j, path, bytes.data, bytes.size, ABL_BAD_MODEL, err) && json_object(&j);
        while (ok && json_next_key(&j, &text))
            ok = definition_token_id(&j, &id)
                 && (!text.len || definition_add_added(d, text, id, ADDED_NORMALIZED, err));
        ok = ok && json_end(&j);
        json_close(&j);
    }
    file_bytes_release(&bytes);
    free(path);
    return ok;
}

static bool read_special(struct json *j, void *to)
{
    struct definition *d = to;
    struct added_entry e;
    if (!special_entry_read(j, &e))
        return false;
    if (!e.has_content || !e.content.len)
        return true;
    struct added_token *known = find_added(d, e.content);
    if (known) {
        known->flags = e.flags;
        return true;
    }
    const struct definition_token *token = find_token(d, e.content);
    if (!token)
        return json_fail(j,
                         "special token \"%.40s\" has no id: expected it in vocab.json or"
                         " added_tokens.json",
                         e.content.data);
    return definition_add_added(d, e.content, token->id, e.flags, j->err);
}

static bool read_specials(struct json *j, void *to)
{
    return read_items(j, read_special, to);
}

static bool read_special_map(struct definition *d, const char *folder, struct abl_err *err)
{
    static const struct field fields[] = {
        FIELD("bos_token", read_special),  FIELD("eos_token", read_special),
        FIELD("unk_token", read_special),  FIELD("sep_token", read_special),
        FIELD("pad_token", read_special),  FIELD("cls_token", read_special),
        FIELD("mask_token", read_special), FIELD("additional_special_tokens", read_specials),
    };
    return definition_read_fields(d, folder, "special_tokens_map.json", fields,
                                  sizeof fields / sizeof *fields, d, err);
}

static bool read_added_files(struct definition *d, const char *folder, struct abl_err *err)
{
    static const struct field fields[] = {
        FIELD("add_prefix_space", read_prefix_space),
        FIELD("added_tokens_decoder", read_decoder),
    };
    if (!definition_read_fields(d, folder, "tokenizer_config.json", fields,
                                sizeof fields / sizeof *fields, d, err))
        return false;
    // The decoder, where there is one, repeats what the older two files say.
    if (!d->n_added && (!read_added(d, folder, err) || !read_special_map(d, folder, err)))
        return false;
    struct json_text text = { .data = end_of_text, .len = sizeof end_of_text - 1 };
    const struct definition_token *token = find_token(d, text);
    return !token || find_added(d, text)
           || definition_add_added(d, text, token->id, ADDED_SPECIAL, err);
}

static bool read_model_type(struct json *j, void *to)
{
    struct json_text type;
    if (!json_string_or_skip(j, &type))
        return false;
    *(bool *)to = type.data && (json_key_is(type, "qwen2") || json_key_is(type, "qwen3"));
    return true;
}

// GPT-2's steps; Qwen's where config.json names that family, which has the same two files.
static bool add_steps(struct definition *d, const char *folder, struct abl_err *err)
{
    static const struct field fields[] = { FIELD("model_type", read_model_type) };
    struct json_text qwen = { .data = pattern_qwen2(), .len = strlen(pattern_qwen2()) };
    bool is_qwen = false;
    if (!definition_read_fields(NULL, folder, "config.json", fields, 1, &is_qwen, err))
        return false;
    if (is_qwen
        && (!definition_add_normal(d, (struct definition_normal){ .kind = NORMAL_NFC }, err)
            || !definition_add_cut(d, (struct definition_cut){ .kind = CUT_SPLIT, .pattern = qwen },
                                   err)))
        return false;
    return definition_add_cut(
        d, (struct definition_cut){ .kind = CUT_BYTE_LEVEL, .cuts = !is_qwen }, err);
}

bool definition_read_legacy(struct definition *d, const char *folder, struct abl_err *err)
{
    char *vocab = file_join(folder, "vocab.json"), *merges = file_join(folder, "merges.txt");
    d->path = vocab ? arena_strdup(&d->arena, vocab) : NULL;
    d->byte_level = true;
    bool ok = (d->path && merges) || abl_no_memory(err);
    ok = ok && add_steps(d, folder, err) && read_vocab_file(d, vocab, err)
         && read_merges(d, merges, err) && read_added_files(d, folder, err);
    free(vocab);
    free(merges);
    return ok;
}
