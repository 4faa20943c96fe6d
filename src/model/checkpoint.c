#include "model/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/string_index.h"
#include "format/safetensors.h"
#include "model/folder_kind.h"

enum { MAX_INDEX = 256 << 20, MAX_SHARDS = 4096 };

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// A shard's name comes from a file: it must stay inside the folder.
static bool safe_name(struct json_text name)
{
    return name.len && !memchr(name.data, '/', name.len) && !memchr(name.data, '\\', name.len)
           && !memchr(name.data, '\0', name.len) && !strstr(name.data, "..");
}

struct shard_list {
    char **names;
    size_t n;
    struct string_index known; // the same names
};

static bool add_shard(struct shard_list *l, struct json *j, struct json_text name)
{
    if (!safe_name(name))
        return json_fail(j,
                         "found shard name \"%.80s\", expected the name of a file beside this one",
                         name.data);
    size_t n_before = l->known.n;
    if (!string_index_put_copy(&l->known, name.data, name.len, 0))
        return abl_no_memory(j->err);
    if (l->known.n == n_before)
        return true;
    if (l->n == MAX_SHARDS)
        return json_fail(j, "found more than %d shards, expected fewer", MAX_SHARDS);
    l->names[l->n] = strdup(name.data);
    return l->names[l->n++] != NULL || abl_no_memory(j->err);
}

// Call `see` for each entry of the index's "weight_map": {"tensor": "shard", …}.
static bool each_mapped(struct json *j,
                        bool (*see)(void *context, struct json *j, struct json_text tensor,
                                    struct json_text file),
                        void *context)
{
    struct json_text key, tensor, file;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        if (!json_key_is(key, "weight_map")) {
            json_skip(j);
            continue;
        }
        if (!json_object(j))
            return false;
        while (json_next_key(j, &tensor))
            if (!json_string(j, &file) || !see(context, j, tensor, file))
                return false;
    }
    return json_end(j);
}

static bool list_shard(void *context, struct json *j, struct json_text tensor,
                       struct json_text file)
{
    (void)tensor;
    return add_shard(context, j, file);
}

static bool read_index(struct json *j, struct shard_list *l)
{
    if (!each_mapped(j, list_shard, l))
        return false;
    return l->n || json_fail(j, "found no weight_map, expected one that names the shards");
}

static void free_shards(struct shard_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->names[i]);
    free(l->names);
    string_index_release(&l->known);
}

static bool open_file(struct checkpoint *c, const char *folder, const char *name,
                      struct abl_err *err)
{
    char *path = file_join(folder, name);
    bool ok = path ? safetensors_open(path, &c->files[c->n_files], err) : abl_no_memory(err);
    c->n_files += ok;
    free(path);
    return ok;
}

static int by_tensor(const void *a, const void *b)
{
    const struct tensor_ref *x = a, *y = b;
    return strcmp(x->entry->name, y->entry->name);
}

// The directories of all files as one, which may name no tensor twice.
static bool merge_directories(struct checkpoint *c, struct abl_err *err)
{
    for (size_t f = 0; f < c->n_files; f++)
        c->n_tensors += c->files[f].directory.n;
    c->tensors = calloc(c->n_tensors + 1, sizeof *c->tensors);
    if (!c->tensors)
        return abl_no_memory(err);
    struct tensor_ref *to = c->tensors;
    for (size_t f = 0; f < c->n_files; f++)
        for (size_t i = 0; i < c->files[f].directory.n; i++)
            *to++ = (struct tensor_ref){ &c->files[f], &c->files[f].directory.entries[i] };
    qsort(c->tensors, c->n_tensors, sizeof *c->tensors, by_tensor);
    for (size_t i = 1; i < c->n_tensors; i++)
        if (by_tensor(&c->tensors[i - 1], &c->tensors[i]) == 0)
            return abl_fail(err, ABL_BAD_MODEL,
                            "tensor '%s' is in both '%s' and '%s': expected it in one shard; "
                            "download the checkpoint again",
                            c->tensors[i].entry->name, c->tensors[i - 1].file->file.path,
                            c->tensors[i].file->file.path);
    return true;
}

