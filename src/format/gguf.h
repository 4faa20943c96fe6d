// The GGUF container, versions 2 and 3: metadata (key, typed value), tensor directory, aligned
// data. Read strictly: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#ifndef ABL_FORMAT_GGUF_H
#define ABL_FORMAT_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "format/gguf_value.h"
#include "format/tensor_file.h"

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
