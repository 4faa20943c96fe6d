#include "format/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/sha256.h"
#include "format/hf_cache.h"
#include "format/http.h"
#include "format/hub_listing.h"

enum { TRIES = 6, MAX_WAIT_S = 60, POLL_MS = 50 };

struct pull {
    const struct hub_job *job;
    struct http *http;
    char *repo; // folder in the cache
    struct hub_listing listing;
    struct arena arena;
    struct abl_err *err;
};

static const char *revision_of(const struct hub_job *j)
{
    return j->revision ? j->revision : "main";
}

static bool is_denied(const struct pull *p, const struct http_answer *a)
{
    const struct hub_job *j = p->job;
    const char *with = j->token ? "with this token" : "without a token";
    // The hub gives 401 for names that it does not have as well, not to say which are private.
    if (strcmp(a->reason, "RepoNotFound") == 0)
        return abl_fail(p->err, ABL_BAD_MODEL,
                        "no '%s' on %s %s (status %ld): check the name; if it is private, set "
                        "HF_TOKEN or run 'hf auth login'",
                        j->id, j->endpoint, with, a->status);
    return abl_fail(
        p->err, ABL_BAD_MODEL,
        "%s does not give '%s' %s (status %ld): it is %s; open %s/%s to ask for access, "
        "then set HF_TOKEN or run 'hf auth login'",
        j->endpoint, j->id, with, a->status,
        strcmp(a->reason, "GatedRepo") == 0 ? "gated" : "gated, private, or does not exist",
        j->endpoint, j->id);
}

// What an answer other than success means, and what to do about it.
static bool refused(const struct pull *p, const struct http_answer *a, const char *what)
{
    const struct hub_job *j = p->job;
    if (a->cut || !a->status)
        return abl_fail(p->err, ABL_FAILED, "cannot reach %s for %s: %s; try again later",
                        j->endpoint, what, *a->why ? a->why : "no answer");
    if (a->status == 401 || a->status == 403)
        return is_denied(p, a);
    if (a->status == 404)
        return abl_fail(p->err, ABL_BAD_MODEL,
                        "no %s of '%s' at revision '%s' on %s (status 404): check the name%s", what,
                        j->id, revision_of(j), j->endpoint,
                        strcmp(a->reason, "RevisionNotFound") == 0 ? " of the revision" : "");
    return abl_fail(p->err, ABL_FAILED, "%s answers with status %ld for %s; try again later",
                    j->endpoint, a->status, what);
}

static bool is_worth_another_try(const struct http_answer *a)
{
    return a->cut || !a->status || a->status == 429 || a->status >= 500;
}

static bool is_cancelled(const struct pull *p)
{
    return p->job->cancel && atomic_load(p->job->cancel);
}

static bool cancelled(const struct pull *p)
{
    return abl_fail(p->err, ABL_INTERRUPTED,
                    "interrupted; what came so far is kept for the next time");
}

static void sleep_a_little(void)
{
    struct timespec t = { .tv_nsec = POLL_MS * 1000000L };
    nanosleep(&t, NULL);
}

// Longer before each try, and as long as the hub asks for; false when cancelled meanwhile.
static bool pause_before(const struct pull *p, int attempt, const struct http_answer *a)
{
    uint64_t ms = (uint64_t)p->job->pause_ms << attempt;
    uint64_t asked_s = a->wait_s < MAX_WAIT_S ? a->wait_s : MAX_WAIT_S;
    if (asked_s * 1000 > ms)
        ms = asked_s * 1000;
    for (uint64_t slept = 0; slept < ms; slept += POLL_MS) {
        if (is_cancelled(p))
            return cancelled(p);
        sleep_a_little();
    }
    return true;
}

// ----------------------------------------------------------------------------------- list of files

