#include "format/gguf_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { MAX_KEY = 65535, MAX_STRING = 64 << 20, SLACK = 48 << 20 };

// Types of values as the file numbers them.
enum { TYPE_ARRAY = 9, N_TYPES = 13 };

static const struct {
    size_t bytes; // in the file; of strings at least
    enum gguf_kind kind;
} types[N_TYPES] = {
    [0] = { 1, GGUF_UINT },   [1] = { 1, GGUF_INT },   [2] = { 2, GGUF_UINT },
    [3] = { 2, GGUF_INT },    [4] = { 4, GGUF_UINT },  [5] = { 4, GGUF_INT },
    [6] = { 4, GGUF_FLOAT },  [7] = { 1, GGUF_BOOL },  [8] = { 8, GGUF_STRING },
    [9] = { 0, GGUF_ARRAY },  [10] = { 8, GGUF_UINT }, [11] = { 8, GGUF_INT },
    [12] = { 8, GGUF_FLOAT },
};

struct gguf_reader *gguf_reader_new(const struct file_source *file, struct arena *arena,
                                    struct abl_err *err)
{
    struct gguf_reader *r = malloc(sizeof *r);
    if (!r) {
        abl_no_memory(err);
        return NULL;
    }
    r->file = file;
    r->at = r->first = 0;
    r->n = 0;
    r->budget = file->size + SLACK;
    r->arena = arena;
    r->err = err;
    return r;
}

bool gguf_fail(struct gguf_reader *r, uint64_t at, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return abl_fail(r->err, ABL_BAD_MODEL, "bad GGUF file '%s' at byte %" PRIu64 ": %s",
                    r->file->path, at, what);
}

uint64_t gguf_left(const struct gguf_reader *r)
{
    return r->file->size - r->at;
}

static bool fill_buffer(struct gguf_reader *r)
{
    size_t n = (size_t)size_min(sizeof r->buffer, gguf_left(r));
    if (!file_read_at(r->file, r->at, r->buffer, n, r->err))
        return false;
    r->first = r->at;
    r->n = n;
    return true;
}

bool gguf_read(struct gguf_reader *r, void *out, size_t n, const char *what)
{
    if (n > gguf_left(r))
        return gguf_fail(r, r->at,
                         "found the end of the file in a %s, expected %zu bytes; the file is cut, "
                         "download it again",
                         what, n);
    for (unsigned char *to = out; n;) {
        if ((r->at < r->first || r->at >= r->first + r->n) && !fill_buffer(r))
            return false;
        size_t here = (size_t)size_min(n, r->first + r->n - r->at);
        memcpy(to, r->buffer + (r->at - r->first), here);
        to += here;
        r->at += here;
        n -= here;
    }
    return true;
}

bool gguf_alloc(struct gguf_reader *r, size_t n, size_t size, void **out)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes) || bytes > r->budget)
        return gguf_fail(r, r->at,
                         "found metadata that unfolds to more than the file's size and 48 MiB, "
                         "expected less");
    r->budget -= bytes;
    *out = arena_alloc(r->arena, n, size);
    return *out || abl_no_memory(r->err);
}

bool gguf_read_string(struct gguf_reader *r, size_t max, const char *what, struct gguf_string *out)
{
    uint64_t len, at = r->at;
    void *text = NULL;
    if (!gguf_read(r, &len, 8, what))
        return false;
    if (len > max || len > gguf_left(r))
        return gguf_fail(r, at, "found a %s of %" PRIu64 " bytes, expected at most %" PRIu64, what,
                         len, (uint64_t)size_min(max, gguf_left(r)));
    if (!gguf_alloc(r, (size_t)len + 1, 1, &text) || !gguf_read(r, text, (size_t)len, what))
        return false;
    *out = (struct gguf_string){ text, (size_t)len };
    return true;
}

