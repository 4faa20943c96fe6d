// What cpu.c, cpu_weight.c, cpu_stored.c and cpu_readout.c share; nobody else includes it.
#ifndef ABL_ENGINE_CPU_PARTS_H
#define ABL_ENGINE_CPU_PARTS_H

#include "engine/cpu_ops.h"
#include "engine/dnnl_matmul.h"
#include "engine/engine.h"
#include "engine/floats.h"
#include "engine/panel_matmul.h"

struct buffer {
    float *floats;
    uint32_t *numbers; // of an index list
};

// One of the two, in the layout of who multiplies it; neither where the matrix stays in its file.
struct weight {
    struct dnnl_matrix *matrix;
    struct panel_matrix *panels;
    uint32_t k, n;
    bool apart; // who that is: dnnl_keeps_rows_apart of all of it
    struct matrix_source source;
};

// Columns of a matrix that stays in its file, widened to be multiplied.
struct wide_part {
    struct weight w; // room for them
    const struct weight *holds;
    uint32_t first; // column of it
};

enum { WIDE_PARTS = 16 }; // of different shapes

struct cpu_engine {
    struct engine base;
    struct dnnl_context *dnnl;
    float *logits; // of read-outs, kept from one to the next: fresh memory costs more than the sums
    size_t n_logits;
    float *scratch; // of products in panels
    size_t n_scratch;
    float *staging; // of file rows on their way into panels
    size_t n_staging;
    struct wide_part parts[WIDE_PARTS];
    uint32_t next_part; // to replace when all are taken
    float *rows;        // of a stored matrix whose rows were asked for
    size_t n_rows;
    const struct weight *rows_of; // NULL: of none
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

// y = x·w, and what flags (enum product_flags) say beside it; bias is read where they do.
bool cpu_multiply(struct cpu_engine *c, struct rows y, struct rows x, const struct weight *w,
                  const float *bias, unsigned flags, struct abl_err *err);

// Room for a matrix that w describes, in the layout of who multiplies it. What it holds is freed
// by cpu_weight_clear.
bool cpu_weight_room(struct cpu_engine *c, struct weight *w, bool out_in, struct abl_err *err);
void cpu_weight_clear(struct weight *w);
// Columns [first, first + w->n) of a source into that room.
bool cpu_weight_fill(struct cpu_engine *c, struct weight *w, const struct matrix_source *s,
                     uint32_t first, struct abl_err *err);
// Rows [first, first + depth) of a matrix in panels times p's.
bool cpu_multiply_panels(struct cpu_engine *c, const struct weight *w, uint32_t first,
                         const struct product *p, uint32_t depth, struct abl_err *err);

// Products with a matrix that stays in its file: the same bits as with one that does not.
static inline bool is_stored(const struct weight *w)
{
    return !w->matrix && !w->panels;
}
bool cpu_stored_multiply(struct cpu_engine *c, struct rows y, struct rows x, const struct weight *w,
                         const float *bias, unsigned flags, struct abl_err *err);
bool cpu_stored_head_out(struct cpu_engine *c, struct rows x, struct rows z, const struct weight *w,
                         uint32_t first, struct abl_err *err);
void cpu_stored_forget(struct cpu_engine *c, const struct weight *w);
void cpu_stored_free(struct cpu_engine *c);

engine_op_type(weight_new) cpu_weight_new;
engine_op_type(weight_free) cpu_weight_free;
engine_op_type(head_out) cpu_head_out;
engine_op_type(readout) cpu_readout;

#endif
