// The safetensors container: u64 header length, JSON header, tensors back to back. Read strictly:
// https://github.com/huggingface/safetensors (format section of its README).
#ifndef ABL_FORMAT_SAFETENSORS_H
#define ABL_FORMAT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "format/dtype.h"

enum { TENSOR_MAX_DIMS = 8 };

struct tensor_entry {
    const char *name;
    const struct dtype_info *type;
    uint32_t n_dims; // 0: a single element
    uint64_t dims[TENSOR_MAX_DIMS];
    uint64_t begin, end; // bytes behind the header
};

// Names, shapes and places of a file's tensors, in order of their data.
struct tensor_directory {
    struct tensor_entry *entries;
    size_t n;
    uint64_t data_start; // offset of byte 0 of the data in the file
    struct arena arena;
};

struct safetensors {
    struct file_source file;
    struct tensor_directory directory;
};

// Parse header[0..size) of a file with data_len bytes behind it. name is for messages. Refused (ABL_BAD_MODEL): what is
// not the strict format — duplicate names, unknown types, shapes that overflow or do not fill their range, holes,
// overlaps, a range beyond the data or data beyond the ranges.
bool safetensors_parse(const char *name, const void *header, size_t size, uint64_t data_len,
                       struct tensor_directory *out, struct abl_err *err);
void tensor_directory_release(struct tensor_directory *d);

bool safetensors_open(const char *path, struct safetensors *out, struct abl_err *err);
void safetensors_close(struct safetensors *s);

// Elements [first, first + n) of a tensor as fp32, refusing NaN and infinity (ABL_BAD_MODEL, naming tensor and element).
// They lie in the tensor, and its type is readable.
bool safetensors_read(const struct safetensors *s, const struct tensor_entry *t, uint64_t first,
                      size_t n, float *out, struct abl_err *err);

#endif