static bool list_files(struct pull *p)
{
    const struct hub_job *j = p->job;
    struct http_request r = { .token = j->token, .cancel = j->cancel };
    struct hub_repository from = { j->endpoint, j->id };
    char *revision = http_escape(p->http, revision_of(j));
    if (revision)
        r.url = arena_printf(&p->arena, "%s/api/models/%s/revision/%s?blobs=true", j->endpoint,
                             j->id, revision);
    free(revision);
    if (!r.url)
        return abl_no_memory(p->err);
    for (int attempt = 0;; attempt++) {
        struct buf text = { 0 };
        struct http_answer a;
        r.text = &text;
        bool ok = http_get(p->http, &r, &a, p->err);
        bool good = ok && a.status == 200 && !a.cut;
        if (good)
            ok = hub_listing_read(&from, j->file, text.data ? text.data : "", text.len, &p->listing,
                                  p->err)
                 || (p->err->code == ABL_FAILED && abl_fail_in(p->err, "%s", j->endpoint));
        buf_release(&text);
        if (good || !ok)
            return ok;
        if (!is_worth_another_try(&a) || attempt + 1 == TRIES)
            return refused(p, &a, "list of files");
        if (!pause_before(p, attempt, &a))
            return false;
    }
}

// ---------------------------------------------------------------------------------------- one file

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
static bool hash_file(const char *path, const struct hub_file *r, char out[SHA256_HEX],
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
    const struct hub_file *file;
};

static void watch(void *context, uint64_t received)
{
    const struct watcher *w = context;
    const struct hub_job *j = w->pull->job;
    if (j->progress && received < w->file->size)
        j->progress(j->context, w->file->name, received, w->file->size);
}

