#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

// Without memory it is not the file's fault.
static enum abl_code code_of(int error, enum abl_code code)
{
    return error == ENOMEM ? ABL_FAILED : code;
}

static bool too_large(const char *path, size_t max_size, enum abl_code code, struct abl_err *err)
{
    return abl_fail(err, code, "'%s' is too large: expected at most %zu bytes", path, max_size);
}

// Read to the end of a stream whose size is not known beforehand.
static bool read_stream(int fd, const char *path, size_t max_size, struct buf *b,
                        enum abl_code code, struct abl_err *err)
{
    char block[1 << 16];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return abl_fail(err, code_of(errno, code), "cannot read '%s': %s", path,
                            strerror(errno));
        if (n == 0)
            return true;
        if ((size_t)n > max_size - b->len)
            return too_large(path, max_size, code, err);
        buf_add(b, block, (size_t)n);
        if (b->failed)
            return abl_no_memory(err);
    }
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool has_changed(const char *path, enum abl_code code, struct abl_err *err)
{
    return abl_fail(err, code,
                    "'%s' was written to while it was read: expected a file that stays as it is; "
                    "run again when it is finished",
                    path);
}

// Half of one and half of another version would be neither.
static bool stayed(int fd, const struct stat *before, const char *path, enum abl_code code,
                   struct abl_err *err)
{
    struct stat now;
    return fstat(fd, &now) != 0
           || (now.st_size == before->st_size && same_time(now.st_mtim, before->st_mtim))
           || has_changed(path, code, err);
}

bool file_read(const char *path, size_t max_size, struct file_bytes *out, enum abl_code code,
               struct abl_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    const char *shown = standard ? "standard input" : path;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return abl_fail(err, code_of(errno, code), "cannot open '%s': %s", path, strerror(errno));
    struct stat st;
    struct buf b = { 0 };
    bool ok
        = fstat(fd, &st) == 0
          || abl_fail(err, code_of(errno, code), "cannot read '%s': %s", shown, strerror(errno));
    if (ok && S_ISDIR(st.st_mode))
        ok = abl_fail(err, code, "'%s' is a folder: expected a file", shown);
    if (ok && S_ISREG(st.st_mode) && (uint64_t)st.st_size > max_size)
        ok = too_large(shown, max_size, code, err);
    buf_add(&b, "", 0); // an empty file is "" too
    ok = ok && read_stream(fd, shown, max_size, &b, code, err)
         && (!S_ISREG(st.st_mode) || stayed(fd, &st, shown, code, err));
    if (!standard)
        close(fd);
    if (ok && b.failed)
        ok = abl_no_memory(err);
    if (!ok) {
        buf_release(&b);
        return false;
    }
    *out = (struct file_bytes){ .data = b.data, .size = b.len };
    return true;
}

void file_bytes_release(struct file_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct file_bytes){ 0 };
}

bool file_open(const char *path, struct file_source *out, enum abl_code code, struct abl_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a named pipe must not make us wait
    if (fd < 0)
        return abl_fail(err, code_of(errno, code), "cannot open '%s': %s", path, strerror(errno));
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!ok)
        abl_fail(err, code, "'%s' is not a regular file: expected one that can be read in parts",
                 path);
    char *copy = ok ? strdup(path) : NULL;
    if (ok && !copy)
        ok = abl_no_memory(err);
    if (!ok) {
        close(fd);
        return false;
    }
    *out = (struct file_source){
        .fd = fd, .size = (uint64_t)st.st_size, .written = st.st_mtim, .path = copy
    };
    return true;
}

bool file_is_as_opened(const struct file_source *f, struct abl_err *err)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return abl_fail(err, ABL_FAILED, "cannot read '%s': %s", f->path, strerror(errno));
    return ((uint64_t)st.st_size == f->size && same_time(st.st_mtim, f->written))
           || has_changed(f->path, ABL_FAILED, err);
}

bool file_read_at(const struct file_source *f, uint64_t offset, void *out, size_t len,
                  struct abl_err *err)
{
    char *to = out;
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(f->fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return abl_fail(err, ABL_FAILED, "cannot read '%s' at byte %llu: %s", f->path,
                            (unsigned long long)(offset + done), strerror(errno));
        if (n == 0)
            return abl_fail(
                err, ABL_FAILED,
                "'%s' ends at byte %llu: expected %zu more bytes; it changed while open", f->path,
                (unsigned long long)(offset + done), len - done);
        done += (size_t)n;
    }
    return true;
}

void file_close(struct file_source *f)
{
    if (f->fd >= 0 && f->path) // a zeroed struct is closed as well
        close(f->fd);
    free(f->path);
    *f = (struct file_source){ .fd = -1 };
}

