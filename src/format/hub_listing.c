#include "format/hub_listing.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"

enum { MAX_FILES = 100000, MAX_NAME = 255, SHA256_DIGITS = 64, GIT_DIGITS = 40, SHOWN = 12 };

// Everything the repository holds in its top folder.
struct all_files {
    struct hub_file *items;
    size_t n, cap;
    struct arena *arena;
};

static bool is_hash(struct json_text t, size_t len)
{
    return t.len == len && strspn(t.data, "0123456789abcdef") == len;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

// A name becomes a file of ours and is shown in a terminal: files in folders, hidden ones and those
// beyond ASCII are left out.
static bool name_is_plain(struct json_text name)
{
    if (!name.len || name.len > MAX_NAME || name.data[0] == '.' || strlen(name.data) != name.len)
        return false;
    for (const char *c = name.data; *c; c++)
        if (*c < 0x20 || *c > 0x7e || *c == '/' || *c == '\\')
            return false;
    return true;
}

static bool add_file(struct all_files *all, const struct hub_file *f, struct json *j)
{
    if (all->n == MAX_FILES)
        return json_fail(j, "found more than %d files, expected fewer", MAX_FILES);
    if (all->n == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 64;
        struct hub_file *grown = arena_alloc(all->arena, cap, sizeof *grown);
        if (!grown)
            return abl_no_memory(j->err);
        if (all->n)
            memcpy(grown, all->items, all->n * sizeof *grown);
        all->items = grown;
        all->cap = cap;
    }
    struct hub_file *to = &all->items[all->n++];
    *to = *f;
    to->name = arena_strdup(all->arena, f->name);
    to->hash = f->hash ? arena_strdup(all->arena, f->hash) : NULL;
    return (to->name && (to->hash || !f->hash)) || abl_no_memory(j->err);
}

// {"sha256": …, "size": …} or null for a small file.
static bool read_lfs(struct json *j, struct hub_file *f)
{
    struct json_text key, hash;
    if (json_peek(j) != JSON_OBJECT)
        return json_skip(j);
    json_object(j);
    while (json_next_key(j, &key)) {
        if (!json_key_is(key, "sha256")) {
            json_skip(j);
            continue;
        }
        if (!json_string(j, &hash))
            return false;
        f->is_sha256 = is_hash(hash, SHA256_DIGITS);
        if (f->is_sha256)
            f->hash = hash.data;
    }
    return !j->failed;
}

// {"rfilename": …, "size": …, "blobId": …, "lfs": …}; what lacks its size or hash keeps hash NULL.
static bool read_sibling(struct json *j, struct all_files *all)
{
    struct hub_file f = { 0 };
    struct json_text key, name = { 0 }, blob = { 0 };
    bool has_size = false;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "rfilename"))
            json_string(j, &name);
        else if (json_key_is(key, "blobId") && json_peek(j) == JSON_STRING)
            json_string(j, &blob);
        else if (json_key_is(key, "size") && json_peek(j) == JSON_NUMBER)
            has_size = json_u64(j, &f.size);
        else if (json_key_is(key, "lfs"))
            read_lfs(j, &f);
        else
            json_skip(j);
    }
    if (j->failed || !name.data || !name_is_plain(name))
        return !j->failed;
    f.name = name.data;
    if (!f.hash && blob.data && is_hash(blob, GIT_DIGITS))
        f.hash = blob.data;
    if (!has_size)
        f.hash = NULL;
    return add_file(all, &f, j);
}

static bool read_all(struct json *j, struct hub_listing *l, struct all_files *all)
{
    struct json_text key, commit = { 0 };
    bool has_list = false;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "sha")) {
            json_string(j, &commit);
        } else if (json_key_is(key, "siblings")) {
            has_list = json_array(j);
            while (json_next_item(j))
                if (!read_sibling(j, all))
                    return false;
        } else
            json_skip(j);
    }
    if (!json_end(j))
        return false;
    if (!commit.data || !is_hash(commit, HUB_COMMIT) || !has_list)
        return json_fail(j, "found no commit and its files, expected \"sha\" and \"siblings\"");
    memcpy(l->commit, commit.data, HUB_COMMIT + 1);
    return true;
}

// -------------------------------------------------------------------------------------- the choice

static bool has(const struct all_files *all, const char *name)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->items[i].name, name) == 0)
            return true;
    return false;
}

static bool has_any(const struct all_files *all, const char *end)
{
    for (size_t i = 0; i < all->n; i++)
        if (ends_with(all->items[i].name, end))
            return true;
    return false;
}

// Where "-00002-of-00005.gguf" begins in a name; the whole length where the file is not a part.
static size_t part_at(const char *name)
{
    enum { TAIL = 20, DIGITS = 5 };
    size_t n = strlen(name);
    const char *t = n > TAIL ? name + n - TAIL : "";
    bool is_part = *t == '-' && strspn(t + 1, "0123456789") == DIGITS
                   && strncmp(t + 1 + DIGITS, "-of-", 4) == 0
                   && strspn(t + 5 + DIGITS, "0123456789") == DIGITS && ends_with(t, ".gguf");
    return is_part ? n - TAIL : n;
}

// The same file, or another part of the same model.
static bool same_gguf(const char *a, const char *b)
{
    size_t stem = part_at(a);
    if (!a[stem] || !b[part_at(b)])
        return strcmp(a, b) == 0;
    // "-of-00005.gguf"
    return part_at(b) == stem && strncmp(a, b, stem) == 0
           && strcmp(a + stem + 6, b + stem + 6) == 0;
}

