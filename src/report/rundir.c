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

static void release(struct rundir *d)
{
    if (d->lock >= 0)
        close(d->lock);
    free(d->place);
    free(d->temp);
    free(d->files);
    *d = (struct rundir){ .lock = -1 };
}

static bool make_folder(const char *path, struct abl_err *err)
{
    if (mkdir(path, 0777) == 0)
        return true;
    return abl_fail(err, ABL_FAILED, "cannot create folder '%s': %s; choose another folder", path,
                    strerror(errno));
}

// The sign that this process writes the folder. Where locks are not to be had, the process's number
// in its name has to do.
static bool take_lock(struct rundir *d, struct abl_err *err)
{
    char *path = file_join(d->temp, writing_name);
    if (!path)
        return abl_no_memory(err);
    d->lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok
        = d->lock >= 0 || abl_fail(err, ABL_FAILED, "cannot write '%s': %s", path, strerror(errno));
    if (ok)
        (void)!flock(d->lock, LOCK_EX | LOCK_NB);
    free(path);
    return ok;
}

bool rundir_open(const char *path, struct rundir *out, struct abl_err *err)
{
    struct rundir d = { .place = rundir_resolve(path, err), .lock = -1 };
    if (!d.place)
        return false;
    d.temp = rundir_hidden(d.place, HIDDEN_WRITTEN);
    d.files = calloc(MAX_FILES, sizeof *d.files);
    bool ok = (d.temp && d.files) || abl_no_memory(err);
    ok = ok && rundir_check_place(path, d.place, err) && make_folder(d.temp, err);
    if (ok && !take_lock(&d, err)) {
        rundir_discard(d.temp);
        ok = false;
    }
    if (!ok) {
        release(&d);
        return false;
    }
    *out = d;
    return true;
}

// Create the folder that name lies in, if it lies in one.
static bool make_inner(const char *root, const char *name, struct abl_err *err)
{
    const char *slash = strchr(name, '/');
    if (!slash)
        return true;
    char *folder = NULL;
    if (asprintf(&folder, "%s/%.*s", root, (int)(slash - name), name) < 0)
        return abl_no_memory(err);
    bool ok = file_is_dir(folder) || make_folder(folder, err);
    free(folder);
    return ok;
}

static bool write_file(const struct rundir *d, const char *name, const struct buf *bytes,
                       struct abl_err *err)
{
    const char *root = d->in_place ? d->place : d->temp;
    char *path = file_join(root, name);
    bool ok = (path && !bytes->failed) || abl_no_memory(err);
    ok = ok && make_inner(root, name, err)
         && file_write_atomic(path, bytes->data ? bytes->data : "", bytes->len, err);
    free(path);
    return ok;
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

bool rundir_add(struct rundir *d, const char *name, const struct buf *bytes, unsigned flags,
                struct abl_err *err)
{
    char sha256[SHA256_HEX];
    if (!sha256_bytes(bytes->data ? bytes->data : "", bytes->len, sha256, err)
        || !write_file(d, name, bytes, err))
        return false;
    struct rundir_file *f = find_file(d, name);
    f->bytes = bytes->len;
    f->flags = flags;
    f->lacks[0] = '\0';
    memcpy(f->sha256, sha256, sizeof sha256);
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

static bool write_manifest(struct rundir *d, struct abl_err *err)
{
    qsort(d->files, d->n_files, sizeof *d->files, by_name);
    struct doc doc = doc_file("manifest", d->partial);
    cJSON *files = doc_array(&doc, doc.root, "files"), *lacks = doc_array(&doc, doc.root, "lacks");
    for (size_t i = 0; i < d->n_files; i++)
        list_file(&doc, files, lacks, &d->files[i]);
    struct buf text = { 0 };
    bool ok = doc_print(&doc, DOC_PRETTY, &text, err) && write_file(d, manifest_name, &text, err);
    buf_release(&text);
    doc_release(&doc);
    return ok;
}

static bool rename_failed(const char *place, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot put the run at '%s': %s; choose another folder", place,
                    strerror(errno));
}

// Where two names cannot be exchanged: the earlier run is out of its place for a moment.
static bool swap_by_steps(const struct rundir *d, struct abl_err *err)
{
    char *old = rundir_hidden(d->place, HIDDEN_OLD);
    if (!old)
        return abl_no_memory(err);
    bool ok = rename(d->place, old) == 0 || rename_failed(d->place, err);
    if (ok && rename(d->temp, d->place) != 0) {
        ok = rename_failed(d->place, err);
        (void)!rename(old, d->place);
    } else if (ok)
        (void)!rename(old, d->temp);
    free(old);
    return ok;
}

// Swap the finished folder in; what was there before is under the temporary name then.
static bool move_into_place(const struct rundir *d, struct abl_err *err)
{
    if (!file_exists(d->place))
        return rename(d->temp, d->place) == 0 || rename_failed(d->place, err);
    if (renameat2(AT_FDCWD, d->temp, AT_FDCWD, d->place, RENAME_EXCHANGE) == 0)
        return true;
    return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ? swap_by_steps(d, err)
                                                                  : rename_failed(d->place, err);
}

// The sign goes over to what was there before, which goes with it.
static void move_lock(struct rundir *d)
{
    char *from = file_join(d->place, writing_name), *to = file_join(d->temp, writing_name);
    bool old = file_is_dir(d->temp);
    if (from && to && (!old || rename(from, to) != 0))
        unlink(from);
    free(from);
    free(to);
    if (old)
        rundir_discard(d->temp);
    close(d->lock);
    d->lock = -1;
}

static bool sync_folders(const struct rundir *d, struct abl_err *err)
{
    static const char *const inner[] = { "metrics", "artifacts", "." };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof inner / sizeof *inner; i++) {
        char *path = file_join(d->temp, inner[i]);
        ok = path ? !file_is_dir(path) || file_sync_folder(path, err) : abl_no_memory(err);
        free(path);
    }
    return ok;
}

bool rundir_commit(struct rundir *d, bool partial, struct abl_err *err)
{
    d->partial = partial;
    // The place is looked at again: the run may have taken hours.
    bool ok = write_manifest(d, err) && sync_folders(d, err)
              && rundir_check_place(d->place, d->place, err) && move_into_place(d, err);
    if (!ok) {
        rundir_abort(d);
        return false;
    }
    d->in_place = true;
    move_lock(d);
    file_sync_parent(d->place); // if not, the name may be lost with the power, not the run
    return true;
}

// Pictures without a manifest that knows them go again.
static void unlink_late(const struct rundir *d)
{
    for (size_t i = 0; i < d->n_files; i++) {
        char *path = d->files[i].flags & RUNDIR_LATE ? file_join(d->place, d->files[i].name) : NULL;
        if (path)
            unlink(path);
        free(path);
    }
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
    rundir_discard(d->temp);
    release(d);
}
