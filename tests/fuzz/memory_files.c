#include "tests/fuzz/memory_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { MAX_NODES = 64, MAX_OPEN = 64, PATH_SIZE = 512, FIRST_FD = 1 << 20 };

// A file, a folder, or a name that stands for neither.
struct node {
    char path[PATH_SIZE];
    size_t path_len, name; // where the last name begins
    char *data;            // owned; NULL: not there, unless it is a folder
    size_t len;
    bool is_folder;
    struct timespec written;
};

struct opened {
    struct node *node; // NULL: free
    size_t at;
    struct dirent entry;
};

struct files {
    struct node nodes[MAX_NODES];
    size_t n;
    struct node absent; // what a folder of ours does not hold
    struct opened opened[MAX_OPEN];
    long clock;
};

static struct files *files(void)
{
    static struct files f;
    return &f;
}

static struct node *find_node(const char *path, size_t len)
{
    struct files *f = files();
    for (size_t i = 0; i < f->n; i++)
        if (f->nodes[i].path_len == len && memcmp(f->nodes[i].path, path, len) == 0)
            return &f->nodes[i];
    return NULL;
}

// NULL: the system knows what stands there.
static struct node *find(const char *path)
{
    const char *name = strrchr(path, '/');
    struct node *node = find_node(path, strlen(path));
    bool is_ours = !node && name && find_node(path, (size_t)(name - path));
    return is_ours ? &files()->absent : node;
}

static struct node *add(const char *path)
{
    struct files *f = files();
    struct node *node = &f->nodes[f->n];
    size_t len = strlen(path);
    REQUIRE(f->n < MAX_NODES && *path == '/' && len < PATH_SIZE);
    *node = (struct node){ .path_len = len };
    memcpy(node->path, path, len + 1);
    node->name = (size_t)(strrchr(path, '/') - path) + 1;
    f->n++;
    return node;
}

// The folders that it lies in, up to the targets' own, which the system holds.
static void add_folders(const struct node *node)
{
    size_t top = strlen(fuzz_path("")) - 1;
    char path[PATH_SIZE];
    memcpy(path, node->path, sizeof path);
    for (size_t len = node->name - 1; len > top; len = (size_t)(strrchr(path, '/') - path)) {
        path[len] = '\0';
        if (!find_node(path, len))
            add(path)->is_folder = true;
    }
}

void memory_file_put(const char *path, const char *data, size_t len)
{
    struct node *node = find_node(path, strlen(path));
    if (!node) {
        node = add(path);
        add_folders(node);
    }
    free(node->data);
    node->data = len ? malloc(len) : NULL; // no byte more: a step beyond it is seen
    REQUIRE(!len || node->data);
    if (len)
        memcpy(node->data, data, len);
    node->len = len;
    node->written.tv_sec = ++files()->clock;
}

// -------------------------------------------------------------------------------------- what is open

static struct opened *opened(int fd)
{
    bool ours = fd >= FIRST_FD && fd < FIRST_FD + MAX_OPEN;
    return ours && files()->opened[fd - FIRST_FD].node ? &files()->opened[fd - FIRST_FD] : NULL;
}

// The node of a name in an open folder, or of a path.
static struct node *find_at(int folder, const char *name)
{
    char path[2 * PATH_SIZE + 2];
    const struct opened *o = opened(folder);
    if (!o || *name == '/')
        return find(name);
    snprintf(path, sizeof path, "%s/%.*s", o->node->path, PATH_SIZE, name);
    return find(path);
}

static int fail(int why)
{
    errno = why;
    return -1;
}

static int open_node(struct node *node, int flags)
{
    struct opened *o = files()->opened;
    if (!node->data && !node->is_folder)
        return fail(ENOENT);
    REQUIRE((flags & O_ACCMODE) == O_RDONLY);
    if (flags & O_DIRECTORY && !node->is_folder)
        return fail(ENOTDIR);
    for (int i = 0; i < MAX_OPEN; i++)
        if (!o[i].node) {
            o[i].node = node;
            o[i].at = 0;
            return FIRST_FD + i;
        }
    return fail(EMFILE);
}

static int stat_node(const struct node *node, struct stat *out)
{
    if (!node->data && !node->is_folder)
        return fail(ENOENT);
    *out = (struct stat){ .st_mode = node->is_folder ? S_IFDIR | 0700 : S_IFREG | 0600,
                          .st_nlink = 1,
                          .st_uid = getuid(),
                          .st_ino = (ino_t)(node - files()->nodes) + 1,
                          .st_size = (off_t)node->len,
                          .st_mtim = node->written,
                          .st_ctim = node->written };
    return 0;
}

