// File calls that fail on demand: preloaded, it counts the calls that touch certain places and lets
// one of them, or one and all later ones, fail. What it does stands in a file that another process
// maps too, so that the next fault can be chosen while the program runs.
//
// FAILING_FILES=CONTROL:PART: CONTROL holds a struct control; a place is watched when its path has
// PART in it, as are descriptors that were opened by such a path.
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// For the scripts, which reads and writes it as native ints.
struct control {
    int32_t count;  // calls so far
    int32_t fail;   // the number of the call that fails; 0: none
    int32_t error;  // its errno; -1: the process is killed instead
    int32_t sticky; // the later ones fail too
    int32_t hits;   // calls that failed
    int32_t draw;   // what happens on drawing text: 0 nothing, 1 crash, 2 hang, 3 no memory
    char first[64]; // the name of the first one that failed
};

enum { MAX_FD = 4096 };

// A function pointer out of dlsym is what POSIX has and ISO C has not.
#define REAL(name, type) (__extension__(type) dlsym(RTLD_NEXT, name))

static struct control *control;
static char part[256];
static bool watched[MAX_FD];

__attribute__((constructor)) static void open_control(void)
{
    char text[512];
    const char *env = getenv("FAILING_FILES"), *colon = env ? strrchr(env, ':') : NULL;
    if (!colon || (size_t)(colon - env) >= sizeof text)
        return;
    memcpy(text, env, (size_t)(colon - env));
    text[colon - env] = '\0';
    snprintf(part, sizeof part, "%s", colon + 1);
    int fd = REAL("open", int (*)(const char *, int, ...))(text, O_RDWR | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        control = at;
}

// Whether this call is to fail; errno says how.
static bool fails(const char *name, bool counts)
{
    if (!control || !counts)
        return false;
    int32_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    if (!control->fail || number < control->fail || (number > control->fail && !control->sticky))
        return false;
    if (__atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST) == 1)
        snprintf(control->first, sizeof control->first, "%s", name);
    if (control->error < 0)
        kill(getpid(), SIGKILL);
    errno = control->error;
    return true;
}

static bool here(const char *path)
{
    return control && path && strstr(path, part);
}

static bool is_watched(int fd)
{
    return fd >= 0 && fd < MAX_FD && watched[fd];
}

// A name in a folder: by its path, or below one that was opened by such a path.
static bool here_at(int at, const char *path)
{
    return here(path) || (path && *path != '/' && is_watched(at));
}

