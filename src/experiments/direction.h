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

// x (n, d_model) = z (n, n_heads * d_head)·W_O of a layer, host to host.
bool direction_write_rows(struct session *session, uint32_t layer, const float *z, uint32_t n,
                          float *x, struct abl_err *err);

// x (n, d_model) times the gain of the norm behind a layer's attention.
bool direction_times_post_gain(const struct model *m, uint32_t layer, float *x, size_t n,
                               struct abl_err *err);

// What head h writes where its z is z (n, d_head): its constant left out where the value bias is
// folded, times W_O,h, times the gain of the norm behind attention, without that norm's scale,
// where the block has one; centred as the final norm centres. x: (n, d_model).
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
