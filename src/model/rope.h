// Frequencies of rotary positions.
#ifndef ABL_MODEL_ROPE_H
#define ABL_MODEL_ROPE_H

#include "model/shape.h"

// Angle by which one position turns each pair: out (n_dims / 2), as transformers computes it for
// the same config.json.
void rope_frequencies(const struct rope_shape *r, double *out);

// Whether every angle and the scale are finite: numbers that are sound each can make others that
// are not.
bool rope_is_finite(const struct rope_shape *r);

#endif
