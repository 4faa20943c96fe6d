#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utf8proc.h>

#include "base/file.h"
#include "tests/fuzz/memory_files.h"

enum { PATH_SIZE = 512 };

struct part next_part(struct part *rest)
{
    const char *end = rest->len ? memchr(rest->data, PART_END, rest->len) : NULL;
    struct part p = { rest->data, end ? (size_t)(end - rest->data) : rest->len };
    size_t used = p.len + (end != NULL);
    *rest = (struct part){ rest->len ? rest->data + used : rest->data, rest->len - used };
    return p;
}

static void *must(void *memory)
{
    REQUIRE(memory);
    return memory;
}

char *part_text(struct part p)
{
    char *text = must(malloc(p.len + 1));
    if (p.len)
        memcpy(text, p.data, p.len);
    text[p.len] = '\0';
    return text;
}

uint8_t next_byte(struct part *rest)
{
    if (!rest->len)
        return 0;
    rest->len--;
    return (uint8_t)*rest->data++;
}

enum owner fuzz_owner(size_t size)
{
    return (enum owner)(size % N_OWNERS);
}

void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

// ------------------------------------------------------------------------------------------- files

struct folder {
    char path[PATH_SIZE / 2];
    pid_t owner;
};

static struct folder *folder(void)
{
    static struct folder f;
    return &f;
}

static void remove_folder(void)
{
    if (folder()->owner == getpid())
        file_remove_tree(folder()->path, NULL);
}

// In memory where the system has such a place, as thousands of files are written a second.
static void make_folder(struct folder *f)
{
    const char *given = getenv("TMPDIR");
    const char *base = given ? given : file_is_dir("/dev/shm") ? "/dev/shm" : "/tmp";
    int n = snprintf(f->path, sizeof f->path, "%s/abltui-fuzz-XXXXXX", base);
    REQUIRE(n > 0 && (size_t)n < sizeof f->path);
    REQUIRE(mkdtemp(f->path));
    f->owner = getpid();
    atexit(remove_folder);
}

const char *fuzz_path(const char *name)
{
    static char path[PATH_SIZE];
    struct folder *f = folder();
    if (!f->owner)
        make_folder(f);
    int n = snprintf(path, sizeof path, "%s/%s", f->path, name);
    REQUIRE(n > 0 && (size_t)n < sizeof path);
    return path;
}

#ifdef FUZZ_FILES_IN_MEMORY
// What does not come from memory would be refused as missing, each input alike: nothing else would tell.
static void check_files(void)
{
    static bool checked;
    char path[PATH_SIZE];
    struct file_bytes bytes;
    struct file_source source;
    char last;
    if (checked)
        return;
    checked = true;
    snprintf(path, sizeof path, "%s", fuzz_path("probe/file"));
    memory_file_put(path, "text", 4);
    REQUIRE(file_exists(path) && file_is_dir(fuzz_path("probe")));
    REQUIRE(file_read(path, 4, &bytes, ABL_FAILED, NULL) && bytes.size == 4);
    REQUIRE(memcmp(bytes.data, "text", 4) == 0);
    file_bytes_release(&bytes);
    REQUIRE(file_open(path, &source, ABL_FAILED, NULL) && source.size == 4);
    REQUIRE(file_read_at(&source, 3, &last, 1, NULL) && last == 't');
    REQUIRE(file_is_as_opened(&source, NULL));
    file_close(&source);
    memory_file_put(path, NULL, 0);
    REQUIRE(!file_exists(path) && !file_read(path, 4, &bytes, ABL_FAILED, NULL));
}

void fuzz_write(const char *name, struct part bytes)
{
    char path[PATH_SIZE];
    check_files();
    snprintf(path, sizeof path, "%s", fuzz_path(name)); // which is good until the next call
    memory_file_put(path, bytes.data, bytes.len);
}
#else
static int open_for_writing(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    char parent[PATH_SIZE];
    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
    REQUIRE(file_make_dirs(parent, NULL));
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

void fuzz_write(const char *name, struct part bytes)
{
    const char *path = fuzz_path(name);
    if (!bytes.len) {
        unlink(path);
        return;
    }
    int fd = open_for_writing(path);
    REQUIRE(fd >= 0);
    for (size_t at = 0; at < bytes.len;) {
        ssize_t n = write(fd, bytes.data + at, bytes.len - at);
        REQUIRE(n > 0);
        at += (size_t)n;
    }
    REQUIRE(close(fd) == 0);
}
#endif

// ---------------------------------------------------------------------------------------- promises

// What a terminal obeys, or what it turns, joins or hides text with.
static bool is_obeyed(int32_t c)
{
    static const struct {
        int32_t first, last;
    } ranges[] = {
        { 0, 0x1f },          { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
        { 0x180e, 0x180e },   { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
        { 0xd800, 0xdfff },   { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
        { 0xe0000, 0xe007f },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

bool fuzz_is_printable(const char *text, size_t len, const char *allowed)
{
    for (size_t at = 0; at < len;) {
        int32_t c;
        if (text[at] >= 0x20 && text[at] < 0x7f) {
            at++;
            continue;
        }
        ptrdiff_t n = utf8proc_iterate((const uint8_t *)text + at, (ptrdiff_t)(len - at), &c);
        if (n <= 0 || (is_obeyed(c) && !(c && c < 0x80 && strchr(allowed, c))))
            return false;
        at += (size_t)n;
    }
    return true;
}

bool fuzz_outcome(bool ok, const struct abl_err *err)
{
    if (ok) {
        REQUIRE(err->code == ABL_OK);
        REQUIRE(!err->text[0]);
        return true;
    }
    REQUIRE(err->code != ABL_OK);
    REQUIRE(err->text[0]);
    if (!fuzz_is_printable(err->text, strlen(err->text), "")) {
        fprintf(stderr, "error: %s\n", err->text);
        fuzz_broken(__FILE__, __LINE__, "an error is one printable line");
    }
    return false;
}
