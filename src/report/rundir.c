#include "report/rundir.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "report/doc.h"
#include "report/rundir_place.h"

enum { MAX_FILES = 32 };

struct rundir_file {
    char name[64];
    size_t bytes;
    char sha256[SHA256_HEX];
    unsigned flags;
    char lacks[160]; // why it is not there; "" where it is
};

bool rundir_check(const char *path, struct abl_err *err)
{
    char *place = rundir_resolve(path, err);
    bool ok = place && rundir_check_place(path, place, err);
    free(place);
    return ok;
}

static void close_all(struct rundir *d)
{
    int *const open[] = { &d->lock, &d->folder, &d->parent };
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        if (*open[i] >= 0)
            close(*open[i]);
        *open[i] = -1;
    }
}

static void release(struct rundir *d)
{
    close_all(d);
    free(d->place);
    free(d->base);
    free(d->temp);
    free(d->files);
    *d = (struct rundir){ .lock = -1, .folder = -1, .parent = -1 };
}

// Make a folder in one that is open, and open it; -1 with err filled. There may be one already
// where `may_be`. path names it for the user.
static int make_folder(int in, const char *name, bool may_be, const char *path, struct abl_err *err)
{
    int folder = -1;
    if (mkdirat(in, name, 0777) == 0 || (may_be && errno == EEXIST))
        folder = openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        abl_fail(err, ABL_FAILED, "cannot create folder '%s': %s; choose another folder", path,
                 strerror(errno));
    return folder;
}