// Whether a model begins with this file.
static bool is_first(const char *name)
{
    return ends_with(name, ".gguf")
           && (!name[part_at(name)] || strncmp(name + part_at(name), "-00001", 6) == 0);
}

// The one GGUF model of a repository; NULL where there are none or several.
static const char *only_gguf(const struct all_files *all)
{
    const char *found = NULL;
    for (size_t i = 0; i < all->n; i++) {
        if (!is_first(all->items[i].name))
            continue;
        if (found)
            return NULL;
        found = all->items[i].name;
    }
    return found;
}

static bool is_beside(const char *name)
{
    static const char *const small[] = { "config.json",
                                         "generation_config.json",
                                         "tokenizer.json",
                                         "tokenizer.model",
                                         "vocab.json",
                                         "tokenizer_config.json",
                                         "merges.txt",
                                         "added_tokens.json",
                                         "special_tokens_map.json" };
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (strcmp(name, small[i]) == 0)
            return true;
    return false;
}

// A model.safetensors beside shards of the same weights goes alone, as model_open reads it.
static bool is_safetensors(bool whole, const char *name)
{
    if (whole)
        return strcmp(name, "model.safetensors") == 0;
    return strcmp(name, "model.safetensors.index.json") == 0
           || (strncmp(name, "model-", 6) == 0 && ends_with(name, ".safetensors"));
}

static void list_gguf(const struct all_files *all, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        if (!is_first(all->items[i].name))
            continue;
        if (n < SHOWN)
            buf_printf(out, "%s%s", n ? ", " : "", all->items[i].name);
        n++;
    }
    if (n > SHOWN)
        buf_printf(out, " and %zu more", n - SHOWN);
}

// Say what the repository has instead of what was wanted.
static bool nothing_to_fetch(const struct hub_repository *from, const char *file,
                             const struct all_files *all, struct abl_err *err)
{
    struct buf ggufs = { 0 };
    list_gguf(all, &ggufs);
    if (ggufs.failed)
        abl_no_memory(err);
    else if (file)
        abl_fail(err, ABL_BAD_MODEL, "no file '%s' in '%s': found %s; %s/%s shows its files", file,
                 from->id, ggufs.data ? ggufs.data : "no GGUF files", from->endpoint, from->id);
    else if (ggufs.data)
        abl_fail(err, ABL_BAD_MODEL,
                 "no safetensors in '%s': it holds several GGUF files, name one as in '%s:FILE'; "
                 "found %s",
                 from->id, from->id, ggufs.data);
    else
        abl_fail(err, ABL_BAD_MODEL, "no safetensors in '%s'%s; %s/%s shows its files", from->id,
                 has_any(all, ".bin")
                     ? ", only pytorch_model.bin, which is not read: ask its owner "
                       "for safetensors, or convert it with transformers"
                     : "",
                 from->endpoint, from->id);
    buf_release(&ggufs);
    return false;
}

static bool keep(struct hub_listing *l, const struct hub_file *f, bool is_weights,
                 const struct hub_repository *from, struct abl_err *err)
{
    if (!f->hash)
        return abl_fail(err, ABL_FAILED,
                        "%s lists '%s' of '%s' without its size or hash: expected both; nothing is "
                        "fetched that cannot be checked",
                        from->endpoint, f->name, from->id);
    l->files[l->n] = *f;
    l->files[l->n++].is_weights = is_weights;
    return true;
}

static bool choose(struct hub_listing *l, const struct all_files *all, const char *file,
                   const struct hub_repository *from, struct abl_err *err)
{
    bool whole = has(all, "model.safetensors");
    bool safetensors = !file && (whole || has(all, "model.safetensors.index.json"));
    const char *gguf = file ? file : safetensors ? NULL : only_gguf(all);
    l->files = arena_alloc(&l->arena, all->n + 1, sizeof *l->files);
    if (!l->files)
        return abl_no_memory(err);
    for (size_t i = 0; safetensors && i < all->n; i++)
        if (is_beside(all->items[i].name) && !keep(l, &all->items[i], false, from, err))
            return false;
    size_t n_beside = l->n;
    for (size_t i = 0; i < all->n; i++) {
        const char *name = all->items[i].name;
        bool wanted = safetensors ? is_safetensors(whole, name) : gguf && same_gguf(gguf, name);
        if (wanted && !keep(l, &all->items[i], true, from, err))
            return false;
    }
    return l->n > n_beside || nothing_to_fetch(from, file, all, err);
}

bool hub_listing_read(const struct hub_repository *from, const char *file, const char *text,
                      size_t size, struct hub_listing *out, struct abl_err *err)
{
    struct hub_listing l = { 0 };
    struct arena scratch = { 0 };
    struct all_files all = { .arena = &scratch };
    struct json j;
    bool ok = json_open(&j, "the hub's list of files", text, size, ABL_FAILED, err)
              && read_all(&j, &l, &all);
    json_close(&j);
    // What was chosen moves into the listing's own arena.
    ok = ok && choose(&l, &all, file, from, err);
    for (size_t i = 0; ok && i < l.n; i++) {
        l.files[i].name = arena_strdup(&l.arena, l.files[i].name);
        l.files[i].hash = arena_strdup(&l.arena, l.files[i].hash);
        ok = (l.files[i].name && l.files[i].hash) || abl_no_memory(err);
    }
    arena_release(&scratch);
    if (!ok) {
        hub_listing_release(&l);
        return false;
    }
    *out = l;
    return true;
}

void hub_listing_release(struct hub_listing *l)
{
    arena_release(&l->arena);
    *l = (struct hub_listing){ 0 };
}
