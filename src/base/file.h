// Files: whole-file reads, positioned reads, folders written under a temporary name and renamed
// when complete.
#ifndef ABL_BASE_FILE_H
#define ABL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"

enum { FILE_TEMP_NAME = 256 }; // room for any name in a folder

// A whole file read into memory, NUL-terminated behind its last byte.
// Owned by the caller: file_bytes_release.
struct file_bytes {
    char *data;
    size_t size;
};

// Read path whole. A file above max_size is refused, and so is what is no regular file (a pipe, a
// device, a socket), without waiting for it: but for "-" and "/dev/stdin", which are standard
// input, and "/dev/fd/N", what the shell that began us has opened for us. Errors carry `code`.
bool file_read(const char *path, size_t max_size, struct file_bytes *out, enum abl_code code,
               struct abl_err *err);
// The same of a name in a folder that is open; messages name it so.
bool file_read_in(int folder, const char *name, size_t max_size, struct file_bytes *out,
                  enum abl_code code, struct abl_err *err);
void file_bytes_release(struct file_bytes *bytes);

// A regular file held open for positioned reads (pread: a later truncation is an error, never
// SIGBUS).
struct file_source {
    int fd; // -1 when closed
    uint64_t size;
    struct timespec written; // when it was last written to, as it was opened
    char *path;              // owned
};

bool file_open(const char *path, struct file_source *out, enum abl_code code, struct abl_err *err);
bool file_read_at(const struct file_source *f, uint64_t offset, void *out, size_t len,
                  struct abl_err *err);
// Whether nobody has written to it since it was opened: what was read until now belongs together.
// Another file under its name is none of its business.
bool file_is_as_opened(const struct file_source *f, struct abl_err *err);
void file_close(struct file_source *f);

// The descriptor of a file to write to, made where it is not there; -1 with err filled. A link of
// that name is not followed, and nothing but a regular file will do. flags: as open() takes them.
int file_open_own(const char *path, int flags, struct abl_err *err);

bool file_exists(const char *path); // a dangling link does: opening it then says what is wrong
bool file_is_there(int folder, const char *name); // the same of a name in a folder that is open
bool file_is_dir(const char *path);

// The same of a name in a folder, and whether it is a file that can be read from, links followed.
// They take no memory, so that what is there is never taken for missing without it.
bool file_exists_in(const char *dir, const char *name);
bool file_is_dir_in(const char *dir, const char *name);
bool file_is_regular_in(const char *dir, const char *name);

// Runs of slashes become one, so that a folder given as "runs/" reads well in messages.
void file_tidy(char *path);
// malloc'd "dir/name", tidied; NULL when memory is out.
char *file_join(const char *dir, const char *name);
// The folder that path lies in, and its name there; both malloc'd. False when memory is out.
bool file_split(const char *path, char **parent, char **name);
// What file_join gives of any parts, by printf into the arena.
char *file_path(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

// malloc'd path, where a leading "~" or "~/" is the home (NULL: there is none); NULL when memory is
// out.
char *file_expand_home(const char *path, const char *home);

// Write bytes to path: a new file beside it under a name that nobody can know beforehand, fsync,
// rename. Nothing half-written stays. A link at path is replaced, not followed.
bool file_write_atomic(const char *path, const void *bytes, size_t len, struct abl_err *err);
// The same of a name in a folder that is open; messages name it `path`.
bool file_write_in(int folder, const char *name, const char *path, const void *bytes, size_t len,
                   struct abl_err *err);

// All bytes to a descriptor, however often that takes; errno says why not.
bool file_write_all(int fd, const void *bytes, size_t len);

// What file_write_atomic does, piece by piece: begin, put as often as need be, end. A failure, or
// file_pieces_drop, leaves nothing; messages name the file `path`, which is borrowed.
struct file_pieces {
    int folder, fd; // folder: borrowed
    const char *name, *path;
    char temp[FILE_TEMP_NAME];
};
bool file_pieces_begin(int folder, const char *name, const char *path, struct file_pieces *out,
                       struct abl_err *err);
bool file_pieces_put(struct file_pieces *f, const void *bytes, size_t len, struct abl_err *err);
bool file_pieces_end(struct file_pieces *f, struct abl_err *err);
void file_pieces_drop(struct file_pieces *f);

// The same as file_write_in for the user alone; errno says why not.
bool file_write_own(int folder, const char *name, const void *bytes, size_t len);

// Whether `ending` is what file_write_atomic puts behind a name while it writes.
bool file_is_temporary(const char *ending);

// Twelve hexadecimal digits that nobody can know beforehand.
enum { FILE_RANDOM_NAME = 13 };
void file_random_name(char out[FILE_RANDOM_NAME]);

// Have the names in a folder that is open reach the disk; errno says why not. file_sync_parent: of
// the folder that path lies in, as far as that can be done.
bool file_sync_opened(int folder);
void file_sync_parent(const char *path);

// Create path and its missing parents (mode 0777 & ~umask).
bool file_make_dirs(const char *path, struct abl_err *err);

// Remove a folder tree that we made ourselves, all of it that can be; symbolic links inside are
// unlinked, not followed.
bool file_remove_tree(const char *path, struct abl_err *err);
// The same of what is in a folder that is open for reading, but for the name `keep` (NULL: all of
// it); messages name the folder `path`.
bool file_remove_inside(int folder, const char *keep, const char *path, struct abl_err *err);
// Remove a file or link, but no folder, of a folder.
bool file_remove_in(const char *dir, const char *name);

#endif
