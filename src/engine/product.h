// A matrix product, as dnnl_matmul.h and panel_matmul.h take it.
#ifndef ABL_ENGINE_PRODUCT_H
#define ABL_ENGINE_PRODUCT_H

#include <stdint.h>

enum product_flags {
    PRODUCT_BIAS = 1 << 0,
    PRODUCT_ACCUMULATE = 1 << 1,
    PRODUCT_GELU_TANH = 1 << 2, // at most one of these
    PRODUCT_GELU_ERF = 1 << 3,
    PRODUCT_SILU = 1 << 4,
    PRODUCT_RELU = 1 << 5,
};

// y = act(x·w + bias) [+ y].
struct product {
    const float *x;    // m rows, x_stride floats apart
    float *y;          // m rows, y_stride floats apart
    const float *bias; // n floats, with PRODUCT_BIAS
    uint32_t m, x_stride, y_stride;
    unsigned flags;
};

// Rows of a file that are packed at a time: a multiple of these, but at its end.
enum { MATRIX_BLOCK = 64 };

#endif
