#include "format/hf_cache.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

enum { MAX_ID_PART = 96, MAX_REVISION = 200, MAX_REF = 200, COMMIT = 40, LEAST_COMMIT = 7 };

static bool given(const char *s)
{
    return s && *s;
}

// "~" as a job script may say it where no shell looks.
static char *join_home(const char *path, const char *name, const char *home)
{
    char *folder = file_expand_home(path, home), *out = folder ? file_join(folder, name) : NULL;
    free(folder);
    return out;
}

char *hf_cache_root(const struct hf_environment *e)
{
    if (given(e->hf_hub_cache))
        return file_expand_home(e->hf_hub_cache, e->home);
    if (given(e->huggingface_hub_cache))
        return file_expand_home(e->huggingface_hub_cache, e->home);
    if (given(e->hf_home))
        return join_home(e->hf_home, "hub", e->home);
    if (given(e->xdg_cache_home))
        return join_home(e->xdg_cache_home, "huggingface/hub", e->home);
    return given(e->home) ? file_join(e->home, ".cache/huggingface/hub") : NULL;
}

// Not isalnum(): what that takes beyond ASCII depends on the locale.
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool id_part_valid(const char *part, size_t len)
{
    return len && len <= MAX_ID_PART && in(part[0], WORD) && in(part[len - 1], WORD)
           && strspn(part, WORD "-.") >= len;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

bool hf_id_valid(const char *id)
{
    const char *slash = strchr(id, '/'), *name = slash ? slash + 1 : id;
    if (slash && !id_part_valid(id, (size_t)(slash - id)))
        return false;
    return id_part_valid(name, strlen(name)) && !strstr(id, "..") && !strstr(id, "--")
           && !ends_with(id, ".git");
}

bool hf_revision_valid(const char *revision)
{
    size_t len = strlen(revision);
    return len && len <= MAX_REVISION && strspn(revision, WORD "-./") == len && revision[0] != '/'
           && revision[0] != '.' && revision[len - 1] != '/' && !strstr(revision, "..")
           && !strstr(revision, "//");
}

char *hf_repo_path(const char *root, const char *id)
{
    const char *slash = strchr(id, '/');
    size_t size = strlen(root) + strlen(id) + sizeof "/models----";
    char *path = malloc(size);
    if (path && slash)
        snprintf(path, size, "%s/models--%.*s--%s", root, (int)(slash - id), id, slash + 1);
    else if (path)
        snprintf(path, size, "%s/models--%s", root, id);
    if (path)
        file_tidy(path);
    return path;
}

static bool is_hex(const char *text, size_t least)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= least && n <= COMMIT && !text[n];
}

// The commit in refs/REVISION; "" where there is none, or none in it. False when memory is out.
static bool read_ref(const char *repo, const char *revision, char commit[COMMIT + 1],
                     struct arena *a, struct abl_err *err)
{
    struct file_bytes bytes;
    struct abl_err why = { 0 };
    const char *path = file_path(a, "%s/refs/%s", repo, revision);
    *commit = '\0';
    if (!path)
        return abl_no_memory(err);
    if (!file_exists(path))
        return true;
    if (!file_read(path, MAX_REF, &bytes, ABL_BAD_MODEL, &why))
        return why.code == ABL_BAD_MODEL || abl_fail(err, why.code, "%s", why.text);
    const char *text = bytes.data + strspn(bytes.data, " \t\r\n");
    size_t len = strcspn(text, " \t\r\n");
    if (len == COMMIT && !text[len + strspn(text + len, " \t\r\n")]) {
        memcpy(commit, text, COMMIT);
        commit[COMMIT] = '\0';
    }
    if (!is_hex(commit, COMMIT))
        *commit = '\0';
    file_bytes_release(&bytes);
    return true;
}

static bool is_commit(const char *path, const char *name)
{
    (void)path;
    return is_hex(name, COMMIT);
}

struct candidate {
    char *path; // owned
    bool has_config;
    struct timespec changed;
};

static bool look_at(const char *folder, const char *commit, struct candidate *out,
                    struct abl_err *err)
{
    struct stat st;
    *out = (struct candidate){ .path = file_join(folder, commit) };
    if (!out->path)
        return abl_no_memory(err);
    if (stat(out->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        out->changed = st.st_mtim;
        out->has_config = file_is_regular_in(out->path, "config.json");
        return true;
    }
    free(out->path);
    out->path = NULL;
    return true;
}

// One with a config.json wins, then the newer one. Ties go to the first in name order.
static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (!a->path || !b->path)
        return a->path != NULL;
    if (a->has_config != b->has_config)
        return a->has_config;
    if (a->changed.tv_sec != b->changed.tv_sec)
        return a->changed.tv_sec > b->changed.tv_sec;
    return a->changed.tv_nsec > b->changed.tv_nsec;
}

