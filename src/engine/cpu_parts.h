// What cpu.c, cpu_weight.c and cpu_readout.c share; nobody else includes it.
#ifndef ABL_ENGINE_CPU_PARTS_H
#define ABL_ENGINE_CPU_PARTS_H

#include "engine/cpu_ops.h"
#include "engine/dnnl_matmul.h"
#include "engine/engine.h"
#include "engine/panel_matmul.h"

struct buffer {
    float *floats;
    uint32_t *numbers; // of an index list
};

// One of the two, in the layout of who multiplies it.
struct weight {
    struct dnnl_matrix *matrix;
    struct panel_matrix *panels;
    uint32_t k, n;
};

struct cpu_engine {
    struct engine base;
    struct dnnl_context *dnnl;
    float *logits; // of read-outs, kept from one to the next: fresh memory costs more than the sums
    size_t n_logits;
    float *scratch; // of products in panels
    size_t n_scratch;
};

static inline struct cpu_engine *self(struct engine *e)
{
    return (struct cpu_engine *)e;
}

static inline struct rows rows_of(struct tensor t)
{
    return (struct rows){ .data = t.buffer ? t.buffer->floats + t.first : NULL,
                          .n = t.rows,
                          .cols = t.cols,
                          .stride = t.stride };
}

static inline bool too_big(size_t rows, size_t cols, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "out of memory for %zu x %zu floats; lower --mem", rows, cols);
}

// Room for n floats on a cache line, freed with free; NULL when memory is out.
float *cpu_aligned_floats(size_t n);

// floats, grown to at least n where it has fewer (*has), its content undefined then; false without
// memory, when it is empty.
bool cpu_reserve(float **floats, size_t *has, size_t n);

// y = x·w, and what flags (enum product_flags) say beside it; bias is read where they do.
bool cpu_multiply(struct cpu_engine *c, struct rows y, struct rows x, const struct weight *w,
                  const float *bias, unsigned flags, struct abl_err *err);

engine_op_type(weight_new) cpu_weight_new;
engine_op_type(weight_free) cpu_weight_free;
engine_op_type(head_out) cpu_head_out;
engine_op_type(readout) cpu_readout;

#endif
