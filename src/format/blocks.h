// Quantised weights: blocks of small whole numbers that share scales. Layouts as the ggml project
// defines them (ggml-common.h, ggml-quants.c): https://github.com/ggml-org/ggml
#ifndef ABL_FORMAT_BLOCKS_H
#define ABL_FORMAT_BLOCKS_H

#include <stddef.h>

#include "format/dtype.h"

// n_blocks blocks at `from` (any alignment) to fp32, in the order of operations of the reference,
// so that the results are its bits. dtype is one of the block types.
void blocks_to_f32(enum dtype dtype, const unsigned char *from, size_t n_blocks, float *to);

#endif
