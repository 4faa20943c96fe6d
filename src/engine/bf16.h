// fp32 as the sum of two bf16 halves: x = high + low up to 2^-17 of x (Henry, Tang &
// Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For
// Higher-Precision Computations", 2019).
#ifndef ABL_ENGINE_BF16_H
#define ABL_ENGINE_BF16_H

#include <stddef.h>
#include <stdint.h>

// To nearest, ties to even; what is no number stays none.
uint16_t bf16_round(float x);
float bf16_widen(uint16_t h);

// The halves of n floats.
void bf16_split(const float *x, size_t n, uint16_t *high, uint16_t *low);

// Left operands of three products in one: each of `n` rows of `k` floats, `stride` apart, becomes
// high | high | low, a row of three times `width` >= k, filled with zeros. On all threads.
void bf16_split_rows(const float *x, size_t n, size_t k, size_t stride, size_t width,
                     uint16_t *out);

#endif
