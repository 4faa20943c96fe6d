#include "base/file.h"

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

static const char *kind_of(mode_t mode)
{
    return S_ISFIFO(mode)                   ? "a named pipe"
           : S_ISSOCK(mode)                 ? "a socket"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                            : "no regular file";
}

static bool expect_regular(const struct stat *st, const char *path, enum abl_code code,
                           struct abl_err *err)
{
    if (S_ISREG(st->st_mode))
        return true;
    if (S_ISDIR(st->st_mode))
        return abl_fail(err, code, "'%s' is a folder: expected a file", path);
    return abl_fail(err, code, "'%s' is %s: expected a regular file", path, kind_of(st->st_mode));
}

// The descriptor of a regular file, -1 with err filled for all else. Nothing else is opened, as
// opening may wait or do something; what took its place meanwhile is not waited for either.
static int open_regular(int folder, const char *name, const char *path, struct stat *st,
                        enum abl_code code, struct abl_err *err)
{
    int fd = -1;
    bool ok = fstatat(folder, name, st, 0) == 0;
    if (ok && !expect_regular(st, path, code, err))
        return -1;
    if (ok)
        fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, st) != 0)
        abl_fail(err, code_of(errno, code), "cannot open '%s': %s", path, strerror(errno));
    else if (expect_regular(st, path, code, err))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

// What whoever began us has opened already: the number of the descriptor, -1 for the name of a
// file. Shells write "/dev/fd/63" for <(command).
static int given_descriptor(const char *path)
{
    static const char fds[] = "/dev/fd/";
    const char *digits = path + sizeof fds - 1;
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0)
        return STDIN_FILENO;
    if (strncmp(path, fds, sizeof fds - 1) != 0)
        return -1;
    size_t n = strspn(digits, "0123456789");
    return n && n < 6 && !digits[n] ? (int)strtol(digits, NULL, 10) : -1;
}

// One that is regular may stand anywhere: it is read on from there.
static bool read_opened(int fd, const struct stat *st, const char *shown, size_t max_size,
                        struct file_bytes *out, enum abl_code code, struct abl_err *err)
{
    struct buf b = { 0 };
    buf_add(&b, "", 0); // an empty file is "" too
    bool ok = (!S_ISREG(st->st_mode) || (uint64_t)st->st_size <= max_size)
              || too_large(shown, max_size, code, err);
    ok = ok && read_stream(fd, shown, max_size, &b, code, err)
         && (!S_ISREG(st->st_mode) || stayed(fd, st, shown, code, err));
    ok = ok && (!b.failed || abl_no_memory(err));
    if (ok)
        *out = (struct file_bytes){ .data = b.data, .size = b.len };
    else
        buf_release(&b);
    return ok;
}

static bool read_given(int fd, const char *path, size_t max_size, struct file_bytes *out,
                       enum abl_code code, struct abl_err *err)
{
    const char *shown = fd == STDIN_FILENO ? "standard input" : path;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return abl_fail(err, code_of(errno, code), "cannot read '%s': %s", shown, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return expect_regular(&st, shown, code, err);
    return read_opened(fd, &st, shown, max_size, out, code, err);
}

static bool read_named(int folder, const char *name, const char *path, size_t max_size,
                       struct file_bytes *out, enum abl_code code, struct abl_err *err)
{
    struct stat st;
    int fd = open_regular(folder, name, path, &st, code, err);
    bool ok = fd >= 0 && read_opened(fd, &st, path, max_size, out, code, err);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool file_read(const char *path, size_t max_size, struct file_bytes *out, enum abl_code code,
               struct abl_err *err)
{
    int given = given_descriptor(path);
    return given >= 0 ? read_given(given, path, max_size, out, code, err)
                      : read_named(AT_FDCWD, path, path, max_size, out, code, err);
}

bool file_read_in(int folder, const char *name, size_t max_size, struct file_bytes *out,
                  enum abl_code code, struct abl_err *err)
{
    return read_named(folder, name, name, max_size, out, code, err);
}

void file_bytes_release(struct file_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct file_bytes){ 0 };
}

bool file_open(const char *path, struct file_source *out, enum abl_code code, struct abl_err *err)
{
    struct stat st;
    int fd = open_regular(AT_FDCWD, path, path, &st, code, err);
    char *copy = fd >= 0 ? strdup(path) : NULL;
    if (fd < 0)
        return false;
    if (!copy) {
        close(fd);
        return abl_no_memory(err);
    }
    *out = (struct file_source){
        .fd = fd, .size = (uint64_t)st.st_size, .written = st.st_mtim, .path = copy
    };
    return true;
}

int file_open_own(const char *path, int flags, struct abl_err *err)
{
    struct stat st;
    int fd = open(path, flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0 && errno == ELOOP)
        abl_fail(err, ABL_FAILED,
                 "'%s' is a symbolic link, which is not followed: expected a file; remove it",
                 path);
    else if (fd < 0 || fstat(fd, &st) != 0)
        abl_fail(err, ABL_FAILED, "cannot write '%s': %s", path, strerror(errno));
    else if (expect_regular(&st, path, ABL_FAILED, err))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
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

bool file_is_there(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
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

bool file_split(const char *path, char **parent, char **name)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    *name = strndup(path + start, end - start);
    *parent = start == 0 ? strdup(".") : strndup(path, start);
    if (*name && *parent)
        return true;
    free(*name);
    free(*parent);
    return false;
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