// What check_mapped holds an index against.
struct opened {
    const struct checkpoint *checkpoint;
    const struct shard_list *shards;
};

// A tensor of the map must be in the shard that it names.
static bool check_mapped(void *context, struct json *j, struct json_text tensor,
                         struct json_text file)
{
    const struct opened *o = context;
    struct tensor_ref ref = checkpoint_find(o->checkpoint, tensor.data);
    return (ref.entry && !strcmp(o->shards->names[ref.file - o->checkpoint->files], file.data))
           || json_fail(j,
                        "found no tensor '%s' in shard '%s', expected it there; the download is"
                        " not complete",
                        tensor.data, file.data);
}

static bool open_listed(struct checkpoint *c, const char *folder, struct shard_list *l,
                        struct abl_err *err)
{
    qsort(l->names, l->n, sizeof *l->names, by_name);
    c->files = calloc(l->n, sizeof *c->files);
    if (!c->files)
        return abl_no_memory(err);
    for (size_t i = 0; i < l->n; i++)
        if (!file_exists_in(folder, l->names[i]))
            return abl_fail(err, ABL_BAD_MODEL,
                            "no '%s' in '%s', a shard that model.safetensors.index.json names: the "
                            "download is not complete; fetch what is missing",
                            l->names[i], folder);
    for (size_t i = 0; i < l->n; i++)
        if (!open_file(c, folder, l->names[i], err))
            return false;
    return merge_directories(c, err);
}

// The index is read twice: once for the shards, once to hold their directories against it.
static bool open_shards(struct checkpoint *c, const char *folder, const char *index,
                        struct abl_err *err)
{
    struct file_bytes text = { 0 };
    struct shard_list list = { .names = calloc(MAX_SHARDS, sizeof *list.names) };
    struct json j;
    bool ok = (list.names || abl_no_memory(err))
              && file_read(index, MAX_INDEX, &text, ABL_BAD_MODEL, err);
    if (ok) {
        ok = json_open(&j, index, text.data, text.size, ABL_BAD_MODEL, err) && read_index(&j, &list)
             && open_listed(c, folder, &list, err);
        json_close(&j);
    }
    if (ok) {
        ok = json_open(&j, index, text.data, text.size, ABL_BAD_MODEL, err)
             && each_mapped(&j, check_mapped, &(struct opened){ c, &list });
        json_close(&j);
    }
    file_bytes_release(&text);
    free_shards(&list);
    return ok;
}

static bool open_folder(struct checkpoint *c, const char *folder, struct abl_err *err)
{
    char *index = file_join(folder, "model.safetensors.index.json");
    if (!index)
        return abl_no_memory(err);
    bool ok = true;
    if (file_exists_in(folder, "model.safetensors")) {
        c->files = calloc(1, sizeof *c->files);
        ok = (c->files || abl_no_memory(err)) && open_file(c, folder, "model.safetensors", err)
             && merge_directories(c, err);
    } else
        ok = file_exists(index) ? open_shards(c, folder, index, err)
                                : folder_lacks_weights(folder, err);
    free(index);
    return ok;
}

// -------------------------------------------------------------------------------------------- GGUF

static uint64_t gguf_number(const struct gguf *g, const char *key, uint64_t absent)
{
    const struct gguf_value *v = gguf_find(g, key);
    return v && v->kind == GGUF_UINT ? v->u : absent;
}

// "name-00001-of-00003.gguf" names its siblings; part counts from 0.
// NULL with err filled otherwise.
static char *split_name(const char *path, uint64_t part, uint64_t count, struct abl_err *err)
{
    enum { TAIL = 20 }; // -00001-of-00003.gguf
    char tail[TAIL + 1];
    size_t len = strlen(path);
    snprintf(tail, sizeof tail, "-00001-of-%05u.gguf", (unsigned)count);
    if (len < TAIL || strcmp(path + len - TAIL, tail) != 0) {
        abl_fail(err, ABL_BAD_MODEL,
                 "'%s' is the first of %u parts: expected a name that ends in '%s', by which the "
                 "others are found",
                 path, (unsigned)count, tail);
        return NULL;
    }
    char *name = strdup(path);
    if (!name) {
        abl_no_memory(err);
        return NULL;
    }
    snprintf(name + len - TAIL, TAIL + 1, "-%05u-of-%05u.gguf", (unsigned)part + 1,
             (unsigned)count);
    return name;
}

