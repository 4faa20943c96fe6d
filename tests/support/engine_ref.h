// The engine's operations by plain scalar loops in double, and comparison with what an engine
// found.
//
// Each expected number comes with the size of the terms that it is made of: rounding in single
// precision is proportional to that, not to a sum in which they cancel.
#ifndef ABL_TESTS_ENGINE_REF_H
#define ABL_TESTS_ENGINE_REF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/matrix.h"
#include "engine/engine.h"

// A view of (rows, cols) floats on the host.
struct grid {
    float *at;
    uint32_t rows, cols;
    size_t stride;
};

struct grid grid_rows(struct grid g, uint32_t first, uint32_t n);
struct grid grid_cols(struct grid g, uint32_t first, uint32_t n);
const float *grid_row(struct grid g, uint32_t row);

struct ref {
    double value, size;
};

// All results are dense (rows, cols) arrays of the caller's. gain, bias and old may be NULL where
// the engine lets them be none.
struct ref_norm {
    const float *gain, *bias; // (x.cols / groups)
    double eps;
    enum norm_kind kind;
    uint32_t groups;
};
void ref_norm(struct grid x, const struct ref_norm *n, struct ref *out);

// positions: a row of the table for each row of x.
void ref_rope(struct grid x, struct grid table, const uint32_t *positions, uint32_t d_head,
              struct ref *out);

double ref_act(enum act act, double x);
void ref_gate(struct grid x, struct grid gate, enum act act, struct ref *out);

// x·w with w as (k, n).
void ref_product(struct grid x, struct grid w, struct ref *out);

// The epilogue over finished products; old is what the output held.
void ref_epilogue(const struct ref *product, uint32_t rows, uint32_t cols, const float *bias,
                  enum act act, const struct grid *old, struct ref *out);

struct ref_attend {
    struct grid q, k, v;
    const uint32_t *start, *rows; // as struct contexts
    uint32_t n_heads, n_kv_heads, d_head;
    double scale;
};
void ref_attend(const struct ref_attend *a, struct ref *out);
// weights: (edges, n_heads), an edge an entry of a->rows.
void ref_weigh(const struct ref_attend *a, struct ref *weights);
void ref_mix(const struct ref_attend *a, struct grid z, struct grid weights, struct grid was,
             struct ref *out);

// x in place; source.at may be NULL if no edit adds.
void ref_edit(struct ref *x, uint32_t cols, const struct row_edit *edits, uint32_t n,
              struct grid source);

struct ref_stats {
    double target_logit, foil_logit, target_lse, lse, entropy, kl;
    double kl_size;            // of the terms of kl
    uint32_t least_rank, rank; // tokens above the target by more than the slack; rank without it
    uint32_t most_rank;        // tokens above it or below by less than the slack
    uint32_t argmax;           // lowest id among equals
    double highest;            // logit
};
// base may be NULL. slack: how far off a logit may be.
void ref_readout(const struct ref *logits, const struct ref *base, uint32_t n,
                 const struct readout_ask *ask, double slack, struct ref_stats *out);

// Fail unless every element is within tolerance * size of what is expected; the rest says which
// operation and sizes.
void ref_check(struct grid found, const struct ref *expected, double tolerance, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

// The same for statistics of a row: tolerance * max(1, |expected|), for kl * its size. With slack
// 0, rank and argmax have to be the same; else what logits off by that allow. logits: the row's.
void ref_check_stats(const struct row_stats *found, const struct ref_stats *expected,
                     const struct ref *logits, double tolerance, double slack, const char *format,
                     ...) __attribute__((format(printf, 6, 7)));

#endif
