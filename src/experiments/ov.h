// What heads write into the vocabulary, in two meanings.
//
// mean_output: what the head adds at the read-out, on average over the rows of a condition:
//     v = mean over rows of (z_h - c_h)·W_O,h        (value bias `head`: without - c_h)
// circuit: the weights alone (Elhage et al. 2021): a source token s enters as the layer's first
// norm of W_E[s], and
//     v_s = (norm(W_E[s])·W_V,h + b_V,h - c_h)·W_O,h  (likewise)
//
// Either is centred over d_model where the model has LayerNorm, and scored
//     score(t) = sum over d of v_d·w_f,d·(W_U[t,d] - mean over t' of W_U[t',d])
// without the final norm's scale and bias: only differences between tokens and between heads mean
// something.
#ifndef ABL_EXPERIMENTS_OV_H
#define ABL_EXPERIMENTS_OV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "experiments/direction.h"
#include "experiments/ov_circuit.h"
#include "session/readings.h"
#include "session/session.h"

struct ov_head {
    uint32_t layer, head;
    double vector_norm; // of the vector
    float *vector;      // (d_model): v, of a circuit the mean of v_s over the sources
    struct ov_tokens tokens;
    // Of a circuit only, as struct ov_circuit has them; copying is NaN elsewhere.
    struct ov_source *sources; // (ov->n_sources)
    struct ov_eigenvalue *eigenvalues;
    double copying;
};

struct ov {
    enum ov_kind kind;
    enum value_bias value_bias;
    uint32_t top_k; // at most n_vocab
    uint32_t d_model, d_head;
    size_t n_samples; // rows that were averaged; 0 of a circuit
    size_t n_sources;
    struct ov_head *heads;
    size_t n_heads;
};

struct ov_request {
    enum ov_kind kind;
    const struct head_set *heads;
    uint32_t top_k;
    const uint32_t *sources; // of a circuit: token ids
    size_t n_sources;
};

// Everything lies in the arena. ABL_INTERRUPTED when cancelled (NULL = never).
bool ov_make(struct session *session, const struct ov_request *request, atomic_bool *cancel,
             struct arena *a, struct ov **out, struct abl_err *err);

#endif