static bool open_part(struct checkpoint *c, const char *first, uint64_t part, uint64_t count,
                      struct abl_err *err)
{
    struct gguf g;
    char *path = split_name(first, part, count, err);
    if (!path)
        return false;
    bool ok = gguf_open(path, &g, err);
    if (ok && gguf_number(&g, "split.no", UINT64_MAX) != part) {
        ok = abl_fail(err, ABL_BAD_MODEL,
                      "bad split.no in '%s': expected %u; the parts do not belong together", path,
                      (unsigned)part);
        gguf_close(&g);
    } else if (ok) {
        c->files[c->n_files++] = g.tensors;
        g.tensors = (struct tensor_file){ .file.fd = -1 };
        gguf_close(&g);
    }
    free(path);
    return ok;
}

static bool open_gguf(struct checkpoint *c, const char *path, struct abl_err *err)
{
    if (!gguf_open(path, &c->gguf, err))
        return false;
    c->is_gguf = true;
    uint64_t part = gguf_number(&c->gguf, "split.no", 0);
    uint64_t count = gguf_number(&c->gguf, "split.count", 1);
    if (part != 0)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s' is part %u of a split model: expected the first part, name that",
                        path, (unsigned)(part + 1));
    if (count > MAX_SHARDS)
        return abl_fail(err, ABL_BAD_MODEL,
                        "bad split.count in '%s': expected at most %d; download the file again",
                        path, MAX_SHARDS);
    c->files = calloc(count ? count : 1, sizeof *c->files);
    if (!c->files)
        return abl_no_memory(err);
    c->files[c->n_files++] = c->gguf.tensors;
    c->gguf.tensors = (struct tensor_file){ .file.fd = -1 };
    for (uint64_t i = 1; i < count; i++)
        if (!open_part(c, path, i, count, err))
            return false;
    return merge_directories(c, err);
}

bool checkpoint_open(const char *path, struct checkpoint **out, struct abl_err *err)
{
    struct checkpoint *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    c->gguf.tensors.file.fd = -1;
    bool ok = gguf_is(path) ? open_gguf(c, path, err) : open_folder(c, path, err);
    if (!ok) {
        checkpoint_close(c);
        return false;
    }
    *out = c;
    return true;
}

void checkpoint_close(struct checkpoint *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_files; i++)
        tensor_file_close(&c->files[i]);
    if (c->is_gguf)
        gguf_close(&c->gguf);
    free(c->files);
    free(c->tensors);
    free(c);
}

static int name_to_tensor(const void *name, const void *tensor)
{
    return strcmp(name, ((const struct tensor_ref *)tensor)->entry->name);
}

struct tensor_ref checkpoint_find(const struct checkpoint *c, const char *name)
{
    const struct tensor_ref *found
        = bsearch(name, c->tensors, c->n_tensors, sizeof *c->tensors, name_to_tensor);
    return found ? *found : (struct tensor_ref){ 0 };
}

bool checkpoint_sha256(const struct checkpoint *c, const atomic_bool *stop, char out[SHA256_HEX],
                       struct abl_err *err)
{
    if (c->n_files == 1)
        return sha256_source(&c->files[0].file, stop, out, err);
    struct buf all = { 0 };
    char hex[SHA256_HEX];
    bool ok = true;
    for (size_t i = 0; ok && i < c->n_files; i++) {
        ok = sha256_source(&c->files[i].file, stop, hex, err);
        buf_str(&all, hex);
    }
    if (ok && all.failed)
        ok = abl_no_memory(err);
    ok = ok && sha256_bytes(all.data, all.len, out, err);
    buf_release(&all);
    return ok;
}