// The sign that this process writes the folder. Where locks are not to be had, the process's number
// in its name has to do.
static bool take_lock(struct rundir *d, struct abl_err *err)
{
    d->lock
        = openat(d->folder, writing_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (d->lock < 0)
        return abl_fail(err, ABL_FAILED, "cannot write '%s/%s': %s", d->temp, writing_name,
                        strerror(errno));
    (void)!flock(d->lock, LOCK_EX | LOCK_NB);
    return true;
}

static bool open_parent(struct rundir *d, struct abl_err *err)
{
    char *path;
    if (!file_split(d->place, &path, &d->base)) {
        d->base = NULL;
        return abl_no_memory(err);
    }
    d->parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool ok = d->parent >= 0
              || abl_fail(err, ABL_FAILED, "cannot write '%s': %s; choose another folder", d->place,
                          strerror(errno));
    free(path);
    return ok;
}

// Make the folder under a name of its own.
static bool make_temp(struct rundir *d, struct abl_err *err)
{
    d->temp = rundir_hidden(d->base, HIDDEN_WRITTEN);
    if (!d->temp)
        return abl_no_memory(err);
    d->folder = make_folder(d->parent, d->temp, false, d->place, err);
    if (d->folder < 0)
        return false;
    if (take_lock(d, err))
        return true;
    rundir_discard(d->parent, d->temp, d->folder);
    return false;
}

// Whether what lies in the place may be replaced.
static bool check_old(const struct rundir *d, const char *path, int old, struct abl_err *err)
{
    enum rundir_held held;
    return d->under_way >= 0 && rundir_is(d->parent, d->base, d->under_way)
               ? rundir_look(path, old, &held, err)
               : rundir_check_opened(path, old, err);
}

static bool check_under_way(const struct rundir *d, const char *path, struct abl_err *err)
{
    return (d->under_way >= 0 && rundir_is(d->parent, d->base, d->under_way))
           || rundir_check_place(path, d->place, err);
}

bool rundir_open(const char *path, int under_way, struct rundir *out, struct abl_err *err)
{
    struct rundir d = { .place = rundir_resolve(path, err),
                        .under_way = under_way,
                        .lock = -1,
                        .folder = -1,
                        .parent = -1 };
    if (!d.place)
        return false;
    d.files = calloc(MAX_FILES, sizeof *d.files);
    bool ok = (d.files || abl_no_memory(err)) && open_parent(&d, err)
              && check_under_way(&d, path, err) && make_temp(&d, err);
    if (!ok) {
        release(&d);
        return false;
    }
    *out = d;
    return true;
}

static struct rundir_file *find_file(struct rundir *d, const char *name)
{
    for (size_t i = 0; i < d->n_files; i++)
        if (strcmp(d->files[i].name, name) == 0)
            return &d->files[i];
    assert(d->n_files < MAX_FILES - 1); // the manifest itself is one
    struct rundir_file *f = &d->files[d->n_files++];
    assert(strlen(name) < sizeof f->name);
    snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

struct rundir_pieces {
    struct rundir *d;
    char name[64];
    char *path; // for messages
    int folder; // that it lies in; the run's own is borrowed
    bool is_inner;
    struct file_pieces file; // file.fd < 0: it failed
    struct sha256_sum *sum;
    size_t bytes;
    struct abl_err failed;
};

// The folder that a name of the run's lies in, and the name there.
static bool open_inner(struct rundir_pieces *p, const char **name, struct abl_err *err)
{
    const char *slash = strchr(p->name, '/');
    p->folder = p->d->folder;
    *name = slash ? slash + 1 : p->name;
    if (!slash)
        return true;
    char *inner = strndup(p->name, (size_t)(slash - p->name));
    if (!inner)
        return abl_no_memory(err);
    p->folder = make_folder(p->d->folder, inner, true, p->path, err);
    p->is_inner = p->folder >= 0;
    free(inner);
    return p->is_inner;
}

static void pieces_free(struct rundir_pieces *p)
{
    file_pieces_drop(&p->file);
    sha256_drop(p->sum);
    if (p->is_inner)
        close(p->folder);
    free(p->path);
    free(p);
}

struct rundir_pieces *rundir_begin(struct rundir *d, const char *name, struct abl_err *err)
{
    struct rundir_pieces *p = calloc(1, sizeof *p);
    if (!p) {
        abl_no_memory(err);
        return NULL;
    }
    p->d = d;
    p->file.fd = -1;
    p->path = file_join(d->place, name);
    snprintf(p->name, sizeof p->name, "%s", name);
    const char *inner;
    bool ok = (p->path || abl_no_memory(err)) && open_inner(p, &inner, err)
              && (p->sum = sha256_begin(err))
              && file_pieces_begin(p->folder, inner, p->path, &p->file, err);
    if (ok)
        return p;
    pieces_free(p);
    return NULL;
}

void rundir_put(struct rundir_pieces *p, const struct buf *bytes)
{
    if (p->failed.code || !bytes->len)
        return;
    if (bytes->failed)
        abl_no_memory(&p->failed);
    else if (sha256_more(p->sum, bytes->data, bytes->len, &p->failed)
             && file_pieces_put(&p->file, bytes->data, bytes->len, &p->failed))
        p->bytes += bytes->len;
}

bool rundir_end(struct rundir_pieces *p, struct abl_err *err)
{
    char sha256[SHA256_HEX];
    bool ok = !p->failed.code;
    if (!ok && err)
        *err = p->failed;
    if (ok) {
        ok = sha256_end(p->sum, sha256, err);
        p->sum = NULL;
    }
    ok = ok && file_pieces_end(&p->file, err);
    if (ok) {
        struct rundir_file *f = find_file(p->d, p->name);
        f->bytes = p->bytes;
        f->flags = 0;
        f->lacks[0] = '\0';
        memcpy(f->sha256, sha256, sizeof sha256);
    }
    pieces_free(p);
    return ok;
}

bool rundir_add(struct rundir *d, const char *name, const struct buf *bytes, unsigned flags,
                struct abl_err *err)
{
    struct rundir_pieces *p = rundir_begin(d, name, err);
    if (!p)
        return false;
    if (bytes->failed)
        abl_no_memory(&p->failed);
    rundir_put(p, bytes);
    if (!rundir_end(p, err))
        return false;
    find_file(d, name)->flags = flags;
    return true;
}

void rundir_lack(struct rundir *d, const char *name, const char *why)
{
    struct rundir_file *f = find_file(d, name);
    snprintf(f->lacks, sizeof f->lacks, "%s", why);
}

static int by_name(const void *a, const void *b)
{
    const struct rundir_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void list_file(struct doc *doc, cJSON *files, cJSON *lacks, const struct rundir_file *f)
{
    cJSON *o = doc_object(doc, *f->lacks ? lacks : files, NULL);
    doc_text(doc, o, "path", f->name);
    if (*f->lacks) {
        doc_text(doc, o, "why", f->lacks);
        return;
    }
    bool fixed = !(f->flags & RUNDIR_VOLATILE);
    if (fixed)
        doc_uint(doc, o, "bytes", f->bytes);
    else
        doc_null(doc, o, "bytes");
    doc_text(doc, o, "sha256", fixed ? f->sha256 : NULL);
}

static bool write_list(const struct rundir *d, const struct buf *text, struct abl_err *err)
{
    char *path = file_join(d->place, manifest_name);
    bool ok = (path || abl_no_memory(err))
              && file_write_in(d->folder, manifest_name, path, text->data, text->len, err);
    free(path);
    return ok;
}

static bool write_manifest(struct rundir *d, struct abl_err *err)
{
    qsort(d->files, d->n_files, sizeof *d->files, by_name);
    struct doc doc = doc_file("manifest", d->partial);
    cJSON *files = doc_array(&doc, doc.root, "files"), *lacks = doc_array(&doc, doc.root, "lacks");
    for (size_t i = 0; i < d->n_files; i++)
        list_file(&doc, files, lacks, &d->files[i]);
    struct buf text = { 0 };
    bool ok = doc_print(&doc, DOC_PRETTY, &text, err) && write_list(d, &text, err);
    buf_release(&text);
    doc_release(&doc);
    return ok;
}

static bool rename_failed(const char *place, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot put the run at '%s': %s; choose another folder", place,
                    strerror(errno));
}

static bool rename_in(const struct rundir *d, const char *from, const char *to)
{
    return renameat(d->parent, from, d->parent, to) == 0;
}

// Where two names cannot be exchanged: the earlier run is out of its place for a moment.
static bool swap_by_steps(const struct rundir *d, struct abl_err *err)
{
    char *old = rundir_hidden(d->base, HIDDEN_OLD);
    if (!old)
        return abl_no_memory(err);
    bool ok = rename_in(d, d->base, old) || rename_failed(d->place, err);
    if (ok && !rename_in(d, d->temp, d->base)) {
        ok = rename_failed(d->place, err);
        (void)rename_in(d, old, d->base);
    } else if (ok)
        (void)rename_in(d, old, d->temp);
    free(old);
    return ok;
}

// Put the finished folder in; what was there before is under the temporary name then.
static bool move_into_place(const struct rundir *d, bool is_there, struct abl_err *err)
{
    if (!rundir_is(d->parent, d->temp, d->folder))
        return abl_fail(err, ABL_FAILED,
                        "cannot put the run at '%s': '%s' beside it was replaced by somebody else; "
                        "choose another folder",
                        d->place, d->temp);
    if (!is_there)
        return rename_in(d, d->temp, d->base) || rename_failed(d->place, err);
    if (renameat2(d->parent, d->temp, d->parent, d->base, RENAME_EXCHANGE) == 0)
        return true;
    return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ? swap_by_steps(d, err)
                                                                  : rename_failed(d->place, err);
}

// The sign goes over to what was there before (old; -1: nothing), which goes with it.
static void move_lock(struct rundir *d, int old)
{
    if (old < 0 || renameat(d->folder, writing_name, old, writing_name) != 0)
        unlinkat(d->folder, writing_name, 0);
    if (old >= 0)
        rundir_discard(d->parent, d->temp, old);
    close(d->lock);
    d->lock = -1;
}

static bool sync_folders(const struct rundir *d, struct abl_err *err)
{
    static const char *const inner[] = { "metrics", "artifacts", "." };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof inner / sizeof *inner; i++) {
        int fd = openat(d->folder, inner[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        ok = fd >= 0 ? file_sync_opened(fd) : errno == ENOENT;
        if (!ok)
            abl_fail(err, ABL_FAILED, "cannot write folder '%s': %s", d->place, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return ok;
}

// The earlier run in the place, held open; -1 where there is none. The place is looked at again:
// the run may have taken hours.
static bool open_old(const struct rundir *d, int *old, struct abl_err *err)
{
    *old = openat(d->parent, d->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*old >= 0)
        return check_old(d, d->place, *old, err);
    return errno == ENOENT || rundir_check_place(d->place, d->place, err);
}

bool rundir_commit(struct rundir *d, bool partial, struct abl_err *err)
{
    int old = -1;
    d->partial = partial;
    bool ok = write_manifest(d, err) && sync_folders(d, err) && open_old(d, &old, err)
              && move_into_place(d, old >= 0, err);
    if (ok) {
        move_lock(d, old);
        file_sync_parent(d->place); // if not, the name may be lost with the power, not the run
    } else
        rundir_abort(d);
    if (old >= 0)
        close(old);
    return ok;
}

// Pictures without a manifest that knows them go again.
static void unlink_late(const struct rundir *d)
{
    for (size_t i = 0; i < d->n_files; i++)
        if (d->files[i].flags & RUNDIR_LATE)
            unlinkat(d->folder, d->files[i].name, 0);
}

bool rundir_finish(struct rundir *d, struct abl_err *err)
{
    bool late = false;
    for (size_t i = 0; i < d->n_files; i++)
        late |= *d->files[i].lacks || d->files[i].flags & RUNDIR_LATE;
    bool ok = !late || write_manifest(d, err);
    if (!ok)
        unlink_late(d);
    release(d);
    return ok;
}

void rundir_abort(struct rundir *d)
{
    rundir_discard(d->parent, d->temp, d->folder);
    release(d);
}
