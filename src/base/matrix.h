// What a checkpoint offers and an engine takes: a matrix read in blocks, and the kinds of norm and
// activation around it.
#ifndef ABL_BASE_MATRIX_H
#define ABL_BASE_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// A matrix to load, pulled in blocks so that a file is never held whole.
// Logical shape (k, n): y = x·W.
struct matrix_source {
    uint32_t k, n;
    // false: the file holds k rows of n ("in, out", GPT-2's Conv1D); true: n rows of k ("out, in").
    bool out_in;
    // It outlives the weight that is made of it: an engine that can (struct device_info) keeps none
    // of its values, and reads them whenever it multiplies.
    bool stays;
    // Fill out with file rows [first, first + count), dense fp32. Several threads ask at once.
    bool (*read)(void *context, uint32_t first, uint32_t count, float *out, struct abl_err *err);
    void *context;
};

enum norm_kind {
    NORM_LAYER, // (x - mean) / sqrt(var + eps) * gain + bias (Ba, Kiros & Hinton 2016)
    NORM_RMS,   // x / sqrt(mean of squares + eps) * gain + bias (Zhang & Sennrich 2019)
};

enum act {
    ACT_IDENTITY,
    ACT_GELU_TANH, // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    ACT_GELU_ERF,  // 0.5 x (1 + erf(x / sqrt(2)))
    ACT_SILU,      // x / (1 + e^-x)
    ACT_RELU,
};

#endif
