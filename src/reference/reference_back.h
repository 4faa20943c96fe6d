// The derivatives of the reference's arithmetic. What is named as in reference_math.h and preceded
// by "d" is the derivative of the differentiated number with respect to it.
#ifndef ABL_REFERENCE_REFERENCE_BACK_H
#define ABL_REFERENCE_REFERENCE_BACK_H

#include "reference/reference_attention.h"

// dx (k) = w · dy (n)
void exact_times_back(double *dx, const double *dy, const struct matrix *w);
// dx += w · dy
void exact_add_times_back(double *dx, const double *dy, const struct matrix *w);

// Of a norm over d numbers x; dx may be dy. Without a gain it is dy.
void exact_norm_back(double *dx, const double *x, const double *dy, size_t d,
                     const struct exact_norm *n);

double exact_activate_slope(enum act act, double x);

// Of cap · tanh(x / cap) where it is y; cap 0: 1.
double exact_cap_slope(double y, double cap);

// What exact_place makes of raw, undone for its derivative: dqkv becomes that of raw.
void exact_place_back(const struct model_shape *s, const struct exact_layer *l, double *dqkv,
                      const double *raw, size_t position);

// Of a head at one token: places of the derivatives that belong to those of struct exact_attention.
struct exact_attention_back {
    const double *z; // (d_head), known
    double *weights; // as the weights lie; written
    double *q;       // (d_head), added to
    double *k, *v;   // as those lie, added to
};
void exact_attention_back(const struct exact_attention_back *d, const struct exact_attention *a,
                          const double *weights);

#endif
