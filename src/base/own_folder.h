// A folder of files that are the user's alone: what is kept there steers how we compute, so that
// nobody else may have a say in it.
#ifndef ABL_BASE_OWN_FOLDER_H
#define ABL_BASE_OWN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/file.h"

struct own_folder {
    int fd;         // -1: there is none
    char path[256]; // for messages: cut where it is longer
    char why[512];  // why what is there is not used, for a line to the user; "" where nothing is
};

// Whether a file or folder is that of root, of the user or of `also`, and not open to everybody.
bool own_is_trusted(const struct stat *st, uid_t also);

// The folder `name` in `root`, which is made for the user alone where it is not there. It is not
// used, and why says so, unless it is the user's, no link, writable by nobody else, and in a root
// that is not open to everybody. False where there is none.
bool own_folder_open(const char *root, const char *name, struct own_folder *out);
void own_folder_close(struct own_folder *f);

// A file in it, of max_size bytes at most, under the same conditions. False where there is none,
// or why says what is wrong with it.
bool own_folder_read(struct own_folder *f, const char *name, size_t max_size,
                     struct file_bytes *out);

// Write a file that is the user's alone, whole or not at all. False where that cannot be done.
bool own_folder_write(const struct own_folder *f, const char *name, const void *bytes, size_t len);

#endif
