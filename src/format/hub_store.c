#include "format/hub_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "format/hf_cache.h"

// ---------------------------------------------------------------------------------------- places

static char *blob_path(const struct hub_store *s, const struct hub_file *f, struct arena *a)
{
    return file_path(a, "%s/blobs/%s", s->repo, f->hash);
}

static char *part_path(const struct hub_store *s, const struct hub_file *f, struct arena *a)
{
    return file_path(a, "%s/blobs/%s.incomplete", s->repo, f->hash);
}

static char *snapshot_path(const struct hub_store *s, struct arena *a)
{
    return file_path(a, "%s/snapshots/%s", s->repo, s->commit);
}

static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool cannot(const char *what, const char *path, struct abl_err *err)
{
    return errno == ENOMEM
               ? abl_no_memory(err)
               : abl_fail(err, ABL_FAILED, "cannot %s '%s': %s", what, path, strerror(errno));
}

bool hub_store_make(const struct hub_store *s, bool *replaced, struct abl_err *err)
{
    struct arena a = { 0 };
    const char *snapshot = snapshot_path(s, &a);
    const char *folders[]
        = { file_path(&a, "%s/blobs", s->repo), file_path(&a, "%s/refs", s->repo), snapshot };
    *replaced = snapshot && is_link(snapshot);
    bool ok = !*replaced || unlink(snapshot) == 0 || cannot("replace", snapshot, err);
    for (size_t i = 0; ok && i < sizeof folders / sizeof *folders; i++)
        ok = folders[i] ? file_make_dirs(folders[i], err) : abl_no_memory(err);
    arena_release(&a);
    return ok;
}

// ---------------------------------------------------------------------------------------- hashes

static bool interrupted(const struct hub_store *s, struct abl_err *err)
{
    return s->cancel && atomic_load(s->cancel)
           && !abl_fail(err, ABL_INTERRUPTED,
                        "interrupted; what came so far is kept for the next time");
}

// From the file's first byte on.
static bool hash_bytes(const struct hub_store *s, EVP_MD_CTX *c, int fd, struct abl_err *err)
{
    unsigned char block[1 << 16];
    uint64_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, block, sizeof block, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot("read a file of", s->repo, err);
        if (n == 0)
            return true;
        if (EVP_DigestUpdate(c, block, (size_t)n) != 1)
            return abl_no_memory(err);
        at += (uint64_t)n;
        if (interrupted(s, err))
            return false;
    }
}

