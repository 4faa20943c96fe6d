#include "report/live_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "report/config.h"
#include "report/provenance.h"
#include "report/rundir_place.h"
#include "report/summary.h"

static const char *const documents[] = { "config.json", "provenance.json" };
enum { N_DOCUMENTS = sizeof documents / sizeof *documents, CONFIG_MAX = 64 << 20 };

// ----------------------------------------------------------------------------------- what is there

static bool refuse_incomplete(int folder, const char *path, const struct run_journals *j,
                              struct abl_err *err)
{
    struct run_progress p;
    if (!run_journals_count(folder, path, j, &p, err))
        return false;
    return abl_fail(err, ABL_USAGE,
                    "'%s' is an incomplete run, %" PRIu64 " of %" PRIu64 " cells: --resume goes on "
                    "with it; else move it away or choose another folder",
                    path, p.done, p.all);
}

// Whether a part's journal holds cells.
static bool has_cells(int folder, const char *path, const struct run_journal *j)
{
    struct run_journals one = { (struct run_journal *)j, 1 };
    struct run_progress p;
    return j->head && run_journals_count(folder, path, &one, &p, NULL) && p.done;
}

// A whole run's folder has no shards, and shards' no whole run's journal.
static bool refuse_others(const char *path, const struct run_journals *j, struct journal_part part,
                          struct abl_err *err)
{
    for (size_t i = 0; i < j->n; i++) {
        struct journal_part there = j->items[i].part;
        if (there.n == part.n)
            continue;
        char name[JOURNAL_NAME];
        journal_name(there, "jsonl", name);
        return abl_fail(err, ABL_USAGE,
                        "'%s' holds '%s', of a run that is cut otherwise: 'abltui merge' joins "
                        "shards; choose another folder",
                        path, name);
    }
    return true;
}

// Whether a run of ours may go on, or begin, in the folder of one that is under way.
static bool check_under_way(int folder, const char *path, struct journal_part part, bool resume,
                            struct abl_err *err)
{
    struct run_journals all;
    bool ok = run_journals_read(folder, path, &all, err) && refuse_others(path, &all, part, err);
    const struct run_journal *own = ok ? run_journal_of(&all, part) : NULL;
    if (own && own->is_open)
        ok = abl_fail(err, ABL_USAGE,
                      "'%s' is being written by another process: wait for it or end it", path);
    else if (own && !resume && has_cells(folder, path, own))
        ok = refuse_incomplete(folder, path, &all, err);
    run_journals_release(&all);
    return ok;
}

bool live_run_check(const char *path, struct journal_part part, bool resume, struct abl_err *err)
{
    char *place = rundir_resolve(path, err);
    enum rundir_held held;
    if (!place)
        return false;
    int folder = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder >= 0 ? rundir_look(path, folder, &held, err)
                                && (held != HELD_UNDER_WAY
                                    || check_under_way(folder, path, part, resume, err))
                          : rundir_check_place(path, place, err);
    if (folder >= 0)
        close(folder);
    free(place);
    return ok;
}

// --------------------------------------------------------------------------------------- beginning

// DIR.old; malloc'd.
static char *old_name(const struct live_run *l)
{
    char *name = NULL;
    return asprintf(&name, "%s.old", l->base) < 0 ? NULL : name;
}

