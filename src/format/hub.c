#include "format/hub.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/sha256.h"
#include "format/hf_cache.h"
#include "format/http.h"

enum { TRIES = 6, COMMIT = 40, MAX_FILES = 10000 };

// A file of the repository.
struct remote {
    const char *name;
    const char *
        hash; // of its content, and the blob's name: SHA-256 of large files, git's SHA-1 of small ones
    bool is_sha256;
    uint64_t size;
};

struct pull {
    const struct hub_job *job;
    struct http *http;
    char *repo; // folder in the cache
    char commit[COMMIT + 1];
    struct remote *files; // those that are wanted
    size_t n;
    struct arena arena;
    struct abl_err *err;
};

static const char *revision_of(const struct hub_job *j)
{
    return j->revision ? j->revision : "main";
}

// What an answer other than success means, and what to do about it.
static bool refused(const struct pull *p, const struct http_answer *a, const char *what)
{
    const struct hub_job *j = p->job;
    if (a->cut || !a->status)
        return abl_fail(p->err, ABL_FAILED, "cannot reach %s for %s: %s; try again later",
                        j->endpoint, what, *a->why ? a->why : "no answer");
    if (a->status == 401 || a->status == 403)
        return abl_fail(p->err, ABL_BAD_MODEL,
                        "%s does not give '%s'%s (status %ld): it is gated, private, or does not "
                        "exist; open %s/%s to ask for access, then set HF_TOKEN or run 'hf auth "
                        "login'",
                        j->endpoint, j->id, j->token ? " with this token" : " without a token",
                        a->status, j->endpoint, j->id);
    if (a->status == 404)
        return abl_fail(p->err, ABL_BAD_MODEL,
                        "no %s of '%s' at revision '%s' on %s (status 404): check the name", what,
                        j->id, revision_of(j), j->endpoint);
    return abl_fail(p->err, ABL_FAILED, "%s answers with status %ld for %s; try again later",
                    j->endpoint, a->status, what);
}

static bool is_worth_another_try(const struct http_answer *a)
{
    return a->cut || !a->status || a->status == 429 || a->status >= 500;
}

// Longer before each try; false when cancelled meanwhile.
static bool pause_before(const struct pull *p, int attempt)
{
    uint64_t ms = (uint64_t)p->job->pause_ms << (attempt < 6 ? attempt : 6);
    for (uint64_t slept = 0; slept < ms; slept += 50) {
        struct timespec t = { .tv_nsec = 50000000 };
        if (p->job->cancel && atomic_load(p->job->cancel))
            return abl_fail(p->err, ABL_INTERRUPTED, "interrupted");
        nanosleep(&t, NULL);
    }
    return true;
}

// ------------------------------------------------------------------------------------------ list of files

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_wanted(const struct hub_job *j, const char *name)
{
    static const char *const small[] = { "config.json",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "tokenizer.model",
                                         "vocab.json",
                                         "merges.txt",
                                         "added_tokens.json",
                                         "special_tokens_map.json",
                                         "model.safetensors",
                                         "generation_config.json",
                                         "model.safetensors.index.json" };
    if (j->file)
        return strcmp(name, j->file) == 0;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (strcmp(name, small[i]) == 0)
            return true;
    return strncmp(name, "model-", 6) == 0 && ends_with(name, ".safetensors");
}

