#include "report/rundir_place.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

enum { MAX_LISTED = 40, MANIFEST_MAX = 1 << 20, MAX_BASE = 200, MAX_NUMBERED = 99 };

const char manifest_name[] = "manifest.json";
const char writing_name[] = ".abltui-writing";

// ------------------------------------------------------------------------------------ earlier runs

// What an earlier run may leave behind.
struct listing {
    char names[MAX_LISTED][64];
    size_t n, n_missing; // n_missing: listed as there, but not there
};

static void list_add(struct listing *l, const char *name)
{
    if (l->n < MAX_LISTED) // one more is a stranger then, and the folder stays
        snprintf(l->names[l->n++], sizeof l->names[0], "%s", name);
}

// A listed name, or one under which file_write_atomic was writing it.
static bool list_has(const struct listing *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        size_t len = strlen(l->names[i]);
        if (strncmp(l->names[i], name, len) == 0 && (!name[len] || file_is_temporary(name + len)))
            return true;
    }
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

static void count_missing(const char *place, struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        char *path = file_join(place, l->names[i]);
        l->n_missing += !path || !file_exists(path);
        free(path);
    }
}

// Read a manifest's names; false if the bytes are no manifest of ours.
static bool parse_manifest(const struct file_bytes *bytes, const char *place, struct listing *out)
{
    struct listing lacks = { 0 };
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
            else if (json_key_is(key, "lacks"))
                read_entries(&j, &lacks);
            else
                json_skip(&j);
        }
        ours = json_end(&j) && ours;
    }
    json_close(&j);
    count_missing(place, out);
    for (size_t i = 0; i < lacks.n; i++)
        list_add(out, lacks.names[i]);
    return ours;
}

// What the run in folder `place` consists of; nothing when there is none.
static void list_run(const char *place, struct listing *out)
{
    char *name = file_join(place, manifest_name);
    struct file_bytes bytes;
    *out = (struct listing){ .n = 0 };
    if (name && file_read(name, MANIFEST_MAX, &bytes, ABL_FAILED, NULL)) {
        if (parse_manifest(&bytes, place, out)) {
            list_add(out, manifest_name);
            list_add(out, writing_name);
        } else
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

// Nobody means a folder of blanks, and what begins with a dash is an option gone astray.
bool rundir_check_name(const char *path, struct abl_err *err)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    const char *base = path + len;
    while (base > path && base[-1] != '/')
        base--;
    size_t n = len - (size_t)(base - path), blanks = 0;
    while (blanks < n && isspace((unsigned char)base[blanks]))
        blanks++;
    if (blanks == n)
        return abl_fail(err, ABL_USAGE, "'%s' is blank: expected the name of a folder for the run",
                        path);
    return *path != '-'
           || abl_fail(err, ABL_USAGE,
                       "'%s' looks like an option: expected a folder; write './%s' for one of that "
                       "name",
                       path, path);
}

char *rundir_resolve(const char *path, struct abl_err *err)
{
    if (!rundir_check_name(path, err))
        return NULL;
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

bool rundir_check_place(const char *path, const char *place, struct abl_err *err)
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

// --------------------------------------------------------------------------------------- leftovers

static const char *const kinds[] = { [HIDDEN_WRITTEN] = ".tmp-", [HIDDEN_OLD] = ".old-" };

char *rundir_hidden(const char *place, enum hidden_kind kind)
{
    char *parent, *base, *out = NULL;
    if (!split_path(place, &parent, &base))
        return NULL;
    if (asprintf(&out, "%s/.%.*s%s%ld", parent, MAX_BASE, base, kinds[kind], (long)getpid()) < 0)
        out = NULL;
    if (out)
        file_tidy(out); // the parent may be the root
    free(parent);
    free(base);
    return out;
}

char *rundir_free_name(const char *place)
{
    for (int i = 1; i <= MAX_NUMBERED; i++) {
        char *name = NULL;
        if (asprintf(&name, "%s-%d", place, i) < 0)
            return NULL;
        if (!file_exists(name))
            return name;
        free(name);
    }
    return NULL;
}

void rundir_discard(const char *folder)
{
    DIR *dir = opendir(folder);
    bool all = dir != NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0
            || strcmp(e->d_name, writing_name) == 0)
            continue;
        char *child = file_join(folder, e->d_name);
        all = child && file_remove_tree(child, NULL) && all;
        free(child);
    }
    if (dir)
        closedir(dir);
    if (all)
        file_remove_tree(folder, NULL);
}

