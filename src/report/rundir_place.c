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
#include "session/journal.h"

enum { MAX_LISTED = 40, MANIFEST_MAX = 1 << 20, MAX_BASE = 200, MAX_NUMBERED = 99 };

const char manifest_name[] = "manifest.json";
const char writing_name[] = ".abltui-writing";

// ------------------------------------------------------------------------------------ earlier runs

// What an earlier run may leave behind.
struct listing {
    char names[MAX_LISTED][64];
    size_t n, n_missing; // n_missing: listed as there, but not there
    bool under_way;      // there is no list: what a run has before it ends, journals included
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
    return l->under_way && journal_is_name(name, NULL, NULL);
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

static void count_missing(int folder, struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->n_missing += !file_is_there(folder, l->names[i]);
}

// Read a manifest's names; false if the bytes are no manifest of ours.
static bool parse_manifest(const struct file_bytes *bytes, int folder, struct listing *out)
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
    count_missing(folder, out);
    for (size_t i = 0; i < lacks.n; i++)
        list_add(out, lacks.names[i]);
    return ours;
}

static bool has_journal(int folder)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    bool found = false;
    if (!dir && own >= 0)
        close(own);
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        found = journal_is_name(e->d_name, "jsonl", NULL);
    if (dir)
        closedir(dir);
    return found;
}

// What the run in a folder consists of; nothing when there is none.
static void list_run(int folder, struct listing *out)
{
    struct file_bytes bytes;
    *out = (struct listing){ .n = 0 };
    if (!file_read_in(folder, manifest_name, MANIFEST_MAX, &bytes, ABL_FAILED, NULL)) {
        if (!has_journal(folder))
            return;
        out->under_way = true;
        list_add(out, "config.json");
        list_add(out, "provenance.json");
        list_add(out, "metrics/partial_summary.json");
        list_add(out, writing_name);
        return;
    }
    if (parse_manifest(&bytes, folder, out)) {
        list_add(out, manifest_name);
        list_add(out, writing_name);
    } else
        out->n = 0;
    file_bytes_release(&bytes);
}

static bool find_stranger(int folder, const char *prefix, const struct listing *l,
                          char stranger[PATH_MAX]);

// Whether a name in a folder is that of a stranger, or a folder that holds one.
static bool is_stranger(int folder, const char *name, const char *prefix, const struct listing *l,
                        char stranger[PATH_MAX])
{
    char path[PATH_MAX], inside[PATH_MAX];
    struct stat st;
    int len = snprintf(path, sizeof path, "%s%s", prefix, name);
    bool fits = snprintf(inside, sizeof inside, "%s%s/", prefix, name) < PATH_MAX && len < PATH_MAX;
    bool is_dir
        = fits && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    if (is_dir) {
        int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        bool found = inner < 0 || find_stranger(inner, inside, l, stranger);
        if (inner >= 0)
            close(inner);
        else
            memcpy(stranger, inside, sizeof inside);
        return found;
    }
    if (fits && list_has(l, path))
        return false;
    memcpy(stranger, path, sizeof path);
    return true;
}