static uint64_t size_on_disk(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static const char *file_url(const struct pull *p, const struct hub_file *f, struct arena *a)
{
    char *name = http_escape(p->http, f->name);
    const char *url = name ? arena_printf(a, "%s/%s/resolve/%s/%s", p->job->endpoint, p->job->id,
                                          p->listing.commit, name)
                           : NULL;
    free(name);
    return url;
}

// One request for what is missing of the file; *a says how it went.
static bool fetch_rest(const struct pull *p, const struct hub_file *r, const char *part,
                       struct http_answer *a)
{
    struct watcher w = { p, r };
    struct arena scratch = { 0 };
    struct http_request q = { .url = file_url(p, r, &scratch),
                              .token = p->job->token,
                              .from = size_on_disk(part),
                              .most = r->size ? r->size : 1,
                              .progress = watch,
                              .context = &w,
                              .cancel = p->job->cancel };
    if (q.from > r->size) { // longer than it can be: begin again
        unlink(part);
        q.from = 0;
    }
    int fd = q.url ? file_open_own(part, O_WRONLY | O_APPEND, p->err) : -1;
    q.to = fd >= 0 ? fdopen(fd, "ab") : NULL;
    bool ok = q.url != NULL || abl_no_memory(p->err);
    if (fd >= 0 && !q.to) {
        ok = abl_no_memory(p->err);
        close(fd);
    }
    ok = ok && q.to;
    ok = ok && http_get(p->http, &q, a, p->err);
    if (q.to && fclose(q.to) != 0 && ok)
        ok = abl_fail(p->err, ABL_FAILED, "cannot write '%s': %s", part, strerror(errno));
    arena_release(&scratch);
    return ok;
}

// Whether the part is the file; what is as long or longer and not the same is thrown away.
static bool is_whole(const struct pull *p, const struct hub_file *r, const char *part, bool *whole)
{
    char hash[SHA256_HEX];
    *whole = false;
    if (!file_exists(part) || size_on_disk(part) < r->size)
        return true;
    if (size_on_disk(part) == r->size) {
        if (!hash_file(part, r, hash, p->err))
            return false;
        *whole = strcmp(hash, r->hash) == 0;
    }
    if (!*whole)
        unlink(part);
    return true;
}

static bool came_wrong(const struct pull *p, const struct hub_file *r, const char *part)
{
    unlink(part);
    return abl_fail(p->err, ABL_FAILED,
                    "'%s' of '%s' came wrong %d times: its content is not what %s lists (%" PRIu64
                    " bytes, hash %.12s…); nothing of it is kept",
                    r->name, p->job->id, TRIES, p->job->endpoint, r->size, r->hash);
}

// Ask until the part is whole. A connection that is cut may be cut any number of times as long as
// each brings more.
static bool fetch_part(const struct pull *p, const struct hub_file *r, const char *part)
{
    bool whole;
    uint64_t most = size_on_disk(part);
    if (!is_whole(p, r, part, &whole)) // stopped just before it got its name
        return false;
    for (int attempt = 0; !whole;) {
        struct http_answer a = { 0 };
        if (!fetch_rest(p, r, part, &a) || !is_whole(p, r, part, &whole))
            return false;
        if (whole)
            break;
        bool wrong = !a.cut && (a.status == 200 || a.status == 206);
        if (a.status == 416) // the part is not the beginning of what the hub has
            unlink(part);
        if (!wrong && a.status != 416 && !is_worth_another_try(&a))
            return refused(p, &a, r->name);
        if (size_on_disk(part) > most) {
            most = size_on_disk(part);
            attempt = 0;
        }
        if (attempt + 1 == TRIES)
            return wrong ? came_wrong(p, r, part) : refused(p, &a, r->name);
        if (!pause_before(p, attempt++, &a))
            return false;
    }
    return true;
}

static bool fetch_blob(const struct pull *p, const struct hub_file *r, const char *blob)
{
    struct arena scratch = { 0 };
    const char *part = arena_printf(&scratch, "%s.incomplete", blob);
    bool ok = (part || abl_no_memory(p->err)) && fetch_part(p, r, part);
    if (ok && rename(part, blob) != 0)
        ok = abl_fail(p->err, ABL_FAILED, "cannot rename '%s': %s", part, strerror(errno));
    arena_release(&scratch);
    return ok;
}

static bool blob_is_there(const char *blob, const struct hub_file *r)
{
    return file_exists(blob) && size_on_disk(blob) == r->size;
}

// Wait while another process fetches the blob, and show how far it is. Where files cannot be
// locked, go on without.
static bool wait_for_lock(const struct pull *p, const struct hub_file *r, const char *blob, int fd)
{
    struct arena scratch = { 0 };
    const char *part = arena_printf(&scratch, "%s.incomplete", blob);
    struct watcher w = { p, r };
    bool ok = part || abl_no_memory(p->err);
    while (ok && flock(fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
        ok = !is_cancelled(p) || cancelled(p);
        watch(&w, size_on_disk(part));
        sleep_a_little();
    }
    arena_release(&scratch);
    return ok;
}

// Fetch the blob under ROOT/.locks/models--ORG--NAME/HASH.lock, which `hf` takes as well. The lock
// file stays: to remove it would let two processes hold locks on two files of that name.
static bool fetch_locked(const struct pull *p, const struct hub_file *r, const char *blob)
{
    struct arena scratch = { 0 };
    const char *folder = file_path(&scratch, "%s/.locks%s", p->job->root, strrchr(p->repo, '/'));
    const char *path = folder ? file_path(&scratch, "%s/%s.lock", folder, r->hash) : NULL;
    bool ok = (path || abl_no_memory(p->err)) && file_make_dirs(folder, p->err);
    int fd = ok ? file_open_own(path, O_RDWR, p->err) : -1;
    ok = fd >= 0 && wait_for_lock(p, r, blob, fd)
         && (blob_is_there(blob, r) || fetch_blob(p, r, blob));
    if (fd >= 0)
        close(fd);
    arena_release(&scratch);
    return ok;
}

// snapshots/COMMIT/NAME -> ../../blobs/HASH
static bool link_file(const struct pull *p, const struct hub_file *r)
{
    struct arena scratch = { 0 };
    const char *to = arena_printf(&scratch, "../../blobs/%s", r->hash);
    const char *path
        = file_path(&scratch, "%s/snapshots/%s/%s", p->repo, p->listing.commit, r->name);
    char now[SHA256_HEX + sizeof "../../blobs/"];
    bool ok = (to && path) || abl_no_memory(p->err);
    ssize_t len = ok ? readlink(path, now, sizeof now) : -1;
    bool is_right = ok && len == (ssize_t)strlen(to) && memcmp(now, to, (size_t)len) == 0;
    if (ok && !is_right && symlink(to, path) != 0
        && (errno != EEXIST || unlink(path) != 0 || symlink(to, path) != 0))
        ok = abl_fail(p->err, ABL_FAILED, "cannot link '%s': %s", path, strerror(errno));
    arena_release(&scratch);
    return ok;
}

static bool pull_file(struct pull *p, const struct hub_file *r)
{
    const struct hub_job *j = p->job;
    char *blob = file_path(&p->arena, "%s/blobs/%s", p->repo, r->hash);
    if (!blob)
        return abl_no_memory(p->err);
    if ((!blob_is_there(blob, r) && !fetch_locked(p, r, blob)) || !link_file(p, r))
        return false;
    if (j->progress)
        j->progress(j->context, r->name, r->size, r->size);
    return true;
}

// --------------------------------------------------------------------------------------- the whole

static bool make_folders(struct pull *p)
{
    const char *parts[]
        = { "blobs", "refs", arena_printf(&p->arena, "snapshots/%s", p->listing.commit) };
    for (size_t i = 0; i < 3; i++) {
        const char *path = parts[i] ? file_path(&p->arena, "%s/%s", p->repo, parts[i]) : NULL;
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
    if (strcmp(p->listing.commit, revision) == 0)
        return true;
    const char *path = file_path(&p->arena, "%s/refs/%s", p->repo, revision);
    const char *folder
        = slash ? file_path(&p->arena, "%s/refs/%.*s", p->repo, (int)(slash - revision), revision)
                : NULL;
    if (!path || (slash && !folder))
        return abl_no_memory(p->err);
    return (!folder || file_make_dirs(folder, p->err))
           && file_write_atomic(path, p->listing.commit, HUB_COMMIT, p->err);
}

// Better to know before an hour has passed.
static bool check_space(const struct pull *p)
{
    struct statvfs disk;
    uint64_t needs = 0;
    for (size_t i = 0; i < p->listing.n; i++) {
        const struct hub_file *f = &p->listing.files[i];
        struct arena scratch = { 0 };
        const char *blob = file_path(&scratch, "%s/blobs/%s", p->repo, f->hash);
        const char *part = blob ? arena_printf(&scratch, "%s.incomplete", blob) : NULL;
        uint64_t here = part && !blob_is_there(blob, f) ? size_on_disk(part) : f->size;
        if (here < f->size && __builtin_add_overflow(needs, f->size - here, &needs))
            needs = UINT64_MAX;
        arena_release(&scratch);
    }
    if (statvfs(p->repo, &disk) != 0)
        return true;
    uint64_t has = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (needs <= has)
        return true;
    const double gib = 1024.0 * 1024 * 1024;
    return abl_fail(p->err, ABL_FAILED,
                    "no room for '%s' in '%s': needs %.1f GiB, has %.1f GiB; make room, or set "
                    "HF_HUB_CACHE to a folder on another disk",
                    p->job->id, p->job->root, (double)needs / gib, (double)has / gib);
}

static bool accept(const struct pull *p, const char *snapshot)
{
    const struct hub_job *j = p->job;
    return !j->accept || j->accept(j->context, snapshot, p->err);
}

static bool pull_all(struct pull *p, const char **snapshot)
{
    if (!list_files(p) || !make_folders(p) || !check_space(p))
        return false;
    *snapshot = file_path(&p->arena, "%s/snapshots/%s", p->repo, p->listing.commit);
    if (!*snapshot)
        return abl_no_memory(p->err);
    bool asked = false;
    for (size_t i = 0; i < p->listing.n; i++) {
        const struct hub_file *f = &p->listing.files[i];
        if (f->is_weights && !asked && !accept(p, *snapshot))
            return false;
        asked |= f->is_weights;
        if (!pull_file(p, f))
            return false;
    }
    return write_ref(p);
}

bool hub_pull(const struct hub_job *job, char **snapshot, struct abl_err *err)
{
    struct pull p = { .job = job, .err = err };
    const char *path = NULL;
    p.repo = hf_repo_path(job->root, job->id);
    bool ok = (p.repo || abl_no_memory(err)) && http_new(&p.http, err) && pull_all(&p, &path);
    char *copy = ok ? strdup(path) : NULL;
    if (ok && !copy)
        ok = abl_no_memory(err);
    if (ok)
        *snapshot = copy;
    http_free(p.http);
    free(p.repo);
    hub_listing_release(&p.listing);
    arena_release(&p.arena);
    return ok;
}
