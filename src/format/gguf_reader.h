// Reading the head of a GGUF file: one cursor that knows how much is left, and how much memory the
// file may claim.
#ifndef ABL_FORMAT_GGUF_READER_H
#define ABL_FORMAT_GGUF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "format/gguf_value.h"

struct gguf_reader {
    const struct file_source *file;
    uint64_t at;     // of the next byte
    uint64_t budget; // bytes that what is read may still take
    struct arena *arena;
    struct abl_err *err;
    uint64_t first; // of the buffered bytes
    size_t n;
    unsigned char buffer[1 << 16];
};

// Borrowed: all three. The caller frees it; NULL with err filled when memory is out.
struct gguf_reader *gguf_reader_new(const struct file_source *file, struct arena *arena,
                                    struct abl_err *err);

// Refuse the file (ABL_BAD_MODEL) for what stands at a byte; returns false.
bool gguf_fail(struct gguf_reader *r, uint64_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

uint64_t gguf_left(const struct gguf_reader *r);

// The next n bytes; `what` names them where the file ends before.
bool gguf_read(struct gguf_reader *r, void *out, size_t n, const char *what);

// Zeroed room in the arena, within the budget.
bool gguf_alloc(struct gguf_reader *r, size_t n, size_t size, void **out);

// A length and that many bytes, at most max.
bool gguf_read_string(struct gguf_reader *r, size_t max, const char *what, struct gguf_string *out);

// A key with its value.
bool gguf_read_value(struct gguf_reader *r, struct gguf_value *out);

#endif
