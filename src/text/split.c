#include "text/split.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/names.h"

enum { MAX_SPLIT_FILE = 256 << 20 };

static const char *const names[] = {
    [SPLIT_DEFAULT] = "default", [SPLIT_TRAIN] = "train", [SPLIT_VAL] = "val",
    [SPLIT_TEST] = "test",       [SPLIT_ALL] = "all",
};

const char *split_name(size_t split)
{
    return split < sizeof names / sizeof *names ? names[split] : NULL;
}

bool split_parse(const char *text, enum split *out)
{
    size_t split;
    if (!name_find(split_name, SPLIT_TRAIN, text, strlen(text), &split))
        return false;
    *out = (enum split)split;
    return true;
}

static bool push(struct split_file *f, enum split s, uint32_t row, struct abl_err *err)
{
    uint32_t *rows = array_room(f->rows[s], f->n[s], &f->cap[s], sizeof *rows);
    if (!rows)
        return abl_no_memory(err);
    f->rows[s] = rows;
    f->rows[s][f->n[s]++] = row;
    return true;
}

// `seen` has a place for each row of the corpus.
static bool read_rows(struct json *j, struct split_file *f, enum split s, bool *seen,
                      uint32_t n_rows)
{
    if (!json_array(j))
        return false;
    memset(seen, 0, n_rows * sizeof *seen);
    while (json_next_item(j)) {
        uint64_t row;
        if (!json_u64(j, &row))
            return false;
        if (row >= n_rows)
            return json_fail(j,
                             "%s names row %" PRIu64 ": expected less than the corpus's %" PRIu32
                             " rows; is it the split of another corpus?",
                             names[s], row, n_rows);
        if (seen[row])
            return json_fail(j, "%s names row %" PRIu64 " twice", names[s], row);
        seen[row] = true;
        if (!push(f, s, (uint32_t)row, j->err))
            return false;
    }
    return !j->failed;
}

static bool read_schema(struct json *j)
{
    struct json_text schema;
    if (!json_string(j, &schema))
        return false;
    return json_key_is(schema, "abltui.split/1")
           || json_fail(j, "schema \"%.40s\" is not known: expected \"abltui.split/1\"",
                        schema.data);
}

static bool read_hash(struct json *j, struct split_file *f)
{
    struct json_text hex;
    if (!json_string(j, &hex))
        return false;
    if (hex.len != SHA256_HEX - 1)
        return json_fail(j, "found a hash of %zu digits, expected %d", hex.len, SHA256_HEX - 1);
    memcpy(f->sha256, hex.data, SHA256_HEX);
    return true;
}

static bool read_split(struct json *j, struct split_file *f, bool *seen, uint32_t n_rows)
{
    struct json_text key;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        enum split s = SPLIT_TRAIN;
        while (s < SPLIT_ALL && !json_key_is(key, names[s]))
            s++;
        bool ok;
        if (s < SPLIT_ALL)
            ok = read_rows(j, f, s, seen, n_rows);
        else if (json_key_is(key, "schema"))
            ok = read_schema(j);
        else if (json_key_is(key, "sha256") || json_key_is(key, "data_hash"))
            ok = read_hash(j, f);
        else
            ok = json_skip(j);
        if (!ok)
            return false;
    }
    return json_end(j);
}

bool split_file_read(const char *path, uint32_t n_rows, struct split_file *out, struct abl_err *err)
{
    struct split_file f = { 0 };
    struct file_bytes bytes;
    struct json j;
    if (!file_read(path, MAX_SPLIT_FILE, &bytes, ABL_BAD_DATA, err))
        return false;
    bool *seen = calloc((size_t)n_rows + 1, sizeof *seen);
    bool ok = seen || abl_no_memory(err);
    if (ok) {
        ok = json_open(&j, path, bytes.data, bytes.size, ABL_BAD_DATA, err)
             && read_split(&j, &f, seen, n_rows);
        json_close(&j);
    }
    free(seen);
    file_bytes_release(&bytes);
    if (!ok) {
        split_file_release(&f);
        return false;
    }
    *out = f;
    return true;
}

void split_file_release(struct split_file *s)
{
    for (size_t i = 0; i < N_SPLITS; i++)
        free(s->rows[i]);
    *s = (struct split_file){ 0 };
}

// The text with every line ending written as `ending`.
static bool rewrite_endings(const char *text, size_t len, const char *ending, struct buf *out)
{
    out->len = 0;
    buf_str(out, "");
    for (size_t at = 0; at < len;) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - text) : len;
        size_t line = end - at - (newline && end > at && text[end - 1] == '\r');
        buf_add(out, text + at, line);
        if (newline)
            buf_str(out, ending);
        at = end + (newline != NULL);
    }
    return !out->failed;
}

bool split_hash_fits(const char *hex, const char *text, size_t len, bool *out, struct abl_err *err)
{
    static const char *const endings[] = { "\n", "\r\n" };
    char found[SHA256_HEX];
    struct buf form = { 0 };
    bool ok = sha256_bytes(text, len, found, err), fits = ok && strcmp(found, hex) == 0;
    for (size_t i = 0; ok && !fits && i < sizeof endings / sizeof *endings; i++) {
        ok = rewrite_endings(text, len, endings[i], &form) || abl_no_memory(err);
        ok = ok && sha256_bytes(form.data, form.len, found, err);
        fits = ok && strcmp(found, hex) == 0;
    }
    buf_release(&form);
    if (ok)
        *out = fits;
    return ok;
}
