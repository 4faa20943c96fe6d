// vocab.json and merges.txt, as GPT-2 was published.
#include "text/definition.h"

#include <stdlib.h>
#include <string.h>

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

bool definition_read_legacy(struct definition *d, const char *folder, struct abl_err *err)
{
    char *vocab = file_join(folder, "vocab.json"), *merges = file_join(folder, "merges.txt");
    d->path = vocab ? arena_strdup(&d->arena, vocab) : NULL;
    d->byte_level = true;
    bool ok = (d->path && merges) || abl_no_memory(err);
    ok = ok && read_vocab_file(d, vocab, err) && read_merges(d, merges, err);
    free(vocab);
    free(merges);
    return ok;
}
