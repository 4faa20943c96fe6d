#include "format/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "format/gguf_reader.h"

enum { MAX_KEYS = 65536, MAX_NAME = 64, MAX_ALIGNMENT = 65536 };

// Bytes in the file of the shortest key and value, and of the shortest tensor's entry.
enum { LEAST_KEY = 13, LEAST_TENSOR = 24 };

static bool read_magic(struct gguf_reader *r)
{
    char magic[4];
    uint32_t version;
    if (!gguf_read(r, magic, sizeof magic, "magic") || !gguf_read(r, &version, 4, "version"))
        return false;
    if (memcmp(magic, "GGUF", 4) != 0)
        return gguf_fail(r, 0, "found no 'GGUF' there, expected a GGUF file");
    if (version && !(version & 0xffff))
        return gguf_fail(r, 4, "found a big-endian file, expected a little-endian one");
    if (version != 2 && version != 3)
        return gguf_fail(r, 4, "found version %" PRIu32 ", expected 2 or 3", version);
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct gguf_value *x = a, *y = b;
    return strcmp(x->key.data, y->key.data);
}

static bool read_values(struct gguf_reader *r, uint64_t n, struct gguf *g)
{
    if (n > MAX_KEYS || n > gguf_left(r) / LEAST_KEY)
        return gguf_fail(r, r->at, "found a count of %" PRIu64 " keys, expected at most %" PRIu64,
                         n, (uint64_t)size_min(MAX_KEYS, gguf_left(r) / LEAST_KEY));
    if (!gguf_alloc(r, (size_t)n + 1, sizeof *g->values, (void **)&g->values))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!gguf_read_value(r, &g->values[i]))
            return false;
    g->n_values = (size_t)n;
    if (n)
        qsort(g->values, (size_t)n, sizeof *g->values, by_key);
    for (size_t i = 1; i < n; i++)
        if (by_key(&g->values[i - 1], &g->values[i]) == 0)
            return gguf_fail(r, r->at, "found key '%s' twice before, expected it once",
                             g->values[i].key.data);
    return true;
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
    struct gguf_value wanted = { .key = { .data = key } };
    return g->n_values ? bsearch(&wanted, g->values, g->n_values, sizeof *g->values, by_key) : NULL;
}

// Dimensions turned round: the file's first is the innermost.
static bool read_dims(struct gguf_reader *r, struct tensor_entry *t)
{
    uint64_t at = r->at;
    if (!gguf_read(r, &t->n_dims, 4, "dimension count"))
        return false;
    if (t->n_dims > 4)
        return gguf_fail(r, at, "found %" PRIu32 " dimensions of tensor '%s', expected at most 4",
                         t->n_dims, t->name);
    for (uint32_t i = t->n_dims; i-- > 0;)
        if (!gguf_read(r, &t->dims[i], 8, "dimension"))
            return false;
    return true;
}

// The byte length that the shape implies; refused where it overflows or cuts a block.
static bool tensor_bytes(struct gguf_reader *r, uint64_t at, const struct tensor_entry *t,
                         uint64_t *out)
{
    size_t blocks = 1;
    uint64_t inner = t->n_dims ? t->dims[t->n_dims - 1] : 1;
    if (inner % t->type->block)
        return gguf_fail(r, at,
                         "found rows of %" PRIu64
                         " elements in tensor '%s', expected a multiple of "
                         "%" PRIu32 " for type %s",
                         inner, t->name, t->type->block, t->type->name);
    bool ok = true;
    for (uint32_t i = 0; ok && i < t->n_dims; i++) {
        uint64_t n = i + 1 < t->n_dims ? t->dims[i] : t->dims[i] / t->type->block;
        ok = n <= INT64_MAX && size_mul(blocks, (size_t)n, &blocks);
    }
    ok = ok && size_mul(blocks, t->type->bits / 8, &blocks) && blocks <= INT64_MAX;
    *out = blocks;
    return ok
           || gguf_fail(r, at,
                        "found a shape of tensor '%s' that overflows, expected one that fits "
                        "the file",
                        t->name);
}

static bool read_type(struct gguf_reader *r, struct tensor_entry *t)
{
    uint32_t number;
    uint64_t at = r->at;
    const char *name;
    if (!gguf_read(r, &number, 4, "tensor type"))
        return false;
    t->type = dtype_find_gguf(number, &name);
    return t->type
           || gguf_fail(r, at,
                        "found type %s (number %" PRIu32 ") of tensor '%s', expected one of %s; "
                        "take a file of another quantisation",
                        name, number, t->name, dtype_readable);
}

static bool read_tensor(struct gguf_reader *r, uint64_t alignment, struct tensor_entry *t)
{
    struct gguf_string name;
    uint64_t at = r->at, bytes = 0;
    if (!gguf_read_string(r, MAX_NAME, "tensor name", &name))
        return false;
    if (!name.len || memchr(name.data, '\0', name.len))
        return gguf_fail(r, at,
                         "found a tensor's name that is empty or holds a NUL, expected text");
    t->name = name.data;
    if (!read_dims(r, t) || !read_type(r, t))
        return false;
    at = r->at;
    if (!gguf_read(r, &t->begin, 8, "tensor offset") || !tensor_bytes(r, at, t, &bytes))
        return false;
    if (t->begin % alignment)
        return gguf_fail(r, at,
                         "found offset %" PRIu64 " of tensor '%s', expected a multiple of %" PRIu64,
                         t->begin, t->name, alignment);
    if (t->begin > UINT64_MAX - bytes)
        return gguf_fail(r, at, "found offset %" PRIu64 " of tensor '%s', expected one in the file",
                         t->begin, t->name);
    t->end = t->begin + bytes;
    return true;
}

