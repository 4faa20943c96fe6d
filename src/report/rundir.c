#include "report/rundir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "report/doc.h"

enum { MAX_FILES = 32, MANIFEST_MAX = 1 << 20 };

static const char manifest_name[] = "manifest.json";

struct rundir_file {
    char name[64];
    size_t bytes;
    char sha256[SHA256_HEX];
    unsigned flags;
};

// What an earlier run may leave behind.
struct listing {
    char names[MAX_FILES][64];
    size_t n;
};

static void list_add(struct listing *l, const char *name)
{
    if (l->n < MAX_FILES) // one more is a stranger then, and the folder stays
        snprintf(l->names[l->n++], sizeof l->names[0], "%s", name);
}

static bool list_has(const struct listing *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0)
            return true;
    return false;
}

static void read_entries(struct json *j, struct listing *out)
{
    struct json_text key, path;
    if (!json_array(j))
        return;
    while (json_next_item(j) && json_object(j))
        while (json_next_key(j, &key)) {
            if (!json_key_is(key, "path"))
                json_skip(j);
            else if (json_string(j, &path))
                list_add(out, path.data);
        }
}

// Read a manifest's names; false if the bytes are no manifest of ours.
static bool parse_manifest(const struct file_bytes *bytes, struct listing *out)
{
    struct json j = { 0 };
    struct json_text key, schema;
    struct abl_err ignored;
    bool ours = false;
    if (json_open(&j, manifest_name, bytes->data, bytes->size, ABL_FAILED, &ignored)
        && json_object(&j)) {
        while (json_next_key(&j, &key)) {
            if (json_key_is(key, "schema"))
                ours = json_string(&j, &schema) && json_key_is(schema, "abltui.manifest/1");
            else if (json_key_is(key, "files"))
                read_entries(&j, out);
            else
                json_skip(&j);
        }
        ours = json_end(&j) && ours;
    }
    json_close(&j);
    return ours;
}

// What the run in folder `place` consists of; nothing when there is none.
static void list_run(const char *place, struct listing *out)
{
    char *name = file_join(place, manifest_name);
    struct file_bytes bytes;
    *out = (struct listing){ .n = 0 };
    if (name && file_read(name, MANIFEST_MAX, &bytes, ABL_FAILED, NULL)) {
        if (parse_manifest(&bytes, out))
            list_add(out, manifest_name);
        else
            out->n = 0;
        file_bytes_release(&bytes);
    }
    free(name);
}

// Look below a folder for a file that the listing does not name; its relative name goes to
// stranger. Folders count by what they hold. prefix: "" or "metrics/".
static bool find_stranger(const char *folder, const char *prefix, const struct listing *l,
                          char stranger[PATH_MAX])
{
    DIR *dir = opendir(folder);
    if (!dir) {
        snprintf(stranger, PATH_MAX, "%s", prefix);
        return true;
    }
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char name[PATH_MAX], inside[PATH_MAX];
        int len = snprintf(name, sizeof name, "%s%s", prefix, e->d_name);
        int len_inside = snprintf(inside, sizeof inside, "%s%s/", prefix, e->d_name);
        char *full
            = len < len_inside && len_inside < PATH_MAX ? file_join(folder, e->d_name) : NULL;
        struct stat st;
        if (full && lstat(full, &st) == 0 && S_ISDIR(st.st_mode)) {
            found = find_stranger(full, inside, l, stranger);
        } else if (!full || !list_has(l, name)) {
            memcpy(stranger, name, sizeof name);
            found = true;
        }
        free(full);
    }
    closedir(dir);
    return found;
}

// Split path at its last component; parent and base are malloc'd.
static bool split_path(const char *path, char **parent, char **base)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    *base = strndup(path + start, end - start);
    *parent = start == 0 ? strdup(".") : strndup(path, start);
    if (*base && *parent)
        return true;
    free(*base);
    free(*parent);
    return false;
}

// The absolute place that path means, symbolic links followed; malloc'd.
static char *resolve(const char *path, struct abl_err *err)
{
    char *place = realpath(path, NULL), *parent, *base;
    if (place)
        return place;
    if (errno != ENOENT) {
        abl_fail(err, ABL_FAILED, "cannot write '%s': %s; choose another folder", path,
                 strerror(errno));
        return NULL;
    }
    if (!split_path(path, &parent, &base)) {
        abl_no_memory(err);
        return NULL;
    }
    char *real = realpath(parent, NULL);
    if (!real)
        abl_fail(err, ABL_FAILED, "cannot write '%s': folder '%s': %s; create it first", path,
                 parent, strerror(errno));
    else if (access(real, W_OK | X_OK) != 0)
        abl_fail(err, ABL_FAILED, "cannot write '%s': folder '%s': %s; choose another folder", path,
                 parent, strerror(errno));
    else if (!(place = file_join(real, base)))
        abl_no_memory(err);
    free(real);
    free(parent);
    free(base);
    return place;
}

// Whether what is at place may go.
static bool check_place(const char *path, const char *place, struct abl_err *err)
{
    struct listing list;
    char stranger[PATH_MAX] = "";
    if (!file_exists(place))
        return true;
    if (!file_is_dir(place))
        return abl_fail(err, ABL_USAGE,
                        "'%s' is a file: expected a new folder, an empty one or an earlier run; "
                        "choose another name",
                        path);
    list_run(place, &list);
    if (!find_stranger(place, "", &list, stranger))
        return true;
    return abl_fail(err, ABL_USAGE,
                    "folder '%s' holds '%s', which is not part of an earlier run: nothing was "
                    "replaced; move it away or choose another name",
                    path, stranger);
}

