// The cpu engine's loops beside matrix products: plain C that compilers vectorise, rows shared out
// over threads.
#ifndef ABL_ENGINE_CPU_OPS_H
#define ABL_ENGINE_CPU_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

// Rows of floats in memory.
struct rows {
    float *data;
    uint32_t n, cols;
    size_t stride;
};

struct loop_norm {
    struct rows out, x;
    const float *gain, *bias; // (x.cols / groups); bias may be NULL
    float eps;
    enum norm_kind kind;
    uint32_t groups;
};
void loop_norm(const struct loop_norm *n);

// As the engine's operations of these names; positions: one a row of x, a row of the table each.
void loop_rope(struct rows x, struct rows table, const uint32_t *positions, uint32_t d_head);
void loop_gate(struct rows x, struct rows gate, enum act act);
// w: (z.cols, x.cols), dense.
void loop_head_out(struct rows x, struct rows z, const float *w);

enum { SCORE_BLOCK = 16 };

struct loop_attend {
    struct rows z, q, k, v;
    const uint32_t *start, *context; // as struct contexts
    uint32_t n_heads, n_kv_heads, d_head;
    float scale, cap; // cap 0: none
    struct rows lean; // (n_heads, positions), or data NULL
    float *scores;    // (threads, longest)
    uint32_t longest; // context, up to a multiple of SCORE_BLOCK
};
void loop_attend(const struct loop_attend *a);

// As the engine's operations of these names; mix has z.n queries.
void loop_weigh(const struct loop_attend *a, struct rows weights);
void loop_mix(const struct loop_attend *a, struct rows weights, struct rows was);

// x = cap · tanh(x / cap) of n numbers.
void loop_cap(float *x, size_t n, float cap);

void loop_gather(struct rows out, struct rows x, const uint32_t *rows);
void loop_edit(struct rows x, const struct row_edit *edits, uint32_t n, struct rows source);

// What rows are compared with: logits and e^(l − highest) of each, ln sum exp(l), and what the
// latter's sum to 1 takes.
struct cpu_base_row {
    const float *logits, *weights;
    double lse, scale;
};

// weights: room for as many rows as logits; out refers to both.
void cpu_base_rows(struct rows logits, struct rows weights, struct cpu_base_row *out);

// Reduce rows of logits, the first of which is row asks[0].row, to what n asks want;
// base[ask.base - asks[0].base] is what a row is compared with, NULL: nothing.
void cpu_row_stats(struct rows logits, const struct cpu_base_row *base,
                   const struct readout_ask *asks, uint32_t n, struct row_stats *out);

#endif
