// Element types of checkpoint files, and their exact conversion to fp32.
#ifndef ABL_FORMAT_DTYPE_H
#define ABL_FORMAT_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_OTHER };

struct dtype_info {
    const char *name; // as safetensors spells it
    uint32_t bits;    // of one element
    enum dtype dtype; // DTYPE_OTHER: known size, not readable as weights
};

// The row for a safetensors type name; NULL when it is not known.
const struct dtype_info *dtype_find(const char *name, size_t len);

// n elements at `from` (any alignment, little-endian) to fp32. dtype is not DTYPE_OTHER.
void dtype_to_f32(enum dtype dtype, const void *from, size_t n, float *to);

#endif
