// The reference's arithmetic: plain loops in double precision over one row at a time.
#ifndef ABL_REFERENCE_REFERENCE_MATH_H
#define ABL_REFERENCE_REFERENCE_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"

// A matrix as y = x·W wants it, row-major (k, n).
struct matrix {
    float *at;
    size_t k, n;
};

// Room in the arena; NULL with err filled when memory is out.
void *exact_array(struct arena *a, size_t rows, size_t cols, size_t size, struct abl_err *err);
double *exact_doubles(struct arena *a, size_t rows, size_t cols, struct abl_err *err);

// Read a whole matrix, turning files of (out, in) round; *out in the arena.
bool exact_read_matrix(const struct model *m, enum model_matrix which, uint32_t layer,
                       struct arena *a, struct matrix *out, struct abl_err *err);
// *out is NULL where the model has no such vector.
bool exact_read_vector(const struct model *m, enum model_vector which, uint32_t layer,
                       struct arena *a, float **out, struct abl_err *err);

// y = bias + x·w for one row; bias may be NULL.
void exact_times(double *y, const double *x, const struct matrix *w, const float *bias);

// A norm over d numbers; bias may be NULL, y may be x; gain NULL: y is x.
struct exact_norm {
    enum norm_kind kind;
    const float *gain, *bias;
    double eps;
};
void exact_norm_row(double *y, const double *x, size_t d, const struct exact_norm *n);

// A norm's gain and, where it has one, the bias that follows in the list of vectors; both in the
// arena. The gain is NULL where the model has no such norm.
bool exact_read_norm(const struct model *m, enum model_vector gain, bool has_bias, uint32_t layer,
                     struct arena *a, struct exact_norm *out, struct abl_err *err);

double exact_activate(enum act act, double x);

// Turn one head to its position; frequencies: rope->n_dims / 2.
void exact_turn(double *head, const struct rope_shape *rope, const double *frequencies,
                size_t position);

// z of one head at one token that sees n_seen others, itself included. q is the token's; k and v
// start at the head's columns of the first one seen, rows `stride` apart; weights[t * n_heads] is
// that of the t-th seen.
struct exact_attention {
    const double *q, *k, *v;
    size_t n_seen, stride, d_head, n_heads;
    double scale;
    double cap;  // 0: none
    double lean; // added to a score for each place that its key stands further on
};
void exact_weigh(double *weights, const struct exact_attention *a);
void exact_mix(double *z, const struct exact_attention *a, const double *weights);

// cap · tanh(x / cap); cap 0: x
double exact_cap(double x, double cap);

double exact_log_sum_exp(const double *logits, size_t n);

#endif
