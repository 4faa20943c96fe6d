// Splits as tinyLab drew them, so that the same seed gives the same rows: CPython's
// random.seed(seed) and shuffle, then cuts.
#ifndef ABL_TEXT_LAB_SPLIT_H
#define ABL_TEXT_LAB_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "text/split.h"

// Of n rows the first whole rows below n * train for training, as many below n * val for
// validation, the rest for test; each list ascending. Shares are from 0 on, together 1 at most.
// Release with split_file_release.
bool lab_split_draw(uint32_t n, uint64_t seed, double train, double val, struct split_file *out,
                    struct abl_err *err);

#endif
