// The GGUF container, versions 2 and 3: metadata (key, typed value), tensor directory, aligned
// data. Read strictly: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#ifndef ABL_FORMAT_GGUF_H
#define ABL_FORMAT_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "format/tensor_file.h"

// What a value is once it is read: the file's widths of whole numbers and floats fold into one
// each.
enum gguf_kind { GGUF_UINT, GGUF_INT, GGUF_FLOAT, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY };

struct gguf_string {
    const char *data; // NUL-terminated behind len bytes; sound UTF-8 is not promised
    size_t len;
};

struct gguf_value {
    struct gguf_string key;
    enum gguf_kind kind, item; // item: of an array's elements, never GGUF_ARRAY
    size_t n;                  // elements of an array
    union {
        uint64_t u; // GGUF_UINT
        int64_t i;
        double f;
        bool b;
        struct gguf_string s;
        const uint64_t *us; // (n) of an array, by its item kind
        const int64_t *is;
        const double *fs;
        const bool *bs;
        const struct gguf_string *ss;
    };
};

struct gguf {
    struct tensor_file tensors; // dims turned round: outermost first, as in safetensors
    struct gguf_value *values;
    size_t n_values;
    struct arena arena; // of values
};

// Open and check a whole file but the tensors' data. Owned by the caller: gguf_close.
// Refused (ABL_BAD_MODEL, naming place and reason): other versions, the wrong byte order, counts,
// lengths or shapes that the file cannot hold, nested arrays, duplicate keys or tensors,
// overlapping or unaligned data, unknown types.
bool gguf_open(const char *path, struct gguf *out, struct abl_err *err);
void gguf_close(struct gguf *g);

// Whether the file begins as a GGUF does. False too when it cannot be read.
bool gguf_is(const char *path);

// The value of a key; NULL when it is not there.
const struct gguf_value *gguf_find(const struct gguf *g, const char *key);

#endif
