#include "text/definition.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "text/effort.h"

static bool keep(struct definition *d, struct json_text *text, struct abl_err *err)
{
    text->data = arena_strndup(&d->arena, text->data ? text->data : "", text->len);
    return text->data || abl_no_memory(err);
}

bool definition_add_token(struct definition *d, struct json_text text, uint32_t id,
                          struct abl_err *err)
{
    void *moved = array_room(d->vocab, d->n_vocab, &d->cap_vocab, sizeof *d->vocab);
    if (!moved)
        return abl_no_memory(err);
    d->vocab = moved;
    if (!keep(d, &text, err))
        return false;
    d->vocab[d->n_vocab++]
        = (struct definition_token){ .text = text.data, .len = text.len, .id = id };
    return true;
}

bool definition_add_merge(struct definition *d, struct json_text left, struct json_text right,
                          uint32_t rank, struct abl_err *err)
{
    void *moved = array_room(d->merges, d->n_merges, &d->cap_merges, sizeof *d->merges);
    if (!moved)
        return abl_no_memory(err);
    d->merges = moved;
    if (!keep(d, &left, err) || !keep(d, &right, err))
        return false;
    d->merges[d->n_merges++]
        = (struct definition_merge){ .left = left, .right = right, .rank = rank };
    return true;
}

static bool is_room(const struct definition *d, size_t n, const char *of, struct abl_err *err)
{
    return n < EFFORT_STEPS
           || abl_fail(err, ABL_BAD_MODEL, "'%s': %s of more than %d steps: expected fewer",
                       d->path, of, EFFORT_STEPS);
}

bool definition_add_normal(struct definition *d, struct definition_normal n, struct abl_err *err)
{
    if (!is_room(d, d->n_normals, "normalizer", err))
        return false;
    void *moved = array_room(d->normals, d->n_normals, &d->cap_normals, sizeof *d->normals);
    if (!moved)
        return abl_no_memory(err);
    d->normals = moved;
    if (!keep(d, &n.from, err) || !keep(d, &n.to, err))
        return false;
    d->normals[d->n_normals++] = n;
    return true;
}

bool definition_add_marks(struct definition *d, bool prefix, struct abl_err *err)
{
    struct json_text mark = { .data = "\xe2\x96\x81", .len = 3 }, space = { .data = " ", .len = 1 };
    struct definition_normal prepend = { .kind = NORMAL_PREPEND, .to = mark };
    struct definition_normal escape = { .kind = NORMAL_REPLACE, .from = space, .to = mark };
    return (!prefix || definition_add_normal(d, prepend, err))
           && definition_add_normal(d, escape, err);
}

bool definition_add_cut(struct definition *d, struct definition_cut c, struct abl_err *err)
{
    if (!is_room(d, d->n_cuts, "pre_tokenizer", err))
        return false;
    void *moved = array_room(d->cuts, d->n_cuts, &d->cap_cuts, sizeof *d->cuts);
    if (!moved)
        return abl_no_memory(err);
    d->cuts = moved;
    if (!keep(d, &c.pattern, err))
        return false;
    d->cuts[d->n_cuts++] = c;
    return true;
}

bool definition_add_added(struct definition *d, struct json_text text, uint32_t id, unsigned flags,
                          struct abl_err *err)
{
    void *moved = array_room(d->added, d->n_added, &d->cap_added, sizeof *d->added);
    if (!moved)
        return abl_no_memory(err);
    d->added = moved;
    if (!keep(d, &text, err))
        return false;
    d->added[d->n_added++]
        = (struct added_token){ .text = text.data, .len = text.len, .id = id, .flags = flags };
    return true;
}

bool definition_name_file(struct definition *d, const char *path)
{
    const char *slash = strrchr(path, '/');
    assert(d->n_files < MAX_TOKENIZER_FILES);
    d->files[d->n_files] = arena_strdup(&d->arena, slash ? slash + 1 : path);
    return d->files[d->n_files++] != NULL;
}

bool definition_read_file(struct definition *d, const char *path, struct file_bytes *out,
                          struct abl_err *err)
{
    struct file_bytes bytes;
    if (!file_read(path, MAX_TOKENIZER_FILE, &bytes, ABL_BAD_MODEL, err))
        return false;
    buf_add(&d->read, bytes.data, bytes.size);
    if (d->read.failed || !definition_name_file(d, path)) {
        file_bytes_release(&bytes);
        return abl_no_memory(err);
    }
    *out = bytes;
    return true;
}

