#include "format/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/size.h"

enum { MAX_HEADER = 100 * 1000 * 1000 };

static bool read_shape(struct json *j, struct tensor_entry *t)
{
    t->n_dims = 0;
    if (!json_array(j))
        return false;
    while (json_next_item(j)) {
        if (t->n_dims == TENSOR_MAX_DIMS)
            return json_fail(j, "found more than %d dimensions of tensor '%s', expected fewer",
                             TENSOR_MAX_DIMS, t->name);
        if (!json_u64(j, &t->dims[t->n_dims++]))
            return false;
    }
    return !j->failed;
}

static bool read_offsets(struct json *j, uint64_t data_len, struct tensor_entry *t)
{
    uint64_t begin, end;
    if (!json_array(j) || !json_next_item(j) || !json_u64(j, &begin) || !json_next_item(j)
        || !json_u64(j, &end) || json_next_item(j))
        return json_fail(j, "found data_offsets of tensor '%s' with another count, expected two",
                         t->name);
    if (j->failed)
        return false;
    if (begin > end || end > data_len)
        return json_fail(j,
                         "found data_offsets [%" PRIu64 ", %" PRIu64
                         "] of tensor '%s', expected begin <= end <= %" PRIu64
                         "; download the file again",
                         begin, end, t->name, data_len);
    t->begin = begin;
    t->end = end;
    return true;
}

static bool read_dtype(struct json *j, struct tensor_entry *t)
{
    struct json_text type;
    if (!json_string(j, &type))
        return false;
    t->type = dtype_find(type.data, type.len);
    return t->type
           || json_fail(
               j,
               "found dtype \"%.40s\" of tensor '%s', expected one of safetensors, such as "
               "F32, F16 or BF16",
               type.data, t->name);
}

// The byte length follows from the shape; it must be what the offsets say.
static bool check_extent(struct json *j, const struct tensor_entry *t)
{
    size_t bits = t->type->bits;
    for (uint32_t i = 0; i < t->n_dims; i++)
        if (t->dims[i] > SIZE_MAX || !size_mul(bits, (size_t)t->dims[i], &bits))
            return json_fail(
                j, "found a shape of tensor '%s' that overflows, expected at most 2^61 bytes",
                t->name);
    if (bits % 8)
        return json_fail(j, "found %zu bits in tensor '%s', expected whole bytes", bits, t->name);
    if (bits / 8 != t->end - t->begin)
        return json_fail(j,
                         "found data_offsets of tensor '%s' that span %" PRIu64
                         " bytes, expected %zu for its shape and dtype; download the file again",
                         t->name, t->end - t->begin, bits / 8);
    return true;
}

static bool read_tensor(struct json *j, uint64_t data_len, struct tensor_entry *t)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
    unsigned seen = 0;
    struct json_text key;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        bool ok;
        if (json_key_is(key, "dtype")) {
            seen |= DTYPE;
            ok = read_dtype(j, t);
        } else if (json_key_is(key, "shape")) {
            seen |= SHAPE;
            ok = read_shape(j, t);
        } else if (json_key_is(key, "data_offsets")) {
            seen |= OFFSETS;
            ok = read_offsets(j, data_len, t);
        } else
            ok = json_fail(j,
                           "found key \"%.40s\" of tensor '%s', expected dtype, shape and "
                           "data_offsets",
                           key.data, t->name);
        if (!ok)
            return false;
    }
    if (j->failed)
        return false;
    if (seen != (DTYPE | SHAPE | OFFSETS))
        return json_fail(j, "found tensor '%s' without %s, expected dtype, shape and data_offsets",
                         t->name,
                         !(seen & DTYPE)   ? "dtype"
                         : !(seen & SHAPE) ? "shape"
                                           : "data_offsets");
    return check_extent(j, t);
}

static bool read_metadata(struct json *j)
{
    struct json_text key, value;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key))
        if (!json_string(j, &value))
            return false;
    return !j->failed;
}

struct entry_list {
    struct tensor_entry *items;
    size_t n, cap;
};

static struct tensor_entry *list_add(struct entry_list *l)
{
    struct tensor_entry *grown = array_room(l->items, l->n, &l->cap, sizeof *grown);
    if (!grown)
        return NULL;
    l->items = grown;
    l->items[l->n] = (struct tensor_entry){ 0 };
    return &l->items[l->n++];
}