static ssize_t read_node(const struct node *node, size_t at, void *out, size_t len)
{
    size_t left = at < node->len ? node->len - at : 0, n = len < left ? len : left;
    if (node->is_folder)
        return fail(EISDIR);
    if (n)
        memcpy(out, node->data + at, n);
    return (ssize_t)n;
}

// ------------------------------------------------------------------------ in place of the C library
// The linker's --wrap=NAME sends calls of NAME to __wrap_NAME, and those of __real_NAME to NAME.

#define WRAPPED(type, name, ...)                                                                   \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    struct node *node = find(path);
    if (node)
        return open_node(node, flags);
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return __real_open(path, flags, mode);
}

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
{
    struct node *node = find_at(folder, path);
    if (node)
        return open_node(node, flags);
    if (opened(folder))
        return fail(ENOENT);
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return __real_openat(folder, path, flags, mode);
}

WRAPPED(int, close, int fd)
{
    struct opened *o = opened(fd);
    if (!o)
        return __real_close(fd);
    o->node = NULL;
    return 0;
}

WRAPPED(ssize_t, read, int fd, void *out, size_t len)
{
    struct opened *o = opened(fd);
    if (!o)
        return __real_read(fd, out, len);
    ssize_t n = read_node(o->node, o->at, out, len);
    o->at += n > 0 ? (size_t)n : 0;
    return n;
}

WRAPPED(ssize_t, pread, int fd, void *out, size_t len, off_t at)
{
    const struct opened *o = opened(fd);
    if (!o)
        return __real_pread(fd, out, len, at);
    return at < 0 ? fail(EINVAL) : read_node(o->node, (size_t)at, out, len);
}

WRAPPED(int, fstat, int fd, struct stat *out)
{
    const struct opened *o = opened(fd);
    return o ? stat_node(o->node, out) : __real_fstat(fd, out);
}

WRAPPED(int, stat, const char *path, struct stat *out)
{
    const struct node *node = find(path);
    return node ? stat_node(node, out) : __real_stat(path, out);
}

WRAPPED(int, lstat, const char *path, struct stat *out)
{
    const struct node *node = find(path);
    return node ? stat_node(node, out) : __real_lstat(path, out);
}

WRAPPED(int, fstatat, int folder, const char *path, struct stat *out, int flags)
{
    const struct node *node = find_at(folder, path);
    if (node)
        return stat_node(node, out);
    return opened(folder) ? fail(ENOENT) : __real_fstatat(folder, path, out, flags);
}

WRAPPED(FILE *, fopen, const char *path, const char *mode)
{
    const struct node *node = find(path);
    if (!node)
        return __real_fopen(path, mode);
    REQUIRE(*mode == 'r' && !strchr(mode, '+'));
    if (!node->data)
        errno = ENOENT;
    return node->data ? fmemopen(node->data, node->len, "rb") : NULL;
}

WRAPPED(char *, realpath, const char *path, char *out)
{
    const struct node *node = find(path);
    if (!node)
        return __real_realpath(path, out);
    REQUIRE(!out);
    if (!node->data && !node->is_folder)
        errno = ENOENT;
    return node->data || node->is_folder ? strdup(path) : NULL;
}

// ------------------------------------------------------------------------------------------ folders

static struct opened *opened_folder(DIR *dir)
{
    struct opened *all = files()->opened, *o = (struct opened *)(void *)dir;
    return o >= all && o < all + MAX_OPEN ? o : NULL;
}

WRAPPED(DIR *, opendir, const char *path)
{
    struct node *node = find(path);
    if (!node)
        return __real_opendir(path);
    int fd = open_node(node, O_RDONLY | O_DIRECTORY);
    return fd < 0 ? NULL : (DIR *)(void *)opened(fd);
}

WRAPPED(int, closedir, DIR *dir)
{
    struct opened *o = opened_folder(dir);
    if (!o)
        return __real_closedir(dir);
    o->node = NULL;
    return 0;
}

WRAPPED(struct dirent *, readdir, DIR *dir)
{
    struct opened *o = opened_folder(dir);
    if (!o)
        return __real_readdir(dir);
    while (o->at < files()->n) {
        const struct node *node = &files()->nodes[o->at++];
        bool is_in = node->name == o->node->path_len + 1
                     && memcmp(node->path, o->node->path, o->node->path_len) == 0;
        if (!is_in || (!node->data && !node->is_folder))
            continue;
        o->entry.d_type = node->is_folder ? DT_DIR : DT_REG;
        snprintf(o->entry.d_name, sizeof o->entry.d_name, "%.255s", node->path + node->name);
        return &o->entry;
    }
    return NULL;
}