static bool discard_whole(const struct live_run *l, const char *name)
{
    int folder = rundir_is_whole(l->parent, name)
                     ? openat(l->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                     : -1;
    if (folder < 0)
        return false;
    rundir_discard(l->parent, name, folder);
    close(folder);
    return !file_is_there(l->parent, name);
}

// The whole run in the place makes room. What waited already is older than it.
static bool move_aside(const struct live_run *l, struct abl_err *err)
{
    char *old = old_name(l);
    if (!old)
        return abl_no_memory(err);
    bool ok = !file_is_there(l->parent, old) || discard_whole(l, old)
              || abl_fail(err, ABL_USAGE,
                          "'%s.old' is in the way of the earlier run in '%s': move it away",
                          l->place, l->place);
    ok = ok
         && (renameat(l->parent, l->base, l->parent, old) == 0 || errno == ENOENT
             || abl_fail(err, ABL_FAILED, "cannot rename '%s': %s", l->place, strerror(errno)));
    free(old);
    return ok;
}

static void bring_back(const struct live_run *l)
{
    char *old = old_name(l);
    if (old && rundir_is_whole(l->parent, old))
        (void)!renameat(l->parent, old, l->parent, l->base);
    free(old);
}

static bool write_document(const struct live_run *l, const char *name, const struct buf *text,
                           struct abl_err *err)
{
    char *path = file_join(l->place, name);
    bool ok = (path && !text->failed) || abl_no_memory(err);
    ok = ok && file_write_in(l->folder, name, path, text->data, text->len, err);
    free(path);
    return ok;
}

static bool write_documents(const struct live_run *l, const struct run_identity *of,
                            struct abl_err *err)
{
    struct report r = { .session = of->session,
                        .settings = &of->session->settings,
                        .command_line = of->command_line,
                        .interrupted = true };
    struct weights_of weights = { .sha256 = "" };
    struct buf config = { 0 }, provenance = { 0 };
    snprintf(weights.sha256, sizeof weights.sha256, "%s", of->model_sha256);
    struct doc d = provenance_doc(&r, &weights);
    bool ok = config_write(of->session, r.settings, of->model_sha256, false, &config, err)
              && doc_print(&d, DOC_PRETTY, &provenance, err)
              && write_document(l, documents[0], &config, err)
              && write_document(l, documents[1], &provenance, err);
    doc_release(&d);
    buf_release(&config);
    buf_release(&provenance);
    return ok;
}

static bool add_line(const struct live_run *l, const struct run_identity *of,
                     bool (*make)(const struct run_identity *of, struct buf *out,
                                  struct abl_err *err),
                     struct abl_err *err)
{
    struct buf line = { 0 };
    bool ok = make(of, &line, err) && journal_add_line(l->journal, &line, err);
    buf_release(&line);
    return ok;
}

// The intact runs go in first: joining shards then needs no device.
static bool begin_journal(struct live_run *l, const struct run_identity *of, struct abl_err *err)
{
    struct journal_sizes sizes = run_identity_sizes(of);
    if (!journal_create(l->folder, l->place, l->part, &sizes, &l->journal, err))
        return false;
    bool ok = add_line(l, of, run_identity_line, err) && add_line(l, of, run_worker_line, err);
    if (ok) {
        journal_add_run(l->journal, JOURNAL_INTACT, of->session->intact);
        if (of->session->other)
            journal_add_run(l->journal, JOURNAL_OTHER, of->session->other);
    }
    return ok && journal_holds(l->journal, err);
}

// ---------------------------------------------------------------------------------------- going on

static cJSON *own_line(const struct run_identity *of, struct abl_err *err)
{
    struct buf line = { 0 };
    cJSON *tree = run_identity_line(of, &line, err) ? json_tree("this run", line.data, line.len,
                                                                JSON_TREE_DIGITS, ABL_FAILED, err)
                                                    : NULL;
    buf_release(&line);
    return tree;
}

// Equal bits are promised on one machine and version only.
static void note_change(struct live_run *l, const struct run_journal *there, const cJSON *now)
{
    static const char *const names[] = { "version", "commit", "device", "driver", "host_cpu" };
    const cJSON *line, *first = NULL;
    cJSON_ArrayForEach(line, there->lines)
    {
        first = first ? first : cJSON_GetObjectItemCaseSensitive(line, "worker");
    }
    for (size_t i = 0; first && i < sizeof names / sizeof *names; i++)
        if (strcmp(json_tree_text(first, names[i], ""), json_tree_text(now, names[i], "")) != 0) {
            abl_fail(&l->changed, ABL_FAILED,
                     "'%s' was begun with %s '%s', and goes on with '%s': read-outs may differ in "
                     "their last bits",
                     l->place, names[i], json_tree_text(first, names[i], ""),
                     json_tree_text(now, names[i], ""));
            return;
        }
}

static bool note_worker(struct live_run *l, const struct run_identity *of,
                        const struct run_journal *there, struct abl_err *err)
{
    struct buf line = { 0 };
    bool ok = run_worker_line(of, &line, err);
    cJSON *tree
        = ok ? json_tree("this run", line.data, line.len, JSON_TREE_DIGITS, ABL_FAILED, err) : NULL;
    if (tree)
        note_change(l, there, cJSON_GetObjectItemCaseSensitive(tree, "worker"));
    cJSON_Delete(tree);
    buf_release(&line);
    return ok;
}

static bool reopen(struct live_run *l, const struct run_identity *of,
                   const struct run_journal *there, struct abl_err *err)
{
    struct journal_sizes sizes = run_identity_sizes(of);
    l->went_on = true;
    return note_worker(l, of, there, err)
           && journal_reopen(l->folder, l->place, l->part, &sizes, &l->journal, err)
           && add_line(l, of, run_worker_line, err);
}

static void unlink_part(const struct live_run *l)
{
    static const char *const endings[] = { "bin", "jsonl" };
    char name[JOURNAL_NAME];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        journal_name(l->part, endings[i], name);
        unlinkat(l->folder, name, 0);
    }
}

