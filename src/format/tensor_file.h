// A file of named tensors, whatever its container: safetensors.c and gguf.c open one, everything
// else only reads it.
#ifndef ABL_FORMAT_TENSOR_FILE_H
#define ABL_FORMAT_TENSOR_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "format/dtype.h"

enum { MAX_TENSORS = 65536 }; // that a file may name

enum { TENSOR_MAX_DIMS = 8 };

struct tensor_entry {
    const char *name;
    const struct dtype_info *type;
    uint32_t n_dims; // 0: a single element
    // outermost first, so that the last one's elements lie side by side
    uint64_t dims[TENSOR_MAX_DIMS];
    uint64_t begin, end; // bytes behind data_start
};

// Names, shapes and places of a file's tensors, in order of their data.
struct tensor_directory {
    struct tensor_entry *entries;
    size_t n;
    uint64_t data_start; // offset of byte 0 of the data in the file
    struct arena arena;
};

struct tensor_file {
    struct file_source file;
    struct tensor_directory directory;
};

void tensor_directory_release(struct tensor_directory *d);
void tensor_file_close(struct tensor_file *f);

// Elements [first, first + n) of a tensor as fp32, refusing NaN and infinity (ABL_BAD_MODEL, naming
// tensor and element), and a file that has been written to since it was opened. They lie in the
// tensor, and its type is readable; of a block type, both ends fall on a block's.
bool tensor_file_read(const struct tensor_file *f, const struct tensor_entry *t, uint64_t first,
                      size_t n, float *out, struct abl_err *err);

#endif
