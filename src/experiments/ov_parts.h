// What the two meanings of OV share (ov.h).
#ifndef ABL_EXPERIMENTS_OV_PARTS_H
#define ABL_EXPERIMENTS_OV_PARTS_H

#include "experiments/ov.h"
#include "forward/weights.h"

// The session's weights on its device.
struct weights *ov_weights(struct session *session);

// Length of a direction.
double ov_norm(const float *direction, size_t n);

// What head h writes where its z is z (n, d_head): its constant left out where the value bias is
// folded, times W_O,h, centred as the final norm centres. x: (n, d_model).
bool ov_write(struct session *session, struct head h, const float *z, size_t n, float *x,
              struct abl_err *err);

// Scores of n directions (n, d_model), shown one row of (n_vocab) at a time.
bool ov_score(struct session *session, const float *directions, size_t n,
              bool (*see)(void *context, size_t i, const float *scores, struct abl_err *err),
              void *context, struct abl_err *err);

// Best and worst tokens of a row of scores, in the arena.
bool ov_select(const struct session *session, const float *scores, uint32_t top_k, struct arena *a,
               struct ov_tokens *out, struct abl_err *err);

// Fill sources, eigenvalues and copying of the heads, and their vectors: the mean over the sources.
bool ov_circuits(struct session *session, const struct ov_request *request, atomic_bool *cancel,
                 struct arena *a, struct ov *ov, struct abl_err *err);

#endif