static int watch(int fd, bool yes)
{
    if (fd >= 0 && fd < MAX_FD)
        watched[fd] = yes;
    return fd;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...);                                                    \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;                          \
        va_end(args);                                                                              \
        if (fails(#name, here(path)))                                                              \
            return -1;                                                                             \
        return watch(REAL(#name, int (*)(const char *, int, ...))(path, flags, mode), here(path)); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int at, const char *path, int flags, ...);                                            \
    int name(int at, const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;                          \
        va_end(args);                                                                              \
        if (fails(#name, here_at(at, path)))                                                       \
            return -1;                                                                             \
        return watch(REAL(#name, int (*)(int, const char *, int, ...))(at, path, flags, mode),     \
                     here_at(at, path));                                                           \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fails("write", is_watched(fd)))
        return -1;
    return REAL("write", ssize_t(*)(int, const void *, size_t))(fd, bytes, len);
}

#define PWRITE(name)                                                                               \
    ssize_t name(int fd, const void *bytes, size_t len, off_t at);                                 \
    ssize_t name(int fd, const void *bytes, size_t len, off_t at)                                  \
    {                                                                                              \
        if (fails(#name, is_watched(fd)))                                                          \
            return -1;                                                                             \
        return REAL(#name, ssize_t(*)(int, const void *, size_t, off_t))(fd, bytes, len, at);      \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

// A close that fails has closed all the same.
int close(int fd)
{
    bool failed = fails("close", is_watched(fd));
    int why = errno, status = REAL("close", int (*)(int))(watch(fd, false));
    if (failed)
        errno = why;
    return failed ? -1 : status;
}

#define ON_FD(name)                                                                                \
    int name(int fd)                                                                               \
    {                                                                                              \
        if (fails(#name, is_watched(fd)))                                                          \
            return -1;                                                                             \
        return REAL(#name, int (*)(int))(fd);                                                      \
    }
ON_FD(fsync)
ON_FD(fdatasync)

int flock(int fd, int how)
{
    if (fails("flock", is_watched(fd)))
        return -1;
    return REAL("flock", int (*)(int, int))(fd, how);
}

int ftruncate(int fd, off_t len)
{
    if (fails("ftruncate", is_watched(fd)))
        return -1;
    return REAL("ftruncate", int (*)(int, off_t))(fd, len);
}

#define ON_PATH(name)                                                                              \
    int name(const char *path)                                                                     \
    {                                                                                              \
        if (fails(#name, here(path)))                                                              \
            return -1;                                                                             \
        return REAL(#name, int (*)(const char *))(path);                                           \
    }
ON_PATH(unlink)
ON_PATH(rmdir)

int unlinkat(int at, const char *path, int flags)
{
    if (fails("unlinkat", here_at(at, path)))
        return -1;
    return REAL("unlinkat", int (*)(int, const char *, int))(at, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    if (fails("mkdir", here(path)))
        return -1;
    return REAL("mkdir", int (*)(const char *, mode_t))(path, mode);
}

int mkdirat(int at, const char *path, mode_t mode)
{
    if (fails("mkdirat", here_at(at, path)))
        return -1;
    return REAL("mkdirat", int (*)(int, const char *, mode_t))(at, path, mode);
}

int rename(const char *from, const char *to)
{
    if (fails("rename", here(from) || here(to)))
        return -1;
    return REAL("rename", int (*)(const char *, const char *))(from, to);
}

int renameat(int at, const char *from, int there, const char *to)
{
    if (fails("renameat", here_at(at, from) || here_at(there, to)))
        return -1;
    return REAL("renameat", int (*)(int, const char *, int, const char *))(at, from, there, to);
}

int renameat2(int at, const char *from, int there, const char *to, unsigned flags)
{
    if (fails("renameat2", here_at(at, from) || here_at(there, to)))
        return -1;
    return REAL("renameat2", int (*)(int, const char *, int, const char *, unsigned))(
        at, from, there, to, flags);
}

DIR *opendir(const char *path)
{
    if (fails("opendir", here(path)))
        return NULL;
    return REAL("opendir", DIR * (*)(const char *))(path);
}

char *realpath(const char *restrict path, char *restrict out)
{
    if (fails("realpath", here(path)))
        return NULL;
    return REAL("realpath", char *(*)(const char *, char *))(path, out);
}

#define ON_STAT(name)                                                                              \
    int name(const char *restrict path, struct stat *restrict out)                                 \
    {                                                                                              \
        if (fails(#name, here(path)))                                                              \
            return -1;                                                                             \
        return REAL(#name, int (*)(const char *, struct stat *))(path, out);                       \
    }
ON_STAT(stat)
ON_STAT(lstat)

int fstatat(int at, const char *restrict path, struct stat *restrict out, int flags)
{
    if (fails("fstatat", here_at(at, path)))
        return -1;
    return REAL("fstatat", int (*)(int, const char *, struct stat *, int))(at, path, out, flags);
}

static void take_all_memory(void)
{
    enum { BLOCK = 1 << 24 };
    for (;;) {
        char *p = malloc(BLOCK);
        if (!p)
            abort();
        memset(p, 1, BLOCK);
    }
}

// What drawing goes through: cairo's, which the program finds here first.
typedef void select_font(void *, const char *, int, int);
void cairo_select_font_face(void *context, const char *family, int slant, int weight);
void cairo_select_font_face(void *context, const char *family, int slant, int weight)
{
    int draw = control ? control->draw : 0;
    if (draw == 1)
        abort();
    if (draw == 2)
        for (;;)
            pause();
    if (draw == 3)
        take_all_memory();
    REAL("cairo_select_font_face", select_font *)(context, family, slant, weight);
}

// A hang is waited for no longer than a second.
unsigned alarm(unsigned seconds)
{
    unsigned limit = control && control->draw == 2 && seconds ? 1 : seconds;
    return REAL("alarm", unsigned (*)(unsigned))(limit);
}
