// Matrix products by oneDNN's C API (2.6 and 3.x): the one file that speaks it.
#ifndef ABL_ENGINE_DNNL_MATMUL_H
#define ABL_ENGINE_DNNL_MATMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/panel_matmul.h"
#include "engine/precision.h"
#include "engine/product.h"

struct dnnl_context; // engine and stream
struct dnnl_matrix;  // weights in the layout that the implementation asks for, with its primitives

// Refused where the CPU has no products of that precision.
bool dnnl_context_new(enum precision precision, struct dnnl_context **out, struct abl_err *err);
void dnnl_context_free(struct dnnl_context *c);

// "oneDNN 2.6.3 (avx512_core)" into out.
void dnnl_describe(char *out, size_t size);

// Instructions that the library may use: the machine's, or less where DNNL_MAX_CPU_ISA says so.
enum panel_isa dnnl_isa(void);

// Whether a row's bits are the same in every product with a (k, n) matrix in fp32, however many
// rows and threads there are.
bool dnnl_keeps_rows_apart(struct dnnl_context *c, uint32_t k, uint32_t n);

// Room for a (k, n) matrix, whose values follow block by block: rows [first, first + count) of the
// file, k rows of n, or n rows of k where out_in. first is a multiple of MATRIX_BLOCK, and so is
// count but in the last block.
bool dnnl_matrix_new(struct dnnl_context *c, uint32_t k, uint32_t n, bool out_in,
                     struct dnnl_matrix **out, struct abl_err *err);
bool dnnl_matrix_fill(struct dnnl_matrix *w, uint32_t first, uint32_t count, const float *rows,
                      struct abl_err *err);
void dnnl_matrix_free(struct dnnl_matrix *w);

// Whether the layout is one of panels of fp32, and where its values go, as panel_matrix_panels.
bool dnnl_matrix_panels(const struct dnnl_matrix *w, struct panels *out);

// With fewer rows a product may go another way, which gives a row other bits.
uint32_t dnnl_least_rows(const struct dnnl_matrix *w);

// y = act(x·w + bias) [+ y].
bool dnnl_matrix_multiply(struct dnnl_matrix *w, const struct product *p, struct abl_err *err);

// The matrix as plain rows, (k, n) in fp32; valid until those of another matrix are asked for, or
// it is freed.
bool dnnl_matrix_rows(const struct dnnl_matrix *w, const float **out, struct abl_err *err);

#endif