static bool read_header(struct json *j, uint64_t data_len, struct arena *names,
                        struct entry_list *list)
{
    struct json_text key;
    if (j->size == 0 || j->text[0] != '{')
        return json_fail(j, "found another byte than '{', expected a safetensors header");
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "__metadata__")) {
            if (!read_metadata(j))
                return false;
            continue;
        }
        if (!key.len || memchr(key.data, '\0', key.len))
            return json_fail(j,
                             "found a tensor's name that is empty or holds a NUL, expected text");
        if (list->n == MAX_TENSORS)
            return json_fail(j, "found more than %d tensors, expected fewer", MAX_TENSORS);
        struct tensor_entry *t = list_add(list);
        if (!t || !(t->name = arena_strndup(names, key.data, key.len)))
            return abl_no_memory(j->err);
        if (!read_tensor(j, data_len, t))
            return false;
    }
    return json_end(j);
}

static int by_begin(const void *a, const void *b)
{
    const struct tensor_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

// Ranges must follow one another from byte 0 to the end of the file: no holes, overlaps or tail.
static bool check_contiguous(const char *name, const struct entry_list *l, uint64_t data_len,
                             struct abl_err *err)
{
    uint64_t at = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct tensor_entry *t = &l->items[i];
        if (t->begin != at)
            return abl_fail(err, ABL_BAD_MODEL,
                            "%s between tensors in %s: found tensor '%s' at byte %" PRIu64
                            " of the data, expected it at %" PRIu64 "; download the file again",
                            t->begin > at ? "hole" : "overlap", name, t->name, t->begin, at);
        at = t->end;
    }
    if (at != data_len)
        return abl_fail(err, ABL_BAD_MODEL,
                        "data behind the last tensor in %s: found %" PRIu64
                        " bytes of data, expected %" PRIu64 "; download the file again",
                        name, data_len, at);
    return true;
}

bool safetensors_parse(const char *name, const void *header, size_t size, uint64_t data_len,
                       struct tensor_directory *out, struct abl_err *err)
{
    struct json j;
    struct tensor_directory d = { 0 };
    struct entry_list list = { 0 };
    bool ok = json_open(&j, name, header, size, ABL_BAD_MODEL, err)
              && read_header(&j, data_len, &d.arena, &list);
    json_close(&j);
    if (ok && list.n)
        qsort(list.items, list.n, sizeof *list.items, by_begin);
    ok = ok && check_contiguous(name, &list, data_len, err);
    if (ok) {
        d.entries = arena_alloc(&d.arena, list.n + 1, sizeof *d.entries);
        ok = d.entries || abl_no_memory(err);
    }
    if (ok && list.n)
        memcpy(d.entries, list.items, list.n * sizeof *list.items);
    d.n = list.n;
    free(list.items);
    if (!ok) {
        arena_release(&d.arena);
        return false;
    }
    *out = d;
    return true;
}

static bool header_size(const struct file_source *f, uint64_t *out, struct abl_err *err)
{
    unsigned char prefix[8];
    if (f->size < sizeof prefix)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s' is no safetensors file: found %" PRIu64
                        " bytes, expected at least 8; download it again",
                        f->path, f->size);
    if (!file_read_at(f, 0, prefix, sizeof prefix, err))
        return false;
    uint64_t n = 0, most = size_min(MAX_HEADER, f->size - sizeof prefix);
    for (int i = 7; i >= 0; i--)
        n = n << 8 | prefix[i];
    if (n > most)
        return abl_fail(err, ABL_BAD_MODEL,
                        "bad header size in '%s' at byte 0: found %" PRIu64
                        ", expected at most %" PRIu64
                        "; the file is cut or no safetensors, download it again",
                        f->path, n, most);
    *out = n;
    return true;
}

static bool read_directory(struct tensor_file *s, struct abl_err *err)
{
    const struct file_source *f = &s->file;
    uint64_t n = 0;
    if (!header_size(f, &n, err))
        return false;
    struct arena scratch = { 0 };
    char *header = arena_alloc(&scratch, (size_t)n + 1, 1);
    char *name = arena_printf(&scratch, "the header of '%s'", f->path);
    bool ok = ((header && name) || abl_no_memory(err)) && file_read_at(f, 8, header, (size_t)n, err)
              && safetensors_parse(name, header, (size_t)n, f->size - 8 - n, &s->directory, err);
    s->directory.data_start = 8 + n;
    arena_release(&scratch);
    return ok;
}

bool safetensors_open(const char *path, struct tensor_file *out, struct abl_err *err)
{
    struct tensor_file s = { 0 };
    if (!file_open(path, &s.file, ABL_BAD_MODEL, err))
        return false;
    if (!read_directory(&s, err)) {
        file_close(&s.file);
        return false;
    }
    *out = s;
    return true;
}
