// Attention of the intact run: where each head looks, and what it looks for.
//
// Per head, of the run's rows: `entropy` and `bos`, means over rows of what the read-out's query
// has, −Σ w ln w in nats over the keys that it sees, and the weight of position 0 (the BOS where
// the run has one; 0 where a sliding window has left it behind).
//
// Per head, of prompts made for the purpose (Olsson et al. 2022): `previous`, `duplicate`,
// `induction`. A prompt is the run's BOS, where it has one, and n_repeated different ordinary
// tokens, drawn by the seed, twice over:
//
//   position      0   1   2   3   4   5   6        n_repeated = 3
//   token       BOS   a   b   c   a   b   c
//
//   previous    weight from a token to the one before it: 2 → 1, 3 → 2, …, 6 → 5
//               (from the first one: not to the BOS)
//   duplicate   from each token of the second half to its first copy: 4 → 1, 5 → 2, 6 → 3
//   induction   from each token of the second half to what followed its first copy:
//               4 → 2, 5 → 3, 6 → 4
//
// Each is the mean weight over these queries of all such prompts, 0 for what a sliding window
// hides. Random tokens have nothing else to be attended for, so that 1 / (tokens seen) is what a
// head without such a habit has.
#ifndef ABL_EXPERIMENTS_ATTN_H
#define ABL_EXPERIMENTS_ATTN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/variant.h"
#include "session/readings.h"
#include "session/session.h"

// Detector prompts, and the tokens that come twice in each: fewer where the context or the
// vocabulary is smaller.
enum { ATTN_PROMPTS = 10, ATTN_REPEATED = 50, ATTN_POSITIONS = 2 * ATTN_REPEATED + 1 };

enum detector { DETECTOR_PREVIOUS, DETECTOR_DUPLICATE, DETECTOR_INDUCTION, N_DETECTORS };

// "previous", "duplicate", "induction"; a name_list.
const char *detector_name(size_t d);

struct attn_head {
    struct head head;
    double entropy, bos;
    double score[N_DETECTORS]; // NAN where the model takes no prompt of two tokens twice
};

// Who attends to whom in one row, by one head.
struct attn_pattern {
    struct head head;
    float *weights; // (n_tokens, n_tokens): [query][key]; 0 where the query does not see the key
};

struct attn_row {
    size_t row; // of session->prompts
    uint32_t n_tokens;
    const char *const *tokens;     // (n_tokens) their texts, as tokenizer_text
    struct attn_pattern *patterns; // (n_patterns), in the order of the heads asked for
    size_t n_patterns;
};

struct attn {
    // every head of the model, layer by layer; n_heads 0: scores were not asked for
    struct attn_head *heads;
    size_t n_heads;
    size_t n;              // rows that entropy and bos are means of
    uint32_t n_repeated;   // tokens of a detector prompt that come twice; 0: no score
    uint32_t n_prompts;    // such prompts
    struct attn_row *rows; // as asked for
    size_t n_rows;
};

// The patterns of these heads in these rows, nothing else: quick enough to be asked for by a key.
// Everything is in the arena. More weights than fit MAX_ATTN_WEIGHTS are ABL_USAGE. ABL_INTERRUPTED
// when cancelled (NULL: never).
enum { MAX_ATTN_WEIGHTS = 1 << 28 };
bool attn_patterns(struct session *session, const struct head_set *heads, const size_t *rows,
                   size_t n_rows, atomic_bool *cancel, struct arena *a, struct attn **out,
                   struct abl_err *err);

// The same, and the scores of every head of the model.
bool attn_make(struct session *session, const struct head_set *heads, const size_t *rows,
               size_t n_rows, atomic_bool *cancel, struct arena *a, struct attn **out,
               struct abl_err *err);

// Whether the query can attend to the key in this layer: not behind it, nor out of a sliding
// window.
bool attn_sees(const struct model_shape *shape, uint32_t layer, uint32_t query, uint32_t key);

#endif
