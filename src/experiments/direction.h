// Directions of the residual stream that heads write in, and the tokens that they speak for.
#ifndef ABL_EXPERIMENTS_DIRECTION_H
#define ABL_EXPERIMENTS_DIRECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "forward/weights.h"
#include "session/session.h"

struct ov_token {
    uint32_t id;
    const char *text; // as tokenizer_text gives it
    float logit;
};

// A direction's best and worst tokens, best and worst first; equal ones by id.
struct ov_tokens {
    struct ov_token *top, *bottom; // (n) each
    size_t n;
};

// The session's weights on its device.
struct weights *direction_weights(struct session *session);

// Length of a direction.
double direction_norm(const float *direction, size_t n);

// What head h writes where its z is z (n, d_head): its constant left out where the value bias is
// folded, times W_O,h, centred as the final norm centres. x: (n, d_model).
bool direction_write(struct session *session, struct head h, const float *z, size_t n, float *x,
                     struct abl_err *err);

// Scores of n directions (n, d_model), shown one row of (n_vocab) at a time.
bool direction_scores(struct session *session, const float *directions, size_t n,
                      bool (*see)(void *context, size_t i, const float *scores,
                                  struct abl_err *err),
                      void *context, struct abl_err *err);

// Best and worst tokens of a row of scores, in the arena.
bool direction_tokens(const struct session *session, const float *scores, uint32_t top_k,
                      struct arena *a, struct ov_tokens *out, struct abl_err *err);

#endif
