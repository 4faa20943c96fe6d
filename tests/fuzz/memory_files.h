// Files that a target writes and the parser opens, without the system: libFuzzer programs are linked
// so that open, stat, read and their like come here first (Makefile). A path that was never put is
// the system's.
#ifndef ABL_TESTS_FUZZ_MEMORY_FILES_H
#define ABL_TESTS_FUZZ_MEMORY_FILES_H

#include <stddef.h>

// Have path hold a copy of these bytes, its folder be there, and hold nothing that was not put. No
// bytes: there is no such file. path is absolute, without "//" and "..".
void memory_file_put(const char *path, const char *data, size_t len);

#endif