// Look below a folder for a file that the listing does not name; its relative name goes to
// stranger. Folders count by what they hold. prefix: "" or "metrics/".
static bool find_stranger(int folder, const char *prefix, const struct listing *l,
                          char stranger[PATH_MAX])
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    if (!dir) {
        if (own >= 0)
            close(own);
        snprintf(stranger, PATH_MAX, "%s", prefix);
        return true;
    }
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(dir));)
        found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0
                && is_stranger(folder, e->d_name, prefix, l, stranger);
    closedir(dir);
    return found;
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
    if (!file_split(path, &parent, &base)) {
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

bool rundir_look(const char *path, int folder, enum rundir_held *out, struct abl_err *err)
{
    struct listing list;
    char stranger[PATH_MAX] = "";
    list_run(folder, &list);
    *out = list.under_way ? HELD_UNDER_WAY : list.n ? HELD_RUN : HELD_NOTHING;
    return !find_stranger(folder, "", &list, stranger)
           || abl_fail(err, ABL_USAGE,
                       "folder '%s' holds '%s', which is not part of an earlier run: nothing was "
                       "replaced; move it away or choose another name",
                       path, stranger);
}

bool rundir_check_opened(const char *path, int folder, struct abl_err *err)
{
    enum rundir_held held;
    return rundir_look(path, folder, &held, err)
           && (held != HELD_UNDER_WAY
               || abl_fail(err, ABL_USAGE,
                           "'%s' is an incomplete run: 'abltui --export %s --resume' goes on with "
                           "it; choose another folder",
                           path, path));
}

bool rundir_is_whole(int parent, const char *name)
{
    enum rundir_held held = HELD_NOTHING;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool whole = folder >= 0 && rundir_look(name, folder, &held, NULL) && held == HELD_RUN;
    if (folder >= 0)
        close(folder);
    return whole;
}

bool rundir_check_place(const char *path, const char *place, struct abl_err *err)
{
    if (!file_exists(place))
        return true;
    if (!file_is_dir(place))
        return abl_fail(err, ABL_USAGE,
                        "'%s' is a file: expected a new folder, an empty one or an earlier run; "
                        "choose another name",
                        path);
    int folder = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return abl_fail(err, ABL_USAGE, "folder '%s' cannot be opened: %s; choose another name",
                        path, strerror(errno));
    bool ok = rundir_check_opened(path, folder, err);
    close(folder);
    return ok;
}

// --------------------------------------------------------------------------------------- leftovers

static const char *const kinds[] = { [HIDDEN_WRITTEN] = ".tmp-", [HIDDEN_OLD] = ".old-" };

char *rundir_hidden(const char *base, enum hidden_kind kind)
{
    char random[FILE_RANDOM_NAME], *out = NULL;
    file_random_name(random);
    if (asprintf(&out, ".%.*s%s%ld-%s", MAX_BASE, base, kinds[kind], (long)getpid(), random) < 0)
        return NULL;
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

bool rundir_is(int parent, const char *name, int folder)
{
    struct stat a, b;
    return fstat(folder, &a) == 0 && fstatat(parent, name, &b, AT_SYMLINK_NOFOLLOW) == 0
           && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void rundir_discard(int parent, const char *name, int folder)
{
    if (file_remove_inside(folder, writing_name, name, NULL)
        && (unlinkat(folder, writing_name, 0) == 0 || errno == ENOENT)
        && rundir_is(parent, name, folder))
        unlinkat(parent, name, AT_REMOVEDIR);
}

// What a hidden name says.
struct hidden {
    enum hidden_kind kind;
    size_t base_len; // of the place's name, behind the dot
    long pid;
};

// ".BASE.tmp-PID-RANDOM"; earlier versions wrote no RANDOM.
static bool parse_hidden(const char *name, struct hidden *out)
{
    for (size_t k = 0; *name == '.' && k < sizeof kinds / sizeof *kinds; k++) {
        const char *last = NULL;
        for (const char *at = strstr(name + 1, kinds[k]); at; at = strstr(at + 1, kinds[k]))
            last = at;
        const char *digits = last ? last + strlen(kinds[k]) : "";
        size_t n = strspn(digits, "0123456789");
        const char *random = digits + n + (digits[n] == '-');
        if (n && n < 10 && !random[strspn(random, "0123456789abcdef")]) {
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
static bool is_left(int folder, long pid, bool *has_lock)
{
    int fd = openat(folder, writing_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    bool left = locked && errno == EWOULDBLOCK ? false : fd >= 0 && !locked ? true : !is_alive(pid);
    *has_lock = fd >= 0;
    if (fd >= 0)
        close(fd);
    return left;
}

// A folder in which processes of ours may have left something.
struct swept {
    int parent;
    const char *path; // of it
};

// A folder of the user's own, -1 for all else.
static int open_own(const struct swept *s, const char *name)
{
    struct stat st;
    int folder = openat(s->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || (fstat(folder, &st) == 0 && st.st_uid == geteuid()))
        return folder;
    close(folder);
    return -1;
}

// A finished run that was not in its place yet: give it a name that can be seen.
static char *rescue(const struct swept *s, const char *name, size_t base_len, int folder)
{
    char *place = NULL, *out = NULL;
    if (asprintf(&place, "%s/%.*s", s->path, (int)base_len, name + 1) < 0)
        return NULL;
    file_tidy(place);
    char *to = rundir_free_name(place);
    if (to && renameat(s->parent, name, s->parent, strrchr(to, '/') + 1) == 0) {
        unlinkat(folder, writing_name, 0);
        out = to;
    } else
        free(to);
    free(place);
    return out;
}

// An earlier run that was to make room: back to its place, where there is nothing else now.
static void bring_back(const struct swept *s, const char *name, size_t base_len, int folder)
{
    char *base = strndup(name + 1, base_len);
    if (base && file_is_there(s->parent, base))
        rundir_discard(s->parent, name, folder);
    else if (base)
        (void)!renameat(s->parent, name, s->parent, base);
    free(base);
}

// Whether the place holds the journals that such a run was made from: they make it again.
static bool is_under_way(const struct swept *s, const char *name, const struct hidden *h)
{
    char *base = strndup(name + 1, h->base_len);
    int folder
        = base ? openat(s->parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    struct listing list = { 0 };
    if (folder >= 0) {
        list_run(folder, &list);
        close(folder);
    }
    free(base);
    return list.under_way;
}

// Returns the name of a run that was rescued.
static char *put_right(const struct swept *s, const char *name)
{
    struct hidden h;
    struct listing list;
    char stranger[PATH_MAX], *rescued = NULL;
    int folder = parse_hidden(name, &h) ? open_own(s, name) : -1;
    bool has_lock = false;
    if (folder >= 0 && is_left(folder, h.pid, &has_lock)) {
        list_run(folder, &list);
        bool whole = list.n && !list.n_missing && !list.under_way && !is_under_way(s, name, &h);
        bool ours = has_lock || (list.n && !find_stranger(folder, "", &list, stranger));
        if (ours && h.kind == HIDDEN_OLD)
            bring_back(s, name, h.base_len, folder);
        else if (has_lock && whole)
            rescued = rescue(s, name, h.base_len, folder);
        else if (ours)
            rundir_discard(s->parent, name, folder);
        else
            unlinkat(s->parent, name, AT_REMOVEDIR); // made, and nothing put into it
    }
    if (folder >= 0)
        close(folder);
    return rescued;
}

char *rundir_sweep(const char *place)
{
    char *parent, *base, *rescued = NULL;
    if (!file_split(place, &parent, &base))
        return NULL;
    DIR *dir = opendir(parent);
    struct swept s = { dir ? dirfd(dir) : -1, parent };
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *one = put_right(&s, e->d_name);
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