static bool is_hash(const char *text, size_t len)
{
    return text && strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static const char *text_in(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static bool keep_file(struct pull *p, const cJSON *sibling)
{
    const char *name = text_in(sibling, "rfilename");
    const cJSON *lfs = cJSON_GetObjectItemCaseSensitive(sibling, "lfs");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(sibling, "size");
    const char *sha256 = text_in(lfs, "sha256"), *blob = text_in(sibling, "blobId");
    if (!name || strchr(name, '/') || !is_wanted(p->job, name))
        return true;
    if (!(is_hash(sha256, 64) || is_hash(blob, 40)) || !cJSON_IsNumber(size)
        || !(size->valuedouble >= 0))
        return abl_fail(p->err, ABL_FAILED, "%s lists '%s' of '%s' without its size or hash",
                        p->job->endpoint, name, p->job->id);
    struct remote *f = &p->files[p->n++];
    *f = (struct remote){ .name = arena_strdup(&p->arena, name),
                          .hash = arena_strdup(&p->arena, is_hash(sha256, 64) ? sha256 : blob),
                          .is_sha256 = is_hash(sha256, 64),
                          .size = (uint64_t)size->valuedouble };
    return (f->name && f->hash) || abl_no_memory(p->err);
}

// Without weights there is nothing to fetch: say what the repository has instead.
static bool check_files(const struct pull *p, const cJSON *siblings)
{
    bool weights = false, bin = false, gguf = false;
    const cJSON *s;
    for (size_t i = 0; i < p->n; i++)
        weights
            |= ends_with(p->files[i].name, ".safetensors") || ends_with(p->files[i].name, ".gguf");
    cJSON_ArrayForEach(s, siblings)
    {
        const char *name = text_in(s, "rfilename");
        bin |= name && ends_with(name, ".bin");
        gguf |= name && ends_with(name, ".gguf");
    }
    if (weights)
        return true;
    if (p->job->file)
        return abl_fail(p->err, ABL_BAD_MODEL, "no file '%s' in '%s'; open %s/%s to see its files",
                        p->job->file, p->job->id, p->job->endpoint, p->job->id);
    return abl_fail(p->err, ABL_BAD_MODEL, "no safetensors in '%s'%s", p->job->id,
                    gguf  ? ": it holds GGUF files, name one as in ID:FILE.gguf"
                    : bin ? ", only pytorch_model.bin, which is not read: ask its owner for "
                            "safetensors, or convert it with transformers"
                          : "");
}

static bool read_listing(struct pull *p, const struct buf *text)
{
    cJSON *o = cJSON_ParseWithLength(text->data ? text->data : "", text->len);
    const cJSON *siblings = cJSON_GetObjectItemCaseSensitive(o, "siblings"), *s;
    const char *sha = text_in(o, "sha");
    bool ok = is_hash(sha, COMMIT) && cJSON_IsArray(siblings);
    int count = ok ? cJSON_GetArraySize(siblings) : 0;
    if (!ok || count > MAX_FILES)
        ok = abl_fail(p->err, ABL_FAILED, "%s answers with something other than a list of files",
                      p->job->endpoint);
    if (ok) {
        memcpy(p->commit, sha, COMMIT + 1);
        p->files = arena_alloc(&p->arena, (size_t)count + 1, sizeof *p->files);
        ok = p->files || abl_no_memory(p->err);
        cJSON_ArrayForEach(s, siblings) ok = ok && keep_file(p, s);
        ok = ok && check_files(p, siblings);
    }
    cJSON_Delete(o);
    return ok;
}

static bool list_files(struct pull *p)
{
    const struct hub_job *j = p->job;
    struct http_request r = { .token = j->token, .cancel = j->cancel };
    r.url = arena_printf(&p->arena, "%s/api/models/%s/revision/%s?blobs=true", j->endpoint, j->id,
                         revision_of(j));
    if (!r.url)
        return abl_no_memory(p->err);
    for (int attempt = 0;; attempt++) {
        struct buf text = { 0 };
        struct http_answer a;
        r.text = &text;
        bool ok = http_get(p->http, &r, &a, p->err);
        bool good = ok && a.status == 200 && !a.cut;
        ok = good ? read_listing(p, &text) : ok;
        buf_release(&text);
        if (good || !ok)
            return ok;
        if (!is_worth_another_try(&a) || attempt + 1 == TRIES)
            return refused(p, &a, "list of files");
        if (!pause_before(p, attempt))
            return false;
    }
}

// --------------------------------------------------------------------------------------------- one file

static bool hash_update(EVP_MD_CTX *c, FILE *f)
{
    unsigned char block[1 << 16];
    size_t n;
    bool ok = true;
    while (ok && (n = fread(block, 1, sizeof block, f)) > 0)
        ok = EVP_DigestUpdate(c, block, n) == 1;
    return ok && !ferror(f);
}

// The hash that the hub calls the file by: SHA-256, or git's "blob <size>\0" in front under SHA-1.
static bool hash_file(const char *path, const struct remote *r, char out[SHA256_HEX],
                      struct abl_err *err)
{
    char head[32];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    FILE *f = fopen(path, "rb");
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int len = snprintf(head, sizeof head, "blob %" PRIu64, r->size) + 1;
    bool ok = f && c && EVP_DigestInit_ex(c, r->is_sha256 ? EVP_sha256() : EVP_sha1(), NULL) == 1
              && (r->is_sha256 || EVP_DigestUpdate(c, head, (size_t)len) == 1) && hash_update(c, f)
              && EVP_DigestFinal_ex(c, digest, &n) == 1;
    for (unsigned i = 0; ok && i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(c);
    if (f)
        fclose(f);
    return ok || abl_fail(err, ABL_FAILED, "cannot read '%s': %s", path, strerror(errno));
}

struct watcher {
    const struct pull *pull;
    const struct remote *remote;
};

static void watch(void *context, uint64_t received)
{
    const struct watcher *w = context;
    const struct hub_job *j = w->pull->job;
    if (j->progress && received < w->remote->size)
        j->progress(j->context, w->remote->name, received, w->remote->size);
}

static uint64_t size_on_disk(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

// One request for what is missing of the file; *a says how it went.
static bool fetch_rest(const struct pull *p, const struct remote *r, const char *part,
                       struct http_answer *a)
{
    struct watcher w = { p, r };
    struct arena scratch = { 0 };
    struct http_request q = { .token = p->job->token,
                              .from = size_on_disk(part),
                              .progress = watch,
                              .context = &w,
                              .cancel = p->job->cancel };
    q.url = arena_printf(&scratch, "%s/%s/resolve/%s/%s", p->job->endpoint, p->job->id, p->commit,
                         r->name);
    if (q.from >= r->size && r->size) { // longer than it can be: begin again
        unlink(part);
        q.from = 0;
    }
    q.to = fopen(part, "ab");
    bool ok = q.url != NULL || abl_no_memory(p->err);
    if (!q.to)
        ok = abl_fail(p->err, ABL_FAILED, "cannot write '%s': %s", part, strerror(errno));
    ok = ok && http_get(p->http, &q, a, p->err);
    if (q.to && fclose(q.to) != 0 && ok)
        ok = abl_fail(p->err, ABL_FAILED, "cannot write '%s': %s", part, strerror(errno));
    arena_release(&scratch);
    return ok;
}

// Whether the part is the file; what is as long and not the same is thrown away.
static bool is_whole(const struct pull *p, const struct remote *r, const char *part, bool *whole)
{
    char hash[SHA256_HEX];
    *whole = false;
    if (!file_exists(part) || size_on_disk(part) != r->size)
        return true;
    if (!hash_file(part, r, hash, p->err))
        return false;
    *whole = strcmp(hash, r->hash) == 0;
    if (!*whole)
        unlink(part);
    return true;
}

static bool fetch_blob(const struct pull *p, const struct remote *r, const char *blob)
{
    struct arena scratch = { 0 };
    const char *part = arena_printf(&scratch, "%s.incomplete", blob);
    struct http_answer a = { 0 };
    bool ok = part || abl_no_memory(p->err), whole = false, wrong = false;
    for (int attempt = 0; ok && !whole; attempt++) {
        ok = (!attempt || pause_before(p, attempt - 1)) && fetch_rest(p, r, part, &a)
             && is_whole(p, r, part, &whole);
        wrong = ok && !whole && !a.cut && (a.status == 200 || a.status == 206);
        bool again = wrong || a.status == 416 || is_worth_another_try(&a);
        if (ok && a.status == 416)
            unlink(part);
        if (ok && !whole && (!again || attempt + 1 == TRIES))
            ok = wrong ? abl_fail(
                     p->err, ABL_FAILED,
                     "'%s' of '%s' came wrong %d times: its content is not what %s lists "
                     "(%" PRIu64 " bytes, hash %.12s…); nothing of it is kept",
                     r->name, p->job->id, TRIES, p->job->endpoint, r->size, r->hash)
                       : refused(p, &a, r->name);
    }
    if (ok && rename(part, blob) != 0)
        ok = abl_fail(p->err, ABL_FAILED, "cannot rename '%s': %s", part, strerror(errno));
    arena_release(&scratch);
    return ok;
}

// snapshots/COMMIT/NAME -> ../../blobs/HASH
static bool link_file(const struct pull *p, const struct remote *r)
{
    struct arena scratch = { 0 };
    const char *to = arena_printf(&scratch, "../../blobs/%s", r->hash);
    const char *path = arena_printf(&scratch, "%s/snapshots/%s/%s", p->repo, p->commit, r->name);
    bool ok = (to && path) || abl_no_memory(p->err);
    if (ok && symlink(to, path) != 0
        && (errno != EEXIST || unlink(path) != 0 || symlink(to, path) != 0))
        ok = abl_fail(p->err, ABL_FAILED, "cannot link '%s': %s", path, strerror(errno));
    arena_release(&scratch);
    return ok;
}

static bool pull_file(struct pull *p, const struct remote *r)
{
    const struct hub_job *j = p->job;
    char *blob = arena_printf(&p->arena, "%s/blobs/%s", p->repo, r->hash);
    if (!blob)
        return abl_no_memory(p->err);
    bool there = file_exists(blob) && size_on_disk(blob) == r->size;
    if ((!there && !fetch_blob(p, r, blob)) || !link_file(p, r))
        return false;
    if (j->progress)
        j->progress(j->context, r->name, r->size, r->size);
    return true;
}

// --------------------------------------------------------------------------------------------- the whole

static bool make_folders(struct pull *p)
{
    const char *parts[] = { "blobs", "refs", arena_printf(&p->arena, "snapshots/%s", p->commit) };
    for (size_t i = 0; i < 3; i++) {
        const char *path = parts[i] ? arena_printf(&p->arena, "%s/%s", p->repo, parts[i]) : NULL;
        if (!path)
            return abl_no_memory(p->err);
        if (!file_make_dirs(path, p->err))
            return false;
    }
    return true;
}

// refs/REVISION says which commit it was, unless it is one itself.
static bool write_ref(struct pull *p)
{
    const char *revision = revision_of(p->job), *slash = strrchr(revision, '/');
    if (strncmp(p->commit, revision, strlen(revision)) == 0)
        return true;
    const char *path = arena_printf(&p->arena, "%s/refs/%s", p->repo, revision);
    const char *folder = slash ? arena_printf(&p->arena, "%s/refs/%.*s", p->repo,
                                              (int)(slash - revision), revision)
                               : NULL;
    if (!path || (slash && !folder))
        return abl_no_memory(p->err);
    return (!folder || file_make_dirs(folder, p->err))
           && file_write_atomic(path, p->commit, COMMIT, p->err);
}

static bool pull_all(struct pull *p)
{
    if (!list_files(p) || !make_folders(p))
        return false;
    for (size_t i = 0; i < p->n; i++)
        if (!pull_file(p, &p->files[i]))
            return false;
    return write_ref(p);
}

bool hub_pull(const struct hub_job *job, char **snapshot, struct abl_err *err)
{
    struct pull p = { .job = job, .err = err };
    p.repo = hf_repo_path(job->root, job->id);
    bool ok = (p.repo || abl_no_memory(err)) && http_new(&p.http, err) && pull_all(&p);
    if (ok) {
        const char *path = arena_printf(&p.arena, "%s/snapshots/%s", p.repo, p.commit);
        *snapshot = path ? strdup(path) : NULL;
        ok = *snapshot || abl_no_memory(err);
    }
    http_free(p.http);
    free(p.repo);
    arena_release(&p.arena);
    return ok;
}
