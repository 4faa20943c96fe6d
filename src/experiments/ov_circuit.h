// The OV circuit of a head from the weights alone, as ov.h has it.
//
// W_E' W_V W_O W_U' is (n_vocab, n_vocab) but of rank d_head at most: its eigenvalues other than 0
// are those of the d_head x d_head product W_O·(W_U'·W_E')·W_V. The middle is (d_model, d_model)
// and the same for all heads but for the gain of their layer's norm.
#ifndef ABL_EXPERIMENTS_OV_CIRCUIT_H
#define ABL_EXPERIMENTS_OV_CIRCUIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "experiments/direction.h"
#include "plan/observations.h"
#include "session/session.h"

// What a head makes of one source token.
struct ov_source {
    uint32_t id;
    const char *text;
    double vector_norm;
    struct ov_tokens tokens;
    float own_logit;   // score of the source token itself
    uint32_t own_rank; // tokens that score above it
};

struct ov_eigenvalue {
    double re, im;
};

// The circuit of one head.
struct ov_circuit {
    struct head head;
    float *vector;                     // (d_model): the mean over the sources; the caller's
    struct ov_source *sources;         // (n_sources), in the order asked for
    struct ov_eigenvalue *eigenvalues; // (d_head) of W_O·W_U'·W_E'·W_V, largest modulus first
    double copying; // sum of eigenvalues / sum of moduli: 1 copies, -1 suppresses; NaN: all are 0
};

struct ov_circuits {
    struct ov_circuit *items;
    size_t n;
};

struct ov_circuit_request {
    const uint32_t *sources; // token ids
    size_t n_sources;
    uint32_t top_k; // tokens at either end
};

// The source tokens that the settings name, each one token, or else the distinct targets of the
// rows, in the arena.
bool ov_circuit_sources(const struct session *session, struct arena *a, uint32_t **out, size_t *n,
                        struct abl_err *err);

// Fill the circuits, whose heads are named and whose vectors are zero; the rest is put into the
// arena. ABL_INTERRUPTED when cancelled (NULL = never).
bool ov_circuits_make(struct session *session, const struct ov_circuit_request *request,
                      atomic_bool *cancel, struct arena *a, struct ov_circuits *all,
                      struct abl_err *err);

// The products that this takes.
bool ov_circuits_observe(const struct session *session, const struct head_set *heads,
                         struct observations *out, struct abl_err *err);

#endif