// The hash that the hub calls the file by: SHA-256, or git's "blob <size>\0" in front under SHA-1.
static bool hash_file(const struct hub_store *s, int fd, const struct hub_file *f,
                      char out[SHA256_HEX], struct abl_err *err)
{
    char head[32];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int len = snprintf(head, sizeof head, "blob %" PRIu64, f->size) + 1;
    bool ok = (c && EVP_DigestInit_ex(c, f->is_sha256 ? EVP_sha256() : EVP_sha1(), NULL) == 1
               && (f->is_sha256 || EVP_DigestUpdate(c, head, (size_t)len) == 1))
              || abl_no_memory(err);
    ok = ok && hash_bytes(s, c, fd, err)
         && (EVP_DigestFinal_ex(c, digest, &n) == 1 || abl_no_memory(err));
    for (unsigned i = 0; ok && i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(c);
    return ok;
}

bool hub_store_is_right(const struct hub_store *s, const struct hub_file *f, int fd, bool *right,
                        struct abl_err *err)
{
    struct stat st;
    char hash[SHA256_HEX];
    *right = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == f->size;
    if (!*right)
        return true;
    if (!hash_file(s, fd, f, hash, err))
        return false;
    *right = strcmp(hash, f->hash) == 0;
    return true;
}

// ----------------------------------------------------------------------------------------- blobs

bool hub_store_check(const struct hub_store *s, const struct hub_file *f, enum hub_blob *out,
                     struct abl_err *err)
{
    struct arena a = { 0 };
    const char *path = blob_path(s, f, &a), *snapshot = snapshot_path(s, &a);
    struct stat st;
    bool right = false, abroad = false;
    bool ok = (path && snapshot) || abl_no_memory(err);
    *out = BLOB_MISSING;
    if (ok && lstat(path, &st) == 0) {
        *out = BLOB_WRONG;
        ok = !S_ISLNK(st.st_mode) || hf_leads_out(snapshot, path, &abroad, err);
        int fd = ok && !abroad ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
        ok = ok && (fd < 0 || hub_store_is_right(s, f, fd, &right, err));
        if (fd >= 0)
            close(fd);
        if (abroad || right)
            *out = abroad ? BLOB_ABROAD : BLOB_RIGHT;
    }
    arena_release(&a);
    return ok;
}

bool hub_store_drop(const struct hub_store *s, const struct hub_file *f, struct abl_err *err)
{
    struct arena a = { 0 };
    const char *path = blob_path(s, f, &a);
    bool ok = path ? unlink(path) == 0 || errno == ENOENT || cannot("replace", path, err)
                   : abl_no_memory(err);
    arena_release(&a);
    return ok;
}

bool hub_store_lock(const struct hub_store *s, const struct hub_file *f, int *fd,
                    struct abl_err *err)
{
    struct arena a = { 0 };
    const char *folder = file_path(&a, "%s/.locks%s", s->root, strrchr(s->repo, '/'));
    const char *path = folder ? file_path(&a, "%s/%s.lock", folder, f->hash) : NULL;
    bool ok = (path || abl_no_memory(err)) && file_make_dirs(folder, err);
    *fd = ok ? file_open_own(path, O_RDWR, err) : -1;
    ok = *fd >= 0;
    if (ok && flock(*fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
        close(*fd);
        *fd = -1;
    }
    arena_release(&a);
    return ok;
}

uint64_t hub_store_part_size(const struct hub_store *s, const struct hub_file *f)
{
    struct arena a = { 0 };
    struct stat st;
    const char *path = part_path(s, f, &a);
    bool has = path && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    arena_release(&a);
    return has ? (uint64_t)st.st_size : 0;
}

// Whether what stands there is nobody else's: a file that no other name leads to.
static bool is_own(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

bool hub_store_open_part(const struct hub_store *s, const struct hub_file *f, int *fd,
                         struct abl_err *err)
{
    struct arena a = { 0 };
    const char *path = part_path(s, f, &a);
    bool ok = path ? is_own(path) || unlink(path) == 0 || errno == ENOENT
                         || cannot("replace", path, err)
                   : abl_no_memory(err);
    *fd = ok ? file_open_own(path, O_RDWR, err) : -1;
    ok = *fd >= 0;
    if (ok && hub_store_part_size(s, f) > f->size) // longer than it can be: begin again
        ok = ftruncate(*fd, 0) == 0 || cannot("write", path, err);
    arena_release(&a);
    return ok;
}

bool hub_store_keep(const struct hub_store *s, const struct hub_file *f, int fd,
                    struct abl_err *err)
{
    struct arena a = { 0 };
    const char *part = part_path(s, f, &a), *blob = blob_path(s, f, &a);
    bool ok = (part && blob) || abl_no_memory(err);
    ok = ok && (fsync(fd) == 0 || errno == EINVAL || cannot("write", part, err))
         && (rename(part, blob) == 0 || cannot("rename", part, err));
    arena_release(&a);
    return ok;
}

void hub_store_throw(const struct hub_store *s, const struct hub_file *f)
{
    struct arena a = { 0 };
    const char *path = part_path(s, f, &a);
    if (path)
        unlink(path);
    arena_release(&a);
}

// -------------------------------------------------------------------------------------- snapshot

bool hub_store_link(const struct hub_store *s, const struct hub_file *f, bool *replaced,
                    struct abl_err *err)
{
    struct arena a = { 0 };
    const char *to = arena_printf(&a, "../../blobs/%s", f->hash);
    const char *path = file_path(&a, "%s/snapshots/%s/%s", s->repo, s->commit, f->name);
    char now[SHA256_HEX + sizeof "../../blobs/"];
    bool ok = (to && path) || abl_no_memory(err);
    ssize_t len = ok ? readlink(path, now, sizeof now) : -1;
    bool is_right = ok && len == (ssize_t)strlen(to) && memcmp(now, to, (size_t)len) == 0;
    *replaced = len >= 0 && !is_right;
    if (ok && !is_right && symlink(to, path) != 0
        && (errno != EEXIST || unlink(path) != 0 || symlink(to, path) != 0))
        ok = cannot("link", path, err);
    arena_release(&a);
    return ok;
}

bool hub_store_remove_stray(const struct hub_store *s, char name[HUB_STORE_NAME],
                            struct abl_err *err)
{
    struct arena a = { 0 };
    struct names all = { 0 };
    const char *snapshot = snapshot_path(s, &a);
    bool ok = snapshot ? folder_names(snapshot, NULL, &all, err) : abl_no_memory(err);
    *name = '\0';
    for (size_t i = 0; ok && i < all.n && !*name; i++) {
        const char *path = file_path(&a, "%s/%s", snapshot, all.items[i]);
        bool out = false;
        ok = path ? !is_link(path) || hf_leads_out(snapshot, path, &out, err) : abl_no_memory(err);
        if (!ok || !out)
            continue;
        ok = unlink(path) == 0 || cannot("remove", path, err);
        snprintf(name, HUB_STORE_NAME, "%s", all.items[i]);
    }
    names_release(&all);
    arena_release(&a);
    return ok;
}

// ------------------------------------------------------------------------------------- the whole

uint64_t hub_store_room(const struct hub_store *s)
{
    struct arena a = { 0 };
    struct statvfs disk;
    const char *path = file_path(&a, "%s/blobs", s->repo);
    bool known = path && statvfs(path, &disk) == 0;
    arena_release(&a);
    return known ? (uint64_t)disk.f_bavail * disk.f_frsize : UINT64_MAX;
}

bool hub_store_write_ref(const struct hub_store *s, const char *revision, struct abl_err *err)
{
    struct arena a = { 0 };
    const char *slash = strrchr(revision, '/');
    if (strcmp(s->commit, revision) == 0)
        return true;
    const char *path = file_path(&a, "%s/refs/%s", s->repo, revision);
    const char *folder
        = slash ? file_path(&a, "%s/refs/%.*s", s->repo, (int)(slash - revision), revision) : NULL;
    bool ok = (path && (!slash || folder)) || abl_no_memory(err);
    ok = ok && (!folder || file_make_dirs(folder, err))
         && file_write_atomic(path, s->commit, HUB_COMMIT, err);
    arena_release(&a);
    return ok;
}