// Another shard's first line, or our own from before.
static bool check_same(const struct live_run *l, const struct run_identity *of,
                       const struct run_journals *all, struct abl_err *err)
{
    cJSON *now = own_line(of, err);
    bool ok = now;
    for (size_t i = 0; ok && i < all->n; i++)
        ok = !all->items[i].head || run_identity_check(all->items[i].head, now, l->place, err);
    cJSON_Delete(now);
    return ok;
}

static bool go_on(struct live_run *l, const struct run_identity *of, bool resume,
                  struct abl_err *err)
{
    struct run_journals all;
    bool ok = check_under_way(l->folder, l->place, l->part, resume, err)
              && run_journals_read(l->folder, l->place, &all, err);
    if (!ok)
        return false;
    const struct run_journal *own = run_journal_of(&all, l->part);
    bool goes_on = own && own->head && resume;
    bool alone = own && all.n == 1 && !goes_on; // of what is there nothing is kept
    ok = alone || check_same(l, of, &all, err);
    if (ok && goes_on)
        ok = reopen(l, of, own, err);
    else if (ok) {
        if (own)
            unlink_part(l);
        ok = begin_journal(l, of, err) && write_documents(l, of, err);
    }
    run_journals_release(&all);
    return ok;
}

// The configuration that a session's settings make, as it is written.
static cJSON *config_now(const struct session *session, const char *model_sha256,
                         struct abl_err *err)
{
    struct buf text = { 0 };
    cJSON *tree
        = config_write(session, &session->settings, model_sha256, false, &text, err)
              ? json_tree("this run", text.data, text.len, JSON_TREE_DIGITS, ABL_FAILED, err)
              : NULL;
    buf_release(&text);
    return tree;
}

bool live_run_is_whole(const char *path, const struct session *session, const char *model_sha256,
                       struct abl_err *err)
{
    char *name = rundir_is_whole(AT_FDCWD, path) ? file_join(path, documents[0]) : NULL;
    if (!name)
        return false;
    cJSON *now = config_now(session, model_sha256, err);
    cJSON *there
        = now ? json_tree_read(name, CONFIG_MAX, JSON_TREE_DIGITS, ABL_BAD_DATA, err) : NULL;
    bool ok = there && run_config_check(there, now, path, err);
    cJSON_Delete(there);
    cJSON_Delete(now);
    free(name);
    return ok;
}

// ----------------------------------------------------------------------------------------- opening

static bool open_parent(struct live_run *l, struct abl_err *err)
{
    char *path;
    if (!file_split(l->place, &path, &l->base)) {
        l->base = NULL;
        return abl_no_memory(err);
    }
    l->parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = l->parent >= 0
              || abl_fail(err, ABL_FAILED, "cannot write '%s': %s; choose another folder", l->place,
                          strerror(errno));
    free(path);
    return ok;
}