bool rundir_check(const char *path, struct abl_err *err)
{
    char *place = resolve(path, err);
    bool ok = place && check_place(path, place, err);
    free(place);
    return ok;
}

// malloc'd "parent/.base.<kind>-<pid>": hidden, beside the place and so on the same file system.
static char *beside(const char *place, const char *kind)
{
    char *parent, *base, *out = NULL;
    if (!split_path(place, &parent, &base))
        return NULL;
    if (asprintf(&out, "%s/.%s.%s-%ld", parent, base, kind, (long)getpid()) < 0)
        out = NULL;
    free(parent);
    free(base);
    return out;
}

static void release(struct rundir *d)
{
    free(d->place);
    free(d->temp);
    free(d->files);
    *d = (struct rundir){ 0 };
}

static bool make_folder(const char *path, struct abl_err *err)
{
    if (mkdir(path, 0777) == 0)
        return true;
    return abl_fail(err, ABL_FAILED, "cannot create folder '%s': %s; choose another folder", path,
                    strerror(errno));
}

bool rundir_open(const char *path, struct rundir *out, struct abl_err *err)
{
    struct rundir d = { .place = resolve(path, err) };
    if (!d.place)
        return false;
    d.temp = beside(d.place, "tmp");
    d.files = calloc(MAX_FILES, sizeof *d.files);
    bool ok = (d.temp && d.files) || abl_no_memory(err);
    // Left by a process of the same number that was killed: nobody else makes such a name.
    ok = ok && check_place(path, d.place, err)
         && (!file_exists(d.temp) || file_remove_tree(d.temp, err)) && make_folder(d.temp, err);
    if (!ok) {
        release(&d);
        return false;
    }
    *out = d;
    return true;
}

// Create the folder that name lies in, if it lies in one.
static bool make_inner(const struct rundir *d, const char *name, struct abl_err *err)
{
    const char *slash = strchr(name, '/');
    if (!slash)
        return true;
    char *folder = NULL;
    if (asprintf(&folder, "%s/%.*s", d->temp, (int)(slash - name), name) < 0)
        return abl_no_memory(err);
    bool ok = file_is_dir(folder) || make_folder(folder, err);
    free(folder);
    return ok;
}

static bool write_file(const struct rundir *d, const char *name, const struct buf *bytes,
                       struct abl_err *err)
{
    char *path = file_join(d->temp, name);
    bool ok = (path && !bytes->failed) || abl_no_memory(err);
    ok = ok && make_inner(d, name, err)
         && file_write_atomic(path, bytes->data ? bytes->data : "", bytes->len, err);
    free(path);
    return ok;
}

bool rundir_add(struct rundir *d, const char *name, const struct buf *bytes, unsigned flags,
                struct abl_err *err)
{
    assert(d->n_files < MAX_FILES - 1); // the manifest itself is one
    struct rundir_file f = { .bytes = bytes->len, .flags = flags };
    assert(strlen(name) < sizeof f.name);
    snprintf(f.name, sizeof f.name, "%s", name);
    if (!write_file(d, name, bytes, err)
        || !sha256_bytes(bytes->data ? bytes->data : "", bytes->len, f.sha256, err))
        return false;
    d->files[d->n_files++] = f;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct rundir_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool write_manifest(struct rundir *d, bool partial, struct abl_err *err)
{
    qsort(d->files, d->n_files, sizeof *d->files, by_name);
    struct doc doc = doc_file("manifest", partial);
    cJSON *files = doc_array(&doc, doc.root, "files");
    for (size_t i = 0; i < d->n_files; i++) {
        const struct rundir_file *f = &d->files[i];
        bool fixed = !(f->flags & RUNDIR_VOLATILE);
        cJSON *o = doc_object(&doc, files, NULL);
        doc_text(&doc, o, "path", f->name);
        if (fixed)
            doc_uint(&doc, o, "bytes", f->bytes);
        else
            doc_null(&doc, o, "bytes");
        doc_text(&doc, o, "sha256", fixed ? f->sha256 : NULL);
    }
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

// Swap the finished folder in; what was there before comes back if that fails.
static bool move_into_place(const struct rundir *d, struct abl_err *err)
{
    if (!file_exists(d->place))
        return rename(d->temp, d->place) == 0 || rename_failed(d->place, err);
    char *old = beside(d->place, "old");
    if (!old)
        return abl_no_memory(err);
    bool ok = rename(d->place, old) == 0 || rename_failed(d->place, err);
    if (ok && rename(d->temp, d->place) != 0) {
        ok = rename_failed(d->place, err);
        (void)!rename(old, d->place);
    } else if (ok) {
        // what stays is hidden and harmless; the new run is in its place
        file_remove_tree(old, NULL);
    }
    free(old);
    return ok;
}

bool rundir_commit(struct rundir *d, bool partial, struct abl_err *err)
{
    // The place is looked at again: the run may have taken hours.
    bool ok = write_manifest(d, partial, err) && check_place(d->place, d->place, err)
              && move_into_place(d, err);
    if (!ok)
        file_remove_tree(d->temp, NULL);
    release(d);
    return ok;
}

void rundir_abort(struct rundir *d)
{
    file_remove_tree(d->temp, NULL);
    release(d);
}
