// A folder of a test's own below the temporary folder.
#ifndef ABL_TESTS_SCRATCH_H
#define ABL_TESTS_SCRATCH_H

#include <stddef.h>

enum { SCRATCH_PATH = 256 };

struct scratch {
    char path[SCRATCH_PATH];
};

// Each fails the test when it cannot be done.
void scratch_make(struct scratch *s);
void scratch_remove(struct scratch *s);

// For cmocka: a folder for the test, or the group, whose state is its struct scratch.
int scratch_setup(void **state);
int scratch_teardown(void **state);

// "folder/name", good until the next call.
const char *scratch_path(const struct scratch *s, const char *name);

// Write a file; folders in its name are made.
void scratch_write(const struct scratch *s, const char *name, const void *bytes, size_t len);
void scratch_text(const struct scratch *s, const char *name, const char *text);
void scratch_delete(const struct scratch *s, const char *name);

#endif
