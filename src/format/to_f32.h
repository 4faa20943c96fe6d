// Elements of checkpoint files to fp32, exactly.
#ifndef ABL_FORMAT_TO_F32_H
#define ABL_FORMAT_TO_F32_H

#include <stddef.h>

#include "format/dtype.h"

// n elements at `from` (any alignment, little-endian) to fp32. dtype is not DTYPE_OTHER; n is a
// multiple of its block.
void to_f32(enum dtype dtype, const void *from, size_t n, float *to);

#endif
