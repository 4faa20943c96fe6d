#include "format/hub.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "format/hf_cache.h"
#include "format/http.h"
#include "format/hub_listing.h"
#include "format/hub_store.h"

enum { POLL_MS = 50, MAX_LISTING = 64 << 20 };

struct pull {
    const struct hub_job *job;
    struct http *http;
    struct fetch_rules rules;
    struct fetch fetch;
    char *repo; // folder in the cache
    struct hub_listing listing;
    struct hub_store store;
    bool *here; // whose blobs are there and right, by file
    struct arena arena;
    struct abl_err *err;
};

static const char *revision_of(const struct hub_job *j)
{
    return j->revision ? j->revision : "main";
}

static void warn(const struct pull *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void warn(const struct pull *p, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (p->job->warn)
        p->job->warn(p->job->context, line);
}

// ---------------------------------------------------------------------------------------- refusals

static bool is_denied(const struct pull *p)
{
    const struct hub_job *j = p->job;
    const struct fetch *f = &p->fetch;
    const char *with = j->token ? "with this token" : "without a token";
    // The hub gives 401 for names that it does not have as well, not to say which are private.
    if (strcmp(f->reason, "RepoNotFound") == 0)
        return abl_fail(p->err, ABL_BAD_MODEL,
                        "no '%s' on %s %s (status %ld): check the name; if it is private, set "
                        "HF_TOKEN or run 'hf auth login'",
                        j->id, j->endpoint, with, f->status);
    return abl_fail(
        p->err, ABL_BAD_MODEL,
        "%s does not give '%s' %s (status %ld): it is %s; open %s/%s to ask for access, "
        "then set HF_TOKEN or run 'hf auth login'",
        j->endpoint, j->id, with, f->status,
        strcmp(f->reason, "GatedRepo") == 0 ? "gated" : "gated, private, or does not exist",
        j->endpoint, j->id);
}

// What an answer other than success means, and what to do about it.
static bool refused(const struct pull *p, const char *what)
{
    const struct hub_job *j = p->job;
    const struct fetch *f = &p->fetch;
    if (f->status == 401 || f->status == 403)
        return is_denied(p);
    if (f->status == 404)
        return abl_fail(p->err, ABL_BAD_MODEL,
                        "no %s of '%s' at revision '%s' on %s (status 404): check the name%s", what,
                        j->id, revision_of(j), j->endpoint,
                        strcmp(f->reason, "RevisionNotFound") == 0 ? " of the revision" : "");
    return abl_fail(p->err, ABL_FAILED, "%s answers with status %ld for %s; try again later",
                    j->endpoint, f->status, what);
}

static bool too_late(const struct pull *p)
{
    return abl_fail(p->err, ABL_FAILED,
                    "'%s' is not fetched within %" PRIu64 " s: what came so far is kept; pull it "
                    "again to go on, or give a longer --time-limit",
                    p->job->id, p->job->limit_s);
}

static bool came_wrong(const struct pull *p, const struct hub_file *r)
{
    if (!r)
        return abl_fail(p->err, ABL_FAILED,
                        "%s sends a list of files without end for '%s': expected at most %d MiB",
                        p->job->endpoint, p->job->id, MAX_LISTING >> 20);
    hub_store_throw(&p->store, r);
    return abl_fail(p->err, ABL_FAILED,
                    "'%s' of '%s' came wrong %d times: its content is not what %s lists (%" PRIu64
                    " bytes, hash %.12s…); nothing of it is kept",
                    r->name, p->job->id, FETCH_TRIES, p->job->endpoint, r->size, r->hash);
}

// Why a fetch is over. r: the file; NULL = the list of files. why: of the last cut.
static bool is_over(const struct pull *p, const struct hub_file *r, const char *why)
{
    const struct hub_job *j = p->job;
    const char *what = r ? r->name : "list of files";
    switch (p->fetch.end) {
    case FETCH_DENIED:
        return refused(p, what);
    case FETCH_WRONG:
        return came_wrong(p, r);
    case FETCH_LATE:
        return too_late(p);
    case FETCH_SLOW:
        return abl_fail(p->err, ABL_FAILED,
                        "%s sends %s too slowly: fewer than %" PRIu64
                        " bytes a second over %" PRIu64
                        " s, in each of %d tries; try again later, or give a lower --min-rate",
                        j->endpoint, what, j->least_rate, j->window_ms / 1000, FETCH_TRIES);
    case FETCH_ASTRAY:
        return abl_fail(p->err, ABL_FAILED,
                        "%s sends %s away to where nothing is fetched from: expected an https:// "
                        "address after at most 8 redirects",
                        j->endpoint, what);
    case FETCH_CUT:
        break;
    }
    return abl_fail(p->err, ABL_FAILED, "cannot reach %s for %s: %s; try again later", j->endpoint,
                    what, *why ? why : "no answer");
}

// ----------------------------------------------------------------------------------------- waiting

static bool is_cancelled(const struct pull *p)
{
    return p->job->cancel && atomic_load(p->job->cancel)
           && !abl_fail(p->err, ABL_INTERRUPTED,
                        "interrupted; what came so far is kept for the next time");
}

static void sleep_a_little(void)
{
    struct timespec t = { .tv_nsec = POLL_MS * 1000000L };
    nanosleep(&t, NULL);
}

// False when cancelled meanwhile, or when time is up.
static bool pause_for(const struct pull *p, uint64_t ms)
{
    for (uint64_t slept = 0; slept < ms; slept += POLL_MS) {
        if (is_cancelled(p))
            return false;
        if (http_now_ms() >= p->rules.until_ms)
            return too_late(p);
        sleep_a_little();
    }
    return true;
}

// ----------------------------------------------------------------------------------- list of files

static bool list_files(struct pull *p)
{
    const struct hub_job *j = p->job;
    struct hub_repository from = { j->endpoint, j->id };
    struct buf text = { 0 };
    struct http_exchange x
        = { .fetch = &p->fetch, .token = j->token, .text = &text, .cancel = j->cancel };
    char why[HTTP_WHY] = "", *revision = http_escape(p->http, revision_of(j));
    const char *url = revision ? arena_printf(&p->arena, "%s/api/models/%s/revision/%s?blobs=true",
                                              j->endpoint, j->id, revision)
                               : NULL;
    free(revision);
    if (!url)
        return abl_no_memory(p->err);
    struct fetch_goal goal = { url, j->token != NULL, MAX_LISTING, .any_size = true };
    enum fetch_step step = fetch_begin(&p->fetch, &p->rules, &goal, 0, http_now_ms());
    bool ok = true;
    while (ok && step == FETCH_ASK)
        ok = pause_for(p, p->fetch.wait_ms) && http_exchange(p->http, &x, &step, why, p->err);
    if (ok && step == FETCH_OVER)
        ok = is_over(p, NULL, why);
    if (ok
        && !hub_listing_read(&from, j->file, text.data ? text.data : "", text.len, &p->listing,
                             p->err))
        ok = p->err->code == ABL_FAILED && abl_fail_in(p->err, "%s", j->endpoint);
    buf_release(&text);
    return ok;
}

// ---------------------------------------------------------------------------------------- one file

struct watcher {
    const struct pull *pull;
    const struct hub_file *file;
};

static void watch(void *context, uint64_t stored)
{
    const struct watcher *w = context;
    const struct hub_job *j = w->pull->job;
    if (j->progress && stored < w->file->size)
        j->progress(j->context, w->file->name, stored, w->file->size);
}

// NULL when memory is out.
static const char *file_url(const struct pull *p, const struct hub_file *f, struct arena *a)
{
    char *name = http_escape(p->http, f->name);
    const char *url = name ? arena_printf(a, "%s/%s/resolve/%s/%s", p->job->endpoint, p->job->id,
                                          p->listing.commit, name)
                           : NULL;
    free(name);
    return url;
}

// Ask until all of the file is behind fd.
static bool fetch_part(struct pull *p, const struct hub_file *r, const char *url, int fd)
{
    struct watcher w = { p, r };
    struct http_exchange x = { .fetch = &p->fetch,
                               .token = p->job->token,
                               .fd = fd,
                               .progress = watch,
                               .context = &w,
                               .cancel = p->job->cancel };
    struct fetch_goal goal = { url, p->job->token != NULL, r->size, .any_size = false };
    char why[HTTP_WHY] = "";
    enum fetch_step step = fetch_begin(&p->fetch, &p->rules, &goal,
                                       hub_store_part_size(&p->store, r), http_now_ms());
    bool ok = true, right;
    while (ok && (step == FETCH_ASK || step == FETCH_CHECK)) {
        if (step == FETCH_ASK)
            ok = pause_for(p, p->fetch.wait_ms) && http_exchange(p->http, &x, &step, why, p->err);
        else if ((ok = hub_store_is_right(&p->store, r, fd, &right, p->err)))
            step = fetch_checked(&p->fetch, right, http_now_ms());
    }
    return ok && (step == FETCH_DONE || is_over(p, r, why));
}

static bool fetch_blob(struct pull *p, const struct hub_file *r)
{
    struct arena scratch = { 0 };
    const char *url = file_url(p, r, &scratch);
    int fd = -1;
    bool ok = (url || abl_no_memory(p->err)) && hub_store_open_part(&p->store, r, &fd, p->err)
              && fetch_part(p, r, url, fd) && hub_store_keep(&p->store, r, fd, p->err);
    if (fd >= 0)
        close(fd);
    arena_release(&scratch);
    return ok;
}

// Whether a file's blob is there; one that is not what it should be goes, and a line says so.
static bool look_for_blob(const struct pull *p, const struct hub_file *r, bool *here)
{
    enum hub_blob blob;
    if (!hub_store_check(&p->store, r, &blob, p->err))
        return false;
    *here = blob == BLOB_RIGHT;
    if (blob == BLOB_WRONG)
        warn(p, "'%s' of '%s' in the cache is not what its name says: it is fetched again", r->name,
             p->job->id);
    if (blob == BLOB_ABROAD)
        warn(p, "'%s' of '%s' leads out of the cache: it is fetched again", r->name, p->job->id);
    return *here || blob == BLOB_MISSING || hub_store_drop(&p->store, r, p->err);
}

// Wait while another process fetches the blob, and show how far it is.
static bool wait_for_lock(const struct pull *p, const struct hub_file *r, int *fd)
{
    struct watcher w = { p, r };
    while (hub_store_lock(&p->store, r, fd, p->err)) {
        if (*fd >= 0)
            return true;
        watch(&w, hub_store_part_size(&p->store, r));
        if (!pause_for(p, POLL_MS))
            return false;
    }
    return false;
}

static bool fetch_locked(struct pull *p, const struct hub_file *r)
{
    int fd;
    bool here = false;
    if (!wait_for_lock(p, r, &fd))
        return false;
    bool ok = look_for_blob(p, r, &here) && (here || fetch_blob(p, r));
    close(fd);
    return ok;
}

static bool pull_file(struct pull *p, const struct hub_file *r, bool here)
{
    const struct hub_job *j = p->job;
    bool replaced = false;
    if ((!here && !fetch_locked(p, r)) || !hub_store_link(&p->store, r, &replaced, p->err))
        return false;
    if (replaced)
        warn(p, "the link '%s' in the snapshot of '%s' led elsewhere: it is replaced", r->name,
             j->id);
    if (j->progress)
        j->progress(j->context, r->name, r->size, r->size);
    return true;
}

// --------------------------------------------------------------------------------------- the whole

// Look at what is there under no lock: what is whole needs none, and a cache that only others may
// write to can be used.
static bool look_at_cache(struct pull *p)
{
    enum hub_blob blob;
    p->here = arena_alloc(&p->arena, p->listing.n, sizeof *p->here);
    if (!p->here)
        return abl_no_memory(p->err);
    for (size_t i = 0; i < p->listing.n; i++) {
        if (!hub_store_check(&p->store, &p->listing.files[i], &blob, p->err))
            return false;
        p->here[i] = blob == BLOB_RIGHT;
    }
    return true;
}

// Better to know before an hour has passed.
static bool check_space(const struct pull *p)
{
    uint64_t needs = 0, has = hub_store_room(&p->store);
    bool all = true;
    for (size_t i = 0; i < p->listing.n; i++) {
        const struct hub_file *f = &p->listing.files[i];
        uint64_t begun = p->here[i] ? f->size : hub_store_part_size(&p->store, f);
        all = all && p->here[i];
        if (begun < f->size && __builtin_add_overflow(needs, f->size - begun, &needs))
            needs = UINT64_MAX;
    }
    if (all || has == UINT64_MAX)
        return true;
    if (needs <= has) {
        if (p->job->space)
            p->job->space(p->job->context, needs, has);
        return true;
    }
    const double gib = 1024.0 * 1024 * 1024;
    return abl_fail(p->err, ABL_FAILED,
                    "no room for '%s' in '%s': needs %.1f GiB, has %.1f GiB; make room, or set "
                    "HF_HUB_CACHE to a folder on another disk",
                    p->job->id, p->job->root, (double)needs / gib, (double)has / gib);
}

static bool make_folders(struct pull *p)
{
    const struct hub_job *j = p->job;
    bool replaced;
    p->store = (struct hub_store){ j->root, p->repo, j->id, p->listing.commit, j->cancel };
    if (!hub_store_make(&p->store, &replaced, p->err))
        return false;
    if (replaced)
        warn(p, "the snapshot of '%s' was a link: it is replaced", j->id);
    return true;
}

static bool remove_strays(const struct pull *p)
{
    char name[HUB_STORE_NAME];
    while (hub_store_remove_stray(&p->store, name, p->err)) {
        if (!*name)
            return true;
        warn(p, "the link '%s' in the snapshot of '%s' led out of the cache: it is taken away",
             name, p->job->id);
    }
    return false;
}

static bool accept(const struct pull *p, const char *snapshot)
{
    const struct hub_job *j = p->job;
    return !j->accept || j->accept(j->context, snapshot, p->err);
}

static bool pull_all(struct pull *p, const char **snapshot)
{
    if (!list_files(p) || !make_folders(p) || !remove_strays(p) || !look_at_cache(p)
        || !check_space(p))
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
        if (!pull_file(p, f, p->here[i]))
            return false;
    }
    return hub_store_write_ref(&p->store, revision_of(p->job), p->err);
}

bool hub_pull(const struct hub_job *job, char **snapshot, struct abl_err *err)
{
    struct pull p = { .job = job, .err = err };
    const char *path = NULL;
    uint64_t limit_ms, now = http_now_ms();
    bool bounded = !__builtin_mul_overflow(job->limit_s, (uint64_t)1000, &limit_ms)
                   && limit_ms < UINT64_MAX - now;
    p.rules = (struct fetch_rules){ job->least_rate, job->window_ms, job->pause_ms,
                                    bounded ? now + limit_ms : UINT64_MAX };
    p.repo = hf_repo_path(job->root, job->id);
    bool ok = (p.repo || abl_no_memory(err)) && http_new(job->ca_file, &p.http, err)
              && pull_all(&p, &path);
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
