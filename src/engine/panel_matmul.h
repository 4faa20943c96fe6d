// Matrix products in fp32 by loops of our own, for machines on which oneDNN's results for a row
// depend on how many rows and threads there are. Here each element is one sum, over k in order, by
// the same instructions whatever stands beside it: a row's bits depend on nothing else.
#ifndef ABL_ENGINE_PANEL_MATMUL_H
#define ABL_ENGINE_PANEL_MATMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/pack.h"
#include "engine/product.h"

// Instructions that products may use, narrowest first.
enum panel_isa { PANEL_PLAIN, PANEL_AVX, PANEL_AVX2, PANEL_AVX512 };

struct panel_matrix; // (k, n), in panels of columns that are multiplied together

// The machine's own limit holds too, if isa is beyond it. Content undefined; free with
// panel_matrix_free.
bool panel_matrix_new(enum panel_isa isa, uint32_t k, uint32_t n, struct panel_matrix **out,
                      struct abl_err *err);
void panel_matrix_free(struct panel_matrix *w);

// Where its values go. Beyond n the last panel holds zeros: panels_clear_rest.
struct panels panel_matrix_panels(const struct panel_matrix *w);

// Rows [first, first + depth) of the matrix multiply x, which has depth columns. scratch: as many
// floats as panel_scratch says, on a cache line.
size_t panel_scratch(void);
void panel_matrix_multiply(const struct panel_matrix *w, uint32_t first, uint32_t depth,
                           const struct product *p, float *scratch);

#endif