// The best snapshot whose commit begins so.
static bool find_snapshot(const char *repo, const char *prefix, char **out, struct arena *a,
                          struct abl_err *err)
{
    struct names commits;
    struct candidate best = { 0 };
    const char *folder = file_path(a, "%s/snapshots", repo);
    if (!folder)
        return abl_no_memory(err);
    if (!folder_names(folder, is_commit, &commits, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < commits.n; i++) {
        struct candidate c;
        if (strncmp(commits.items[i], prefix, strlen(prefix)) != 0)
            continue;
        ok = look_at(folder, commits.items[i], &c, err);
        if (ok && is_better(&c, &best)) {
            free(best.path);
            best = c;
        } else
            free(c.path);
    }
    names_release(&commits);
    if (ok)
        *out = best.path;
    else
        free(best.path);
    return ok;
}

bool hf_cache_find(const char *root, const char *id, const char *revision, char **out,
                   struct abl_err *err)
{
    struct arena a = { 0 };
    char commit[COMMIT + 1] = "", *repo = hf_repo_path(root, id);
    const char *wanted = revision ? revision : "main";
    bool ok = repo || abl_no_memory(err);
    *out = NULL;
    if (ok && file_is_dir(repo) && hf_revision_valid(wanted)) {
        ok = read_ref(repo, wanted, commit, &a, err);
        if (ok && *commit)
            ok = find_snapshot(repo, commit, out, &a, err);
        else if (ok && !revision)
            ok = find_snapshot(repo, "", out, &a, err);
        else if (ok && is_hex(wanted, LEAST_COMMIT))
            ok = find_snapshot(repo, wanted, out, &a, err);
    }
    free(repo);
    arena_release(&a);
    return ok;
}

// ---------------------------------------------------------------------------- is a snapshot whole?

// "x-00002-of-00005.gguf" is not where its model begins.
static bool is_first_gguf(const char *path, const char *name)
{
    (void)path;
    size_t n = strlen(name);
    const char *part = n > 20 ? name + n - 20 : "";
    bool is_part = *part == '-' && strncmp(part + 6, "-of-", 4) == 0;
    return ends_with(name, ".gguf") && (!is_part || strncmp(part, "-00001", 6) == 0);
}

bool hf_gguf_files(const char *folder, struct names *out, struct abl_err *err)
{
    return folder_names(folder, is_first_gguf, out, err);
}

bool hf_has_safetensors(const char *folder)
{
    return file_is_regular_in(folder, "model.safetensors")
           || file_is_regular_in(folder, "model.safetensors.index.json");
}

// What a model is read from; a README or a picture may miss.
static bool is_read(const char *path, const char *name)
{
    static const char *const ends[] = { ".json", ".safetensors", ".gguf", ".model", ".txt" };
    (void)path;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

// Whether `path` is `folder` or below it, links followed.
static bool lies_in(const char *path, const char *folder, bool *in_it, struct abl_err *err)
{
    char *whole = realpath(folder, NULL);
    if (!whole && errno == ENOMEM)
        return abl_no_memory(err);
    size_t len = whole ? strlen(whole) : 0;
    *in_it = len && strncmp(path, whole, len) == 0 && (!path[len] || path[len] == '/');
    free(whole);
    return true;
}

// A link to nothing says only where it would lead.
static bool points_out(const char *link)
{
    static const char blobs[] = "../../blobs/";
    char to[PATH_MAX];
    ssize_t len = readlink(link, to, sizeof to - 1);
    if (len < 0)
        return false;
    to[len] = '\0';
    return strncmp(to, blobs, sizeof blobs - 1) != 0 || strstr(to + sizeof blobs - 1, "..");
}

// The folders of the cache may themselves be links to another disk. Blobs that repositories share
// lie beside these: models--ORG--NAME/blobs/HASH is a link to ../../blobs/HA/HASH.
static bool find_target(const char *snapshot, const char *path, char **to, bool *out,
                        struct abl_err *err)
{
    static const char *const inside[] = { "", "/../../blobs", "/../../../blobs" };
    struct arena a = { 0 };
    *to = realpath(path, NULL);
    bool ok = *to || errno != ENOMEM || abl_no_memory(err);
    *out = ok && (*to || points_out(path));
    bool in_it = false;
    for (size_t i = 0; ok && *to && !in_it && i < sizeof inside / sizeof *inside; i++) {
        const char *folder = file_path(&a, "%s%s", snapshot, inside[i]);
        ok = folder ? lies_in(*to, folder, &in_it, err) : abl_no_memory(err);
    }
    *out = *out && !in_it;
    arena_release(&a);
    return ok;
}

bool hf_leads_out(const char *snapshot, const char *path, bool *out, struct abl_err *err)
{
    char *to;
    bool ok = find_target(snapshot, path, &to, out, err);
    free(to);
    return ok;
}

bool hf_file_missing(const char *snapshot, const char *name, char *out, size_t size,
                     struct abl_err *err)
{
    char *path = file_join(snapshot, name), *to = NULL;
    bool leads_out = false;
    bool ok = path ? find_target(snapshot, path, &to, &leads_out, err) : abl_no_memory(err);
    *out = '\0';
    if (ok && !to)
        snprintf(out, size, "%.120s is not there yet", name);
    else if (ok && leads_out)
        snprintf(out, size, "%.120s leads out of the cache, to %.200s", name, to);
    free(to);
    free(path);
    return ok;
}

static bool check_links(const char *snapshot, char *out, size_t size, struct abl_err *err)
{
    struct names all;
    if (!folder_names(snapshot, is_read, &all, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < all.n && !*out; i++)
        ok = hf_file_missing(snapshot, all.items[i], out, size, err);
    names_release(&all);
    return ok;
}

// The first shard of the index that is not there.
static bool missing_shard(const char *snapshot, char *out, size_t size, struct abl_err *err)
{
    struct file_bytes bytes;
    struct json j;
    struct json_text key, tensor, file;
    char *path = file_join(snapshot, "model.safetensors.index.json");
    if (!path)
        return abl_no_memory(err);
    struct abl_err why = { 0 };
    if (file_read(path, 256u << 20, &bytes, ABL_BAD_MODEL, &why)) {
        if (json_open(&j, path, bytes.data, bytes.size, ABL_BAD_MODEL, &why) && json_object(&j))
            while (!*out && json_next_key(&j, &key)) {
                if (!json_key_is(key, "weight_map") || json_peek(&j) != JSON_OBJECT) {
                    json_skip(&j);
                    continue;
                }
                json_object(&j);
                while (!*out && json_next_key(&j, &tensor) && json_string(&j, &file))
                    if (!file_is_regular_in(snapshot, file.data))
                        snprintf(out, size, "%.120s is not there yet", file.data);
            }
        json_close(&j);
        file_bytes_release(&bytes);
    }
    if (!*out && why.code)
        snprintf(out, size, "%.200s", why.text);
    free(path);
    return true;
}

static bool is_incomplete(const char *path, const char *name)
{
    (void)path;
    return ends_with(name, ".incomplete");
}

// What stands where weights should: the beginning of some, or none that can be read.
static bool missing_weights(const char *snapshot, char *out, size_t size, struct abl_err *err)
{
    struct names begun;
    char *blobs = file_join(snapshot, "../../blobs");
    bool ok = blobs ? folder_names(blobs, is_incomplete, &begun, err) : abl_no_memory(err);
    free(blobs);
    if (!ok)
        return false;
    if (begun.n)
        snprintf(out, size, "no weights are there yet: their download was stopped");
    else
        snprintf(out, size, "no weights are there%s",
                 file_is_regular_in(snapshot, "pytorch_model.bin")
                     ? " but pytorch_model.bin, which is not read"
                     : "");
    names_release(&begun);
    return true;
}

static bool has_tokenizer(const char *snapshot)
{
    return file_is_regular_in(snapshot, "tokenizer.json")
           || file_is_regular_in(snapshot, "tokenizer.model")
           || (file_is_regular_in(snapshot, "vocab.json")
               && file_is_regular_in(snapshot, "merges.txt"));
}

bool hf_snapshot_missing(const char *snapshot, char *out, size_t size, struct abl_err *err)
{
    struct names ggufs;
    *out = '\0';
    if (!check_links(snapshot, out, size, err) || !hf_gguf_files(snapshot, &ggufs, err))
        return false;
    bool is_gguf = ggufs.n > 0 && !hf_has_safetensors(snapshot);
    names_release(&ggufs);
    if (*out || is_gguf)
        return true;
    if (!file_is_regular_in(snapshot, "config.json"))
        snprintf(out, size, "config.json is not there");
    else if (!hf_has_safetensors(snapshot))
        return missing_weights(snapshot, out, size, err);
    else if (!file_is_regular_in(snapshot, "model.safetensors")
             && !missing_shard(snapshot, out, size, err))
        return false;
    if (!*out && !has_tokenizer(snapshot))
        snprintf(out, size,
                 "no tokenizer is there: neither tokenizer.json nor tokenizer.model nor "
                 "vocab.json with merges.txt");
    return true;
}

static bool is_repo(const char *path, const char *name)
{
    (void)path;
    return strncmp(name, "models--", 8) == 0 && name[8];
}

bool hf_cache_list(const char *root, struct names *out, struct abl_err *err)
{
    if (!folder_names(root, is_repo, out, err))
        return false;
    for (size_t i = 0; i < out->n; i++) { // "models--org--name" is "org/name"
        char *name = out->items[i], *dashes;
        memmove(name, name + 8, strlen(name + 8) + 1);
        if ((dashes = strstr(name, "--"))) {
            *dashes = '/';
            memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
        }
    }
    return true;
}
