#include "base/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// What others may put under other names there is no matter: a sticky folder is as good as closed.
static bool is_open_to_all(const struct stat *st)
{
    return st->st_mode & S_IWOTH && !(S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX);
}

bool own_is_trusted(const struct stat *st, uid_t also)
{
    return (st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == also)
           && !(st->st_mode & S_IWOTH);
}

// What is wrong with a file or folder that is to be the user's alone; NULL: nothing.
static const char *flaw_of(const struct stat *st)
{
    return st->st_uid != geteuid()             ? "belongs to another user"
           : st->st_mode & (S_IWGRP | S_IWOTH) ? "can be written to by others"
                                               : NULL;
}

static bool not_used(struct own_folder *f, const char *path, const char *flaw)
{
    snprintf(f->why, sizeof f->why, "'%.400s' is not used: it %s", path, flaw);
    return false;
}

static bool open_in(int root, const char *root_path, const char *name, struct own_folder *f)
{
    struct stat st;
    if (fstat(root, &st) != 0)
        return false;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return not_used(f, root_path, "belongs to another user");
    if (is_open_to_all(&st))
        return not_used(f, root_path, "can be written to by everybody");
    if (mkdirat(root, name, 0700) != 0 && errno != EEXIST)
        return false;
    f->fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (f->fd < 0)
        return errno == ELOOP || errno == ENOTDIR ? not_used(f, f->path, "is no folder") : false;
    const char *flaw = fstat(f->fd, &st) == 0 ? flaw_of(&st) : "cannot be looked at";
    return !flaw || not_used(f, f->path, flaw);
}

bool own_folder_open(const char *root, const char *name, struct own_folder *out)
{
    *out = (struct own_folder){ .fd = -1 };
    snprintf(out->path, sizeof out->path, "%.200s/%.50s", root, name);
    file_tidy(out->path);
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && open_in(fd, root, name, out);
    if (fd >= 0)
        close(fd);
    if (!ok)
        own_folder_close(out);
    return ok;
}

void own_folder_close(struct own_folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

bool own_folder_read(struct own_folder *f, const char *name, size_t max_size,
                     struct file_bytes *out)
{
    struct stat st;
    struct abl_err why;
    char path[sizeof f->path + 64];
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    snprintf(path, sizeof path, "%s/%.60s", f->path, name);
    const char *flaw = S_ISREG(st.st_mode) ? flaw_of(&st) : "is no regular file";
    if (flaw)
        return not_used(f, path, flaw);
    return file_read_in(f->fd, name, max_size, out, ABL_FAILED, &why)
           || not_used(f, path, "cannot be read");
}

bool own_folder_write(const struct own_folder *f, const char *name, const void *bytes, size_t len)
{
    return file_write_own(f->fd, name, bytes, len);
}
