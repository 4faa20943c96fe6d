// Element types of checkpoint files: names, sizes, and which of them can be read as weights.
#ifndef ABL_FORMAT_DTYPE_H
#define ABL_FORMAT_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_Q4_0, // from here on: blocks of whole numbers with scales (blocks.h)
    DTYPE_Q4_1,
    DTYPE_Q5_0,
    DTYPE_Q5_1,
    DTYPE_Q8_0,
    DTYPE_Q2_K,
    DTYPE_Q3_K,
    DTYPE_Q4_K,
    DTYPE_Q5_K,
    DTYPE_Q6_K,
    DTYPE_OTHER,
};

// Elements that the block types store together.
enum { BLOCK_SIZE = 32, SUPER_BLOCK_SIZE = 256 };

struct dtype_info {
    const char *name; // as safetensors or ggml spells it
    uint32_t block;   // elements that are stored together; 1 of plain types
    uint32_t bits;    // of a block
    enum dtype dtype; // DTYPE_OTHER: known size, not readable as weights
};

// The row for a safetensors type name; NULL when it is not known.
const struct dtype_info *dtype_find(const char *name, size_t len);

// The row for a type number of GGUF files; NULL when it cannot be read. *name says what it is
// called, "?" if unknown.
const struct dtype_info *dtype_find_gguf(uint32_t number, const char **name);

// "F16", "Q4_K", …
const char *dtype_name(enum dtype dtype);

// Those that can be read, for messages.
extern const char dtype_readable[];

#endif