void definition_release(struct definition *d)
{
    free(d->vocab);
    free(d->merges);
    free(d->added);
    free(d->normals);
    free(d->cuts);
    buf_release(&d->read);
    owner_notes_release(&d->notes);
    arena_release(&d->arena);
    *d = (struct definition){ 0 };
}

bool definition_token_id(struct json *j, uint32_t *out)
{
    uint64_t id;
    if (!json_u64(j, &id))
        return false;
    if (id > MAX_TOKEN_ID)
        return json_fail(j, "token id %" PRIu64 " is too large: expected at most %d", id,
                         MAX_TOKEN_ID);
    *out = (uint32_t)id;
    return true;
}

bool read_fields(struct json *j, const struct field *fields, size_t n_fields, void *to)
{
    struct json_text key;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        const struct field *f = fields;
        while (f < fields + n_fields && !json_key_is(key, f->name))
            f++;
        if (!(f < fields + n_fields ? f->read(j, (char *)to + f->at) : json_skip(j)))
            return false;
    }
    return !j->failed;
}

bool read_bool(struct json *j, void *to)
{
    return json_bool(j, to);
}

bool read_text(struct json *j, void *to)
{
    return json_string(j, to);
}

bool read_text_or_null(struct json *j, void *to)
{
    return json_took_null(j) || json_string(j, to);
}

bool read_items(struct json *j, bool (*read)(struct json *j, void *to), void *to)
{
    if (!json_array(j))
        return false;
    while (json_next_item(j))
        if (!read(j, to))
            return false;
    return !j->failed;
}

bool read_vocab(struct json *j, void *to)
{
    struct definition *d = to;
    struct json_text text;
    uint32_t id = 0;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &text))
        if (!definition_token_id(j, &id) || !definition_add_token(d, text, id, j->err))
            return false;
    return !j->failed;
}

static bool read_flag(struct json *j, struct added_entry *e, unsigned flag)
{
    bool on;
    if (!json_bool(j, &on))
        return false;
    e->given |= flag;
    e->flags |= on ? flag : 0;
    return true;
}

static bool read_single_word(struct json *j, void *to)
{
    return read_flag(j, to, ADDED_SINGLE_WORD);
}

static bool read_lstrip(struct json *j, void *to)
{
    return read_flag(j, to, ADDED_LSTRIP);
}

static bool read_rstrip(struct json *j, void *to)
{
    return read_flag(j, to, ADDED_RSTRIP);
}

static bool read_normalized(struct json *j, void *to)
{
    return read_flag(j, to, ADDED_NORMALIZED);
}

static bool read_special(struct json *j, void *to)
{
    return read_flag(j, to, ADDED_SPECIAL);
}

static bool read_content(struct json *j, void *to)
{
    struct added_entry *e = to;
    e->has_content = true;
    return json_string(j, &e->content);
}

static bool read_id(struct json *j, void *to)
{
    struct added_entry *e = to;
    e->has_id = true;
    return definition_token_id(j, &e->id);
}

bool added_entry_read(struct json *j, struct added_entry *out)
{
    static const struct field fields[] = {
        FIELD("id", read_id),
        FIELD("content", read_content),
        FIELD("single_word", read_single_word),
        FIELD("lstrip", read_lstrip),
        FIELD("rstrip", read_rstrip),
        FIELD("normalized", read_normalized),
        FIELD("special", read_special),
    };
    struct added_entry e = { 0 };
    if (!read_fields(j, fields, sizeof fields / sizeof *fields, &e))
        return false;
    if (!e.has_content)
        return json_fail(j, "an added token has no \"content\"");
    // Where the file does not say, ordinary added tokens are normalised and special ones are not.
    if (!(e.given & ADDED_NORMALIZED) && !(e.flags & ADDED_SPECIAL))
        e.flags |= ADDED_NORMALIZED;
    *out = e;
    return true;
}

bool special_entry_read(struct json *j, struct added_entry *out)
{
    struct added_entry e = { .flags = ADDED_SPECIAL };
    switch (json_peek(j)) {
    case JSON_NULL:
        if (!json_null(j))
            return false;
        break;
    case JSON_OBJECT:
        if (!added_entry_read(j, &e))
            return false;
        e.own_flags = e.flags;
        if (!(e.given & ADDED_NORMALIZED))
            e.flags &= ~(unsigned)ADDED_NORMALIZED;
        e.flags |= ADDED_SPECIAL;
        break;
    default:
        if (!json_string(j, &e.content))
            return false;
        e.has_content = true;
        e.own_flags = e.flags;
    }
    *out = e;
    return true;
}
