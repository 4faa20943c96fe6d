#include "format/hf_cache.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

enum { MAX_ID = 96, MAX_REF = 200, COMMIT = 40, LEAST_COMMIT = 7 };

static bool given(const char *s)
{
    return s && *s;
}

char *hf_cache_root(const struct hf_environment *e)
{
    if (given(e->hf_hub_cache))
        return strdup(e->hf_hub_cache);
    if (given(e->huggingface_hub_cache))
        return strdup(e->huggingface_hub_cache);
    if (given(e->hf_home))
        return file_join(e->hf_home, "hub");
    if (given(e->xdg_cache_home))
        return file_join(e->xdg_cache_home, "huggingface/hub");
    return given(e->home) ? file_join(e->home, ".cache/huggingface/hub") : NULL;
}

bool hf_id_valid(const char *id)
{
    size_t len = strlen(id), slashes = 0;
    for (const char *c = id; *c; c++) {
        slashes += *c == '/';
        if (!isalnum((unsigned char)*c) && !strchr("._-/", *c))
            return false;
    }
    bool ends = len && strchr(".-/", id[0]) == NULL && strchr(".-/", id[len - 1]) == NULL;
    return ends && len <= MAX_ID && slashes <= 1 && !strstr(id, "..") && !strstr(id, "--");
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
    return path;
}

static bool is_hex(const char *text, size_t least)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= least && n <= COMMIT && !text[n];
}

// The commit in refs/REVISION; "" where there is none, or no commit in it.
static void read_ref(const char *repo, const char *revision, char commit[COMMIT + 1],
                     struct arena *a)
{
    struct file_bytes bytes;
    struct abl_err ignored;
    const char *path = arena_printf(a, "%s/refs/%s", repo, revision);
    *commit = '\0';
    if (!path || !file_exists(path) || !file_read(path, MAX_REF, &bytes, ABL_BAD_MODEL, &ignored))
        return;
    size_t len = strcspn(bytes.data, " \t\r\n");
    if (len == COMMIT) {
        memcpy(commit, bytes.data, COMMIT);
        commit[COMMIT] = '\0';
    }
    if (!is_hex(commit, COMMIT))
        *commit = '\0';
    file_bytes_release(&bytes);
}

static bool is_commit(const char *path, const char *name)
{
    (void)path;
    return is_hex(name, COMMIT);
}

// The newest snapshot whose commit begins so.
static bool find_snapshot(const char *repo, const char *prefix, char **out, struct arena *a,
                          struct abl_err *err)
{
    struct names commits;
    const char *folder = arena_printf(a, "%s/snapshots", repo);
    if (!folder)
        return abl_no_memory(err);
    if (!folder_names(folder, is_commit, &commits, err))
        return false;
    struct timespec newest = { 0 };
    *out = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < commits.n; i++) {
        struct stat st;
        char *path = file_join(folder, commits.items[i]);
        ok = path || abl_no_memory(err);
        bool better
            = ok && strncmp(commits.items[i], prefix, strlen(prefix)) == 0 && stat(path, &st) == 0
              && S_ISDIR(st.st_mode)
              && (!*out || st.st_mtim.tv_sec > newest.tv_sec
                  || (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec > newest.tv_nsec));
        if (better) {
            newest = st.st_mtim;
            free(*out);
            *out = path;
        } else
            free(path);
    }
    names_release(&commits);
    if (!ok)
        free(*out);
    return ok;
}

bool hf_cache_find(const char *root, const char *id, const char *revision, char **out,
                   struct abl_err *err)
{
    struct arena a = { 0 };
    char commit[COMMIT + 1], *repo = hf_repo_path(root, id);
    const char *wanted = given(revision) ? revision : "main";
    bool ok = repo || abl_no_memory(err);
    *out = NULL;
    if (ok && file_is_dir(repo) && !strstr(wanted, "..")) {
        read_ref(repo, wanted, commit, &a);
        if (*commit)
            ok = find_snapshot(repo, commit, out, &a, err);
        else if (!given(revision))
            ok = find_snapshot(repo, "", out, &a, err);
        else if (is_hex(wanted, LEAST_COMMIT))
            ok = find_snapshot(repo, wanted, out, &a, err);
    }
    free(repo);
    arena_release(&a);
    return ok;
}

// ------------------------------------------------------------------------------------ is a snapshot whole?

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

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

// Whether it is there, links followed.
static bool is_there(const char *folder, const char *name)
{
    struct stat st;
    char *path = file_join(folder, name);
    bool there = path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return there;
}

// A link whose blob is not there: its download has not ended.
static bool is_dangling(const char *folder, const char *name)
{
    struct stat st;
    char *path = file_join(folder, name);
    bool dangling = path && lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) != 0;
    free(path);
    return dangling;
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
                    if (!is_there(snapshot, file.data))
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

bool hf_snapshot_missing(const char *snapshot, char *out, size_t size, struct abl_err *err)
{
    struct names all, ggufs;
    *out = '\0';
    if (!folder_names(snapshot, NULL, &all, err))
        return false;
    for (size_t i = 0; i < all.n && !*out; i++)
        if (is_dangling(snapshot, all.items[i]))
            snprintf(out, size, "%.120s is not there yet", all.items[i]);
    names_release(&all);
    if (*out)
        return true;
    if (!hf_gguf_files(snapshot, &ggufs, err))
        return false;
    bool has_gguf = ggufs.n > 0, indexed = is_there(snapshot, "model.safetensors.index.json");
    names_release(&ggufs);
    if (has_gguf && !is_there(snapshot, "config.json"))
        return true;
    if (!is_there(snapshot, "config.json"))
        snprintf(out, size, "config.json is not there");
    else if (!is_there(snapshot, "model.safetensors") && !indexed)
        snprintf(out, size, "no weights are there%s",
                 is_there(snapshot, "pytorch_model.bin")
                     ? " but pytorch_model.bin, which is not read"
                     : "");
    else if (!is_there(snapshot, "model.safetensors"))
        return missing_shard(snapshot, out, size, err);
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
