// Runs as tinyLab made them, to compare with what it published: never the default, always said.
#ifndef ABL_SESSION_TINYLAB_H
#define ABL_SESSION_TINYLAB_H

#include <stddef.h>

// Whose conventions a run keeps.
enum compat {
    COMPAT_NONE,
    // padded prompts read at the last column, patches aligned from the start,
    // its metrics beside ours
    COMPAT_TINYLAB,
};

// "tinylab"; NULL: ours.
const char *compat_name(size_t c);

// One sentence for people and files that says what is different; NULL: nothing is.
const char *compat_banner(enum compat c);

#endif
