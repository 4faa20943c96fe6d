// The norm behind attention, in blocks that have one, frozen at the scale that it has in the intact
// run: so that it is linear, and what heads write through it adds up to what attention gives.
#ifndef ABL_EXPERIMENTS_POST_NORM_H
#define ABL_EXPERIMENTS_POST_NORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/observations.h"
#include "session/session.h"

struct post_norm {
    float *gain, *bias; // (d_model); bias is zeros where there is none
    double *by;         // (n): what each row is multiplied by, beside the gain
    size_t d_model, n;
    bool centres;
};

// Of n rows whose z is z (n, n_heads * d_head), in a layer of a model that norms_after. The caller
// frees it with post_norm_release, also after a failure.
bool post_norm_freeze(struct session *session, uint32_t layer, const float *z, size_t n,
                      struct post_norm *out, struct abl_err *err);
void post_norm_release(struct post_norm *p);

// The direction before the norm that row i moves along where it moves along `along` behind it:
// (d_model) numbers each.
void post_norm_pull_back(const struct post_norm *p, size_t i, const double *along, double *out);

// Products that post_norm_freeze multiplies, a row.
struct observed_product post_norm_product(const struct model_shape *s, uint64_t rows);

#endif
