// Files that appear whole or not at all.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

bool file_write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
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

void file_random_name(char out[FILE_RANDOM_NAME])
{
    uint64_t bits = 0;
    struct timespec now;
    // Without the system's numbers the clock has to do: a name that is taken is never written to.
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits
        && clock_gettime(CLOCK_MONOTONIC, &now) == 0)
        bits = (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid();
    snprintf(out, FILE_RANDOM_NAME, "%012" PRIx64, bits >> 16);
}

static const char temporary[] = ".tmp-";

bool file_is_temporary(const char *ending)
{
    size_t len = sizeof temporary - 1;
    return strncmp(ending, temporary, len) == 0 && ending[len]
           && strspn(ending + len, "0123456789abcdef") == strlen(ending + len);
}

// A file that was not there; its name goes to temp. A link of that name is not followed.
static int create_new(int folder, const char *name, mode_t mode, char temp[FILE_TEMP_NAME])
{
    enum { TRIES = 100 };
    char random[FILE_RANDOM_NAME];
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0 && (!i || errno == EEXIST); i++) {
        file_random_name(random);
        int len = snprintf(temp, FILE_TEMP_NAME, "%s%s%s", name, temporary, random);
        if (len > NAME_MAX)
            snprintf(temp, FILE_TEMP_NAME, ".abltui%s%s", temporary, random);
        fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    }
    return fd;
}

static bool begin(int folder, const char *name, mode_t mode, struct file_pieces *out)
{
    *out = (struct file_pieces){ .folder = folder, .name = name };
    out->fd = create_new(folder, name, mode, out->temp);
    return out->fd >= 0;
}

void file_pieces_drop(struct file_pieces *f)
{
    int why = errno;
    if (f->fd >= 0) {
        close(f->fd);
        unlinkat(f->folder, f->temp, 0);
    }
    f->fd = -1;
    errno = why;
}

static bool end(struct file_pieces *f)
{
    int fd = f->fd;
    if (!sync_all(fd)) {
        file_pieces_drop(f);
        return false;
    }
    f->fd = -1;
    if (close(fd) == 0 && renameat(f->folder, f->temp, f->folder, f->name) == 0)
        return true;
    int why = errno;
    unlinkat(f->folder, f->temp, 0);
    errno = why;
    return false;
}

// errno says why not.
static bool write_new(int folder, const char *name, mode_t mode, const void *bytes, size_t len)
{
    struct file_pieces f;
    if (!begin(folder, name, mode, &f))
        return false;
    if (file_write_all(f.fd, bytes, len))
        return end(&f);
    file_pieces_drop(&f);
    return false;
}

static bool not_written(const char *path, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot write '%s': %s", path, strerror(errno));
}

bool file_pieces_begin(int folder, const char *name, const char *path, struct file_pieces *out,
                       struct abl_err *err)
{
    bool ok = begin(folder, name, 0666, out);
    out->path = path;
    return ok || not_written(path, err);
}

bool file_pieces_put(struct file_pieces *f, const void *bytes, size_t len, struct abl_err *err)
{
    if (file_write_all(f->fd, bytes, len))
        return true;
    file_pieces_drop(f);
    return not_written(f->path, err);
}

bool file_pieces_end(struct file_pieces *f, struct abl_err *err)
{
    return end(f) || not_written(f->path, err);
}

bool file_write_in(int folder, const char *name, const char *path, const void *bytes, size_t len,
                   struct abl_err *err)
{
    return write_new(folder, name, 0666, bytes, len) || not_written(path, err);
}

bool file_write_own(int folder, const char *name, const void *bytes, size_t len)
{
    return write_new(folder, name, 0600, bytes, len);
}

bool file_write_atomic(const char *path, const void *bytes, size_t len, struct abl_err *err)
{
    char *parent, *name;
    size_t path_len = strlen(path);
    if (path_len && path[path_len - 1] == '/')
        return abl_fail(err, ABL_FAILED, "cannot write '%s': %s", path, strerror(EISDIR));
    if (!file_split(path, &parent, &name))
        return abl_no_memory(err);
    int folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool ok
        = folder >= 0 || abl_fail(err, ABL_FAILED, "cannot write '%s': %s", path, strerror(errno));
    ok = ok && file_write_in(folder, name, path, bytes, len, err);
    if (folder >= 0)
        close(folder);
    free(parent);
    free(name);
    return ok;
}

bool file_sync_opened(int folder)
{
    // Some file systems know no such thing: EINVAL.
    return sync_all(folder) || errno == EINVAL || errno == ENOTSUP;
}

void file_sync_parent(const char *path)
{
    char *parent, *name;
    if (!file_split(path, &parent, &name))
        return;
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        file_sync_opened(folder);
        close(folder);
    }
    free(parent);
    free(name);
}