bool file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// A path that does not fit is none that the system would open.
static bool join_into(char out[PATH_MAX], const char *dir, const char *name)
{
    size_t d = strlen(dir);
    int n = snprintf(out, PATH_MAX, "%s%s%s", dir, d && dir[d - 1] != '/' ? "/" : "", name);
    return n >= 0 && n < PATH_MAX;
}

bool file_exists_in(const char *dir, const char *name)
{
    char path[PATH_MAX];
    return join_into(path, dir, name) && file_exists(path);
}

bool file_is_dir_in(const char *dir, const char *name)
{
    char path[PATH_MAX];
    return join_into(path, dir, name) && file_is_dir(path);
}

bool file_is_regular_in(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    return join_into(path, dir, name) && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

void file_tidy(char *path)
{
    char *to = path;
    for (const char *from = path; *from; from++)
        if (*from != '/' || to == path || to[-1] != '/')
            *to++ = *from;
    *to = '\0';
}

char *file_join(const char *dir, const char *name)
{
    size_t d = strlen(dir), n = strlen(name);
    bool slash = d && dir[d - 1] != '/';
    char *path = malloc(d + n + 2);
    if (!path)
        return NULL;
    memcpy(path, dir, d);
    if (slash)
        path[d] = '/';
    memcpy(path + d + slash, name, n + 1);
    file_tidy(path);
    return path;
}

char *file_path(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *path = arena_vprintf(a, format, args);
    va_end(args);
    if (path)
        file_tidy(path);
    return path;
}

char *file_expand_home(const char *path, const char *home)
{
    bool is_home = path[0] == '~' && (!path[1] || path[1] == '/') && home && *home;
    char *out
        = is_home && path[1] && path[2] ? file_join(home, path + 2) : strdup(is_home ? home : path);
    if (out)
        file_tidy(out);
    return out;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool sync_all(int fd)
{
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

static const char temporary[] = ".tmp-";

bool file_is_temporary(const char *ending)
{
    size_t len = sizeof temporary - 1;
    return strncmp(ending, temporary, len) == 0 && ending[len]
           && strspn(ending + len, "0123456789") == strlen(ending + len);
}

bool file_write_atomic(const char *path, const void *bytes, size_t len, struct abl_err *err)
{
    struct buf temp = { 0 };
    buf_printf(&temp, "%s%s%ld", path, temporary, (long)getpid());
    if (temp.failed)
        return abl_no_memory(err);
    int fd = open(temp.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write_all(fd, bytes, len) && sync_all(fd);
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        why = errno;
        ok = false;
    }
    if (ok && rename(temp.data, path) != 0) {
        why = errno;
        ok = false;
    }
    if (!ok) {
        if (fd >= 0)
            unlink(temp.data);
        abl_fail(err, ABL_FAILED, "cannot write '%s': %s", path, strerror(why));
    }
    buf_release(&temp);
    return ok;
}

bool file_sync_folder(const char *path, struct abl_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Some file systems know no such thing: EINVAL.
    bool ok = fd >= 0 && (sync_all(fd) || errno == EINVAL || errno == ENOTSUP);
    if (!ok)
        abl_fail(err, ABL_FAILED, "cannot write folder '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

void file_sync_parent(const char *path)
{
    char *parent = strdup(path), *slash = parent ? strrchr(parent, '/') : NULL;
    if (slash) {
        slash[slash == parent] = '\0';
        file_sync_folder(parent, NULL);
    }
    free(parent);
}

bool file_make_dirs(const char *path, struct abl_err *err)
{
    char *copy = strdup(path);
    if (!copy)
        return abl_no_memory(err);
    bool ok = true;
    for (char *c = copy + 1; ok && *copy; c++) {
        if (*c != '/' && *c != '\0')
            continue;
        char kept = *c;
        *c = '\0';
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && file_is_dir(copy)))
            ok = abl_fail(err, ABL_FAILED, "cannot create folder '%s': %s", copy, strerror(errno));
        *c = kept;
        if (!kept)
            break;
    }
    free(copy);
    return ok;
}

static bool remove_entry(const char *path, struct abl_err *err);

static bool remove_children(const char *path, struct abl_err *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return abl_fail(err, ABL_FAILED, "cannot open folder '%s': %s", path, strerror(errno));
    bool ok = true;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *child = file_join(path, e->d_name);
        ok = (child ? remove_entry(child, err) : abl_no_memory(err)) && ok;
        free(child);
    }
    closedir(dir);
    return ok;
}

static bool remove_entry(const char *path, struct abl_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return abl_fail(err, ABL_FAILED, "cannot remove '%s': %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode) && !remove_children(path, err))
        return false;
    if ((S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path)) != 0)
        return abl_fail(err, ABL_FAILED, "cannot remove '%s': %s", path, strerror(errno));
    return true;
}

bool file_remove_tree(const char *path, struct abl_err *err)
{
    return remove_entry(path, err);
}
