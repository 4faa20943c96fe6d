// Matrices from files into panels, the layout in which they are multiplied: columns beside each
// other, row behind row.
#ifndef ABL_ENGINE_PACK_H
#define ABL_ENGINE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/matrix.h"

// Row i, column c lies at values[(c / width * depth + i) * width + c % width]. What is beyond the
// matrix is neither read nor written here.
struct panels {
    float *values;
    uint32_t width; // columns of a panel
    uint32_t depth; // rows, with those that fill up
};

// Columns [first, first + count) of a source into panels, of which they are the first: read from
// the file by all threads at once, each a stretch of file rows that stays in its cache. Where the
// file holds rows of the matrix (not out_in) they are all of its columns. scratch: as many floats
// as panels_fill_scratch says.
size_t panels_fill_scratch(const struct matrix_source *s);
bool panels_fill(const struct matrix_source *s, uint32_t first, uint32_t count,
                 const struct panels *to, float *scratch, struct abl_err *err);

// Zeros where the panels of a (k, n) matrix hold more than it.
void panels_clear_rest(const struct panels *p, uint32_t k, uint32_t n);

#endif
