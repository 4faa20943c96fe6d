// What the targets share: an input cut into parts, files that hold them, promises that are checked.
#ifndef ABL_TESTS_FUZZ_H
#define ABL_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tests/fuzz/targets.h"
#include "text/owner.h"

// A stretch of the input.
struct part {
    const char *data;
    size_t len;
};

// Parts stand one behind the other with this byte between them, which no text file holds.
enum { PART_END = 0x1e };

// The next part of what is left, empty at the end.
struct part next_part(struct part *rest);

// A NUL-terminated copy, owned.
char *part_text(struct part p);

// The next number of the input, 0 at its end.
uint8_t next_byte(struct part *rest);

// Whose reading of a model's files counts: one or the other, by the input's length.
enum owner fuzz_owner(size_t size);

// The path of a file in a folder in memory that is the process's own; good until the next call.
const char *fuzz_path(const char *name);

// Write a file there, with the folders in its name; no part is no file. In libFuzzer's programs it
// is in memory only: tests/fuzz/memory_files.h.
void fuzz_write(const char *name, struct part bytes);

// Abort: a promise of the parser is broken.
_Noreturn void fuzz_broken(const char *file, int line, const char *what);
#define REQUIRE(promise) ((promise) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #promise))

// Whether a terminal shows all of it, sound UTF-8, and obeys, turns or hides nothing, but for the
// control characters in `allowed`.
bool fuzz_is_printable(const char *text, size_t len, const char *allowed);

// What every call that can fail promises of the struct abl_err that was all zero before: filled if
// and only if it failed, with one printable line of sound UTF-8.
bool fuzz_outcome(bool ok, const struct abl_err *err);

#endif