static bool open_folder(struct live_run *l, struct abl_err *err)
{
    l->folder = openat(l->parent, l->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return l->folder >= 0 || errno == ENOENT || rundir_check_place(l->place, l->place, err);
}

static bool make_folder(struct live_run *l, struct abl_err *err)
{
    l->made = mkdirat(l->parent, l->base, 0777) == 0;
    if (l->made || errno == EEXIST)
        l->folder = openat(l->parent, l->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return l->folder >= 0
           || abl_fail(err, ABL_FAILED, "cannot create folder '%s': %s; choose another folder",
                       l->place, strerror(errno));
}

// What is in the place, and what that means for the run.
static bool enter(struct live_run *l, const struct run_identity *of, bool resume,
                  struct abl_err *err)
{
    enum rundir_held held = HELD_NOTHING;
    if (!open_folder(l, err) || (l->folder >= 0 && !rundir_look(l->place, l->folder, &held, err)))
        return false;
    if (held == HELD_RUN && resume)
        return l->is_whole = live_run_is_whole(l->place, of->session, of->model_sha256, err);
    if (held == HELD_RUN) {
        close(l->folder);
        l->folder = -1;
        if (!move_aside(l, err))
            return false;
    }
    if (l->folder < 0 && !make_folder(l, err))
        return false;
    return go_on(l, of, resume, err);
}

static void release(struct live_run *l)
{
    journal_close(l->journal);
    if (l->folder >= 0)
        close(l->folder);
    if (l->parent >= 0)
        close(l->parent);
    free(l->place);
    free(l->base);
    *l = (struct live_run){ .parent = -1, .folder = -1 };
}

// The directory goes where nothing of others' is in it: what names it a run of ours goes last.
static void discard(const struct live_run *l)
{
    struct run_journals all = { 0 };
    if (l->folder < 0)
        return;
    bool alone = run_journals_read(l->folder, l->place, &all, NULL)
                 && all.n == (run_journal_of(&all, l->part) != NULL);
    run_journals_release(&all);
    for (size_t i = 0; alone && i < N_DOCUMENTS; i++)
        unlinkat(l->folder, documents[i], 0);
    unlink_part(l);
    if (alone && rundir_is(l->parent, l->base, l->folder)
        && unlinkat(l->parent, l->base, AT_REMOVEDIR) == 0)
        bring_back(l);
}

bool live_run_open(const char *path, const struct run_identity *of, bool resume,
                   struct live_run *out, struct abl_err *err)
{
    struct live_run l = { .part = of->part, .parent = -1, .folder = -1 };
    l.place = rundir_resolve(path, err);
    bool ok = l.place && open_parent(&l, err) && enter(&l, of, resume, err);
    if (!ok && (l.made || (l.journal && !l.went_on)))
        discard(&l);
    if (!ok) {
        release(&l);
        return false;
    }
    *out = l;
    return true;
}

// ------------------------------------------------------------------------------------- while there

char *live_run_workers(const struct live_run *l)
{
    struct run_journals all;
    char *workers = NULL;
    if (run_journals_read(l->folder, l->place, &all, NULL))
        workers = run_journals_workers(&all);
    run_journals_release(&all);
    return workers;
}

bool live_run_is_there(const struct live_run *l)
{
    return l->folder >= 0 && rundir_is(l->parent, l->base, l->folder);
}

void live_run_drop_old(const char *place)
{
    struct live_run l = { .place = rundir_resolve(place, NULL), .parent = -1, .folder = -1 };
    char *old = l.place && open_parent(&l, NULL) ? old_name(&l) : NULL;
    if (old)
        discard_whole(&l, old);
    free(old);
    release(&l);
}

void live_run_sum_up(const struct live_run *l, const struct report *r)
{
    struct buf text = { 0 };
    struct doc d = partial_summary_doc(r);
    (void)!mkdirat(l->folder, "metrics", 0777);
    int metrics = openat(l->folder, "metrics", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (metrics >= 0 && doc_print(&d, DOC_PRETTY, &text, NULL))
        file_write_in(metrics, "partial_summary.json", l->place, text.data, text.len, NULL);
    if (metrics >= 0)
        close(metrics);
    doc_release(&d);
    buf_release(&text);
}

void live_run_close(struct live_run *l, bool finished, bool has_cells)
{
    char *old = l->base ? old_name(l) : NULL;
    if (l->is_whole)
        has_cells = true;
    if (finished && old)
        discard_whole(l, old);
    if (!finished && !has_cells && live_run_is_there(l))
        discard(l);
    free(old);
    release(l);
}
