// The cpu engine's loops beside matrix products: plain C that compilers vectorise, rows shared out over threads.
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

void cpu_norm(struct rows out, struct rows x, const float *gain, const float *bias, float eps);

struct cpu_attend {
    struct rows z, q, k, v;
    const uint32_t *start, *context; // as struct contexts
    uint32_t n_heads, n_kv_heads, d_head;
    float scale;
    float *scores; // (threads, longest context)
    uint32_t longest;
};
void cpu_attend(const struct cpu_attend *a);

void cpu_gather(struct rows out, struct rows x, const uint32_t *rows);
void cpu_edit(struct rows x, const struct row_edit *edits, uint32_t n, struct rows source);

// Statistics of each row of logits; base (struct rows of logits, or data NULL) holds the row to compare with at
// asks[i].base − first_base.
void cpu_row_stats(struct rows logits, struct rows base, uint32_t first_base,
                   const struct readout_row *asks, struct row_stats *out);

#endif
