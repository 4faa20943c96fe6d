// The names in a folder.
#ifndef ABL_BASE_FOLDER_H
#define ABL_BASE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct names {
    char **items; // sorted
    size_t n;
};

// Names in path that `keep` wants (NULL: all), but none that begins with a dot; none where there is
// no such folder.
bool folder_names(const char *path, bool (*keep)(const char *path, const char *name),
                  struct names *out, struct abl_err *err);
void names_release(struct names *names);

#endif