// A number of `type` from its bytes, widened into the field that its kind has.
static bool read_number(struct gguf_reader *r, uint32_t type, uint64_t *u, int64_t *i, double *f)
{
    unsigned char b[8] = { 0 };
    uint64_t at = r->at;
    float single;
    size_t n = types[type].bytes;
    if (!gguf_read(r, b, n, "value"))
        return false;
    switch (types[type].kind) {
    case GGUF_BOOL:
        if (b[0] > 1)
            return gguf_fail(r, at, "found byte %u for true or false, expected 0 or 1", b[0]);
        *u = b[0];
        return true;
    case GGUF_FLOAT:
        memcpy(&single, b, sizeof single);
        memcpy(f, b, sizeof *f);
        *f = n == 4 ? (double)single : *f;
        return true;
    case GGUF_INT: // spread the sign
        for (size_t k = n; k < 8; k++)
            b[k] = b[n - 1] & 0x80 ? 0xff : 0;
        memcpy(i, b, sizeof *i);
        return true;
    default:
        memcpy(u, b, sizeof *u);
        return true;
    }
}

static bool read_item(struct gguf_reader *r, uint32_t type, void *items, size_t index)
{
    uint64_t u = 0;
    int64_t i = 0;
    double f = 0;
    if (types[type].kind == GGUF_STRING)
        return gguf_read_string(r, MAX_STRING, "string", (struct gguf_string *)items + index);
    if (!read_number(r, type, &u, &i, &f))
        return false;
    switch (types[type].kind) {
    case GGUF_BOOL:
        ((bool *)items)[index] = u != 0;
        break;
    case GGUF_INT:
        ((int64_t *)items)[index] = i;
        break;
    case GGUF_FLOAT:
        ((double *)items)[index] = f;
        break;
    default:
        ((uint64_t *)items)[index] = u;
    }
    return true;
}

static size_t item_size(enum gguf_kind kind)
{
    return kind == GGUF_STRING ? sizeof(struct gguf_string)
           : kind == GGUF_BOOL ? sizeof(bool)
                               : sizeof(uint64_t);
}

static bool read_array(struct gguf_reader *r, struct gguf_value *out)
{
    uint32_t type;
    uint64_t n, at = r->at;
    void *items = NULL;
    if (!gguf_read(r, &type, 4, "array type") || !gguf_read(r, &n, 8, "array length"))
        return false;
    if (type >= N_TYPES || type == TYPE_ARRAY)
        return gguf_fail(r, at,
                         "found an array of type %" PRIu32
                         " under '%s', expected numbers, strings or flags",
                         type, out->key.data);
    if (n > gguf_left(r) / types[type].bytes)
        return gguf_fail(
            r, at, "found an array of %" PRIu64 " items under '%s', expected at most %" PRIu64, n,
            out->key.data, gguf_left(r) / types[type].bytes);
    out->item = types[type].kind;
    if (!gguf_alloc(r, (size_t)n + 1, item_size(out->item), &items))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!read_item(r, type, items, i))
            return false;
    out->n = (size_t)n;
    out->us = items;
    return true;
}

bool gguf_read_value(struct gguf_reader *r, struct gguf_value *out)
{
    uint32_t type;
    uint64_t at = r->at, u = 0;
    int64_t i = 0;
    double f = 0;
    if (!gguf_read_string(r, MAX_KEY, "key", &out->key))
        return false;
    if (!out->key.len || memchr(out->key.data, '\0', out->key.len))
        return gguf_fail(r, at, "found a key that is empty or holds a NUL, expected text");
    at = r->at;
    if (!gguf_read(r, &type, 4, "value type"))
        return false;
    if (type >= N_TYPES)
        return gguf_fail(r, at, "found type %" PRIu32 " of '%s', expected 0 to %d", type,
                         out->key.data, N_TYPES - 1);
    out->kind = types[type].kind;
    if (out->kind == GGUF_ARRAY)
        return read_array(r, out);
    if (out->kind == GGUF_STRING)
        return gguf_read_string(r, MAX_STRING, "string", &out->s);
    if (!read_number(r, type, &u, &i, &f))
        return false;
    if (out->kind == GGUF_FLOAT)
        out->f = f;
    else if (out->kind == GGUF_INT)
        out->i = i;
    else if (out->kind == GGUF_BOOL)
        out->b = u != 0;
    else
        out->u = u;
    return true;
}