static bool read_alignment(struct gguf_reader *r, const struct gguf *g, uint64_t *out)
{
    const struct gguf_value *v = gguf_find(g, "general.alignment");
    *out = v && v->kind == GGUF_UINT ? v->u : 32;
    if ((!v || v->kind == GGUF_UINT) && *out >= 8 && *out <= MAX_ALIGNMENT && !(*out & (*out - 1)))
        return true;
    return gguf_fail(r, r->at,
                     "found general.alignment that is no power of two from 8 to %d, expected one",
                     MAX_ALIGNMENT);
}

static int by_begin(const void *a, const void *b)
{
    const struct tensor_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct tensor_entry *const *)a)->name,
                  (*(const struct tensor_entry *const *)b)->name);
}

static bool check_names(struct gguf_reader *r, const struct tensor_directory *d)
{
    const struct tensor_entry **sorted = malloc((d->n + 1) * sizeof *sorted);
    if (!sorted)
        return abl_no_memory(r->err);
    for (size_t i = 0; i < d->n; i++)
        sorted[i] = &d->entries[i];
    if (d->n)
        qsort(sorted, d->n, sizeof *sorted, by_name);
    bool ok = true;
    for (size_t i = 1; ok && i < d->n; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            ok = gguf_fail(r, r->at, "found tensor '%s' twice before, expected it once",
                           sorted[i]->name);
    free(sorted);
    return ok;
}

// Every tensor inside the data, and none in another. Gaps are padding.
static bool check_places(struct gguf_reader *r, const struct tensor_directory *d)
{
    uint64_t size = r->file->size - d->data_start, end = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct tensor_entry *t = &d->entries[i];
        if (t->end > size)
            return gguf_fail(r, d->data_start,
                             "found bytes %" PRIu64 " to %" PRIu64 " of the data for tensor '%s', "
                             "expected at most %" PRIu64 "; the file is cut, download it again",
                             t->begin, t->end, t->name, size);
        if (t->begin < end)
            return gguf_fail(r, d->data_start,
                             "found tensor '%s' inside of '%s', expected it behind", t->name,
                             d->entries[i - 1].name);
        end = t->end > end ? t->end : end;
    }
    return true;
}

static bool read_tensors(struct gguf_reader *r, uint64_t n, struct gguf *g)
{
    struct tensor_directory *d = &g->tensors.directory;
    uint64_t alignment;
    if (!read_alignment(r, g, &alignment))
        return false;
    if (n > MAX_TENSORS || n > gguf_left(r) / LEAST_TENSOR)
        return gguf_fail(r, 8, "found a count of %" PRIu64 " tensors, expected at most %" PRIu64, n,
                         (uint64_t)size_min(MAX_TENSORS, gguf_left(r) / LEAST_TENSOR));
    if (!gguf_alloc(r, (size_t)n + 1, sizeof *d->entries, (void **)&d->entries))
        return false;
    d->n = (size_t)n;
    for (size_t i = 0; i < n; i++)
        if (!read_tensor(r, alignment, &d->entries[i]))
            return false;
    d->data_start = (r->at + alignment - 1) / alignment * alignment;
    if (d->data_start > r->file->size) {
        if (n)
            return gguf_fail(r, r->at, "found the end of the file, expected the tensors' data");
        d->data_start = r->file->size;
    }
    if (n)
        qsort(d->entries, (size_t)n, sizeof *d->entries, by_begin);
    return check_names(r, d) && check_places(r, d);
}

bool gguf_open(const char *path, struct gguf *out, struct abl_err *err)
{
    struct gguf g = { .tensors.file.fd = -1 };
    uint64_t n_tensors, n_values;
    if (!file_open(path, &g.tensors.file, ABL_BAD_MODEL, err))
        return false;
    struct gguf_reader *r = gguf_reader_new(&g.tensors.file, &g.arena, err);
    bool ok = r && read_magic(r) && gguf_read(r, &n_tensors, 8, "tensor count")
              && gguf_read(r, &n_values, 8, "key count") && read_values(r, n_values, &g)
              && read_tensors(r, n_tensors, &g);
    free(r);
    if (!ok) {
        gguf_close(&g);
        return false;
    }
    *out = g;
    return true;
}

void gguf_close(struct gguf *g)
{
    tensor_file_close(&g->tensors);
    arena_release(&g->arena);
    *g = (struct gguf){ .tensors.file.fd = -1 };
}

bool gguf_is(const char *path)
{
    struct file_source f;
    struct abl_err ignored;
    char magic[4] = "";
    if (!file_open(path, &f, ABL_BAD_MODEL, &ignored))
        return false;
    bool is = f.size >= sizeof magic && file_read_at(&f, 0, magic, sizeof magic, &ignored)
              && memcmp(magic, "GGUF", sizeof magic) == 0;
    file_close(&f);
    return is;
}
