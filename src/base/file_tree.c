// Folders made and removed. What is removed is held open from its root on: a folder that somebody
// replaces by a link meanwhile leads nowhere else.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

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

static bool cannot_remove(const char *path, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot remove '%s': %s", path, strerror(errno));
}

static bool remove_entry(int folder, const char *name, const char *path, struct abl_err *err);

bool file_remove_inside(int folder, const char *keep, const char *path, struct abl_err *err)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); // with a place of its own
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    if (!dir) {
        abl_fail(err, ABL_FAILED, "cannot open folder '%s': %s", path, strerror(errno));
        if (own >= 0)
            close(own);
        return false;
    }
    bool ok = true;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0
            || (keep && strcmp(e->d_name, keep) == 0))
            continue;
        char *child = file_join(path, e->d_name);
        ok = (child ? remove_entry(dirfd(dir), e->d_name, child, err) : abl_no_memory(err)) && ok;
        free(child);
    }
    closedir(dir);
    return ok;
}

static bool remove_entry(int folder, const char *name, const char *path, struct abl_err *err)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return cannot_remove(path, err);
    if (!S_ISDIR(st.st_mode))
        return unlinkat(folder, name, 0) == 0 || cannot_remove(path, err);
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0)
        return cannot_remove(path, err);
    bool ok = file_remove_inside(inner, NULL, path, err);
    close(inner);
    return ok && (unlinkat(folder, name, AT_REMOVEDIR) == 0 || cannot_remove(path, err));
}

bool file_remove_tree(const char *path, struct abl_err *err)
{
    char *parent, *name;
    if (!file_split(path, &parent, &name))
        return abl_no_memory(err);
    int folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder >= 0 ? remove_entry(folder, name, path, err) : cannot_remove(path, err);
    if (folder >= 0)
        close(folder);
    free(parent);
    free(name);
    return ok;
}

bool file_remove_in(const char *dir, const char *name)
{
    int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder >= 0 && unlinkat(folder, name, 0) == 0;
    if (folder >= 0)
        close(folder);
    return ok;
}