// What a hidden name says.
struct hidden {
    enum hidden_kind kind;
    size_t base_len; // of the place's name, behind the dot
    long pid;
};

static bool parse_hidden(const char *name, struct hidden *out)
{
    for (size_t k = 0; *name == '.' && k < sizeof kinds / sizeof *kinds; k++) {
        const char *last = NULL;
        for (const char *at = strstr(name + 1, kinds[k]); at; at = strstr(at + 1, kinds[k]))
            last = at;
        const char *digits = last ? last + strlen(kinds[k]) : "";
        size_t n = strspn(digits, "0123456789");
        if (n && n < 10 && !digits[n]) {
            *out = (struct hidden){ (enum hidden_kind)k, (size_t)(last - name - 1),
                                    strtol(digits, NULL, 10) };
            return true;
        }
    }
    return false;
}

// Another process of this number is still there.
static bool is_alive(long pid)
{
    return pid != (long)getpid() && (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

// Whether nobody writes this folder any more: its lock is free. Where it has none, or none that
// can be asked for, the process's number tells.
static bool is_left(const char *folder, long pid, bool *has_lock)
{
    char *path = file_join(folder, writing_name);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    bool left = locked && errno == EWOULDBLOCK ? false : fd >= 0 && !locked ? true : !is_alive(pid);
    *has_lock = fd >= 0;
    if (fd >= 0)
        close(fd);
    free(path);
    return left;
}

static bool is_own_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

// A finished run that was not in its place yet: give it a name that can be seen.
static char *rescue(const char *parent, const char *folder, const char *name, size_t base_len)
{
    char *place = NULL, *out = NULL;
    if (asprintf(&place, "%s/%.*s", parent, (int)base_len, name + 1) < 0)
        return NULL;
    char *to = rundir_free_name(place);
    if (to && rename(folder, to) == 0) {
        char *lock = file_join(to, writing_name);
        if (lock)
            unlink(lock);
        free(lock);
        out = to;
    } else
        free(to);
    free(place);
    return out;
}

// An earlier run that was to make room: back to its place, where there is nothing else now.
static void bring_back(const char *parent, const char *folder, const char *name, size_t base_len)
{
    char *place = NULL;
    if (asprintf(&place, "%s/%.*s", parent, (int)base_len, name + 1) < 0)
        return;
    if (file_exists(place))
        rundir_discard(folder);
    else
        (void)!rename(folder, place);
    free(place);
}

// Returns the name of a run that was rescued.
static char *put_right(const char *parent, const char *name)
{
    struct hidden h;
    struct listing list;
    char stranger[PATH_MAX], *rescued = NULL;
    char *folder = parse_hidden(name, &h) ? file_join(parent, name) : NULL;
    bool has_lock = false;
    if (folder && is_own_folder(folder) && is_left(folder, h.pid, &has_lock)) {
        list_run(folder, &list);
        bool whole = list.n && !list.n_missing;
        bool ours = has_lock || (list.n && !find_stranger(folder, "", &list, stranger));
        if (ours && h.kind == HIDDEN_OLD)
            bring_back(parent, folder, name, h.base_len);
        else if (has_lock && whole)
            rescued = rescue(parent, folder, name, h.base_len);
        else if (ours)
            rundir_discard(folder);
        else
            rmdir(folder); // made, and nothing put into it
    }
    free(folder);
    return rescued;
}

char *rundir_sweep(const char *place)
{
    char *parent, *base, *rescued = NULL;
    if (!split_path(place, &parent, &base))
        return NULL;
    DIR *dir = opendir(parent);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *one = put_right(parent, e->d_name);
        if (rescued)
            free(one);
        else
            rescued = one;
    }
    if (dir)
        closedir(dir);
    free(parent);
    free(base);
    return rescued;
}
