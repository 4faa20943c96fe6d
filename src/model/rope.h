// Frequencies of rotary positions, and slopes of ALiBi.
#ifndef ABL_MODEL_ROPE_H
#define ABL_MODEL_ROPE_H

#include "model/shape.h"

// Angle by which one position turns each pair: out (n_dims / 2), as transformers computes it for
// the same config.json.
void rope_frequencies(const struct rope_shape *r, double *out);

// Whether every angle and the scale are finite: numbers that are sound each can make others that
// are not.
bool rope_is_finite(const struct rope_shape *r);

// What ALiBi adds to a head's score for each place that a key stands further on: 2^(-8i/n) of head
// i from 1 of n heads; where n is no power of two, the heads beyond the last that is one take every
// second slope of twice as many (Press et al. 2022).
double alibi_slope(uint32_t n_heads, uint32_t head);

#endif
