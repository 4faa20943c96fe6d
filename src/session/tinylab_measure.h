// What --compat tinylab measures of a row beside ours. Engines reduce logits to exact statistics;
// what takes whole vocabularies is summed on the host from the logits themselves, for it alone.
//
//   kl          its kl_div: P = max(softmax, 1e-8), not normalised again, so that it is above 0
//               even between equal runs
//   seq_…       of its sequences (tinylab_sequences.h)
//   max_delta   see tinylab_delta.h
#ifndef ABL_SESSION_TINYLAB_MEASURE_H
#define ABL_SESSION_TINYLAB_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/forward.h"
#include "session/tinylab_delta.h"
#include "session/whole_answers.h"

// Of one row under a variant; NAN where nobody asks.
struct tinylab_row {
    double kl;                   // nats
    double seq_target, seq_foil; // ln p of the last columns of either sequence, summed
    double seq_kl;               // nats, of the target's sequence, mean over its columns
    double max_delta;            // logits
};

struct tinylab_settings {
    const struct whole_answers *sequences; // borrowed; NULL: rows are what is run
    const uint32_t *compared;              // borrowed: tinylab_compared; NULL: no logits are
    size_t n_rows, n_run;                  // rows, and prompts that are run for them
    uint32_t n_vocab, d_model;
    bool of_other; // rows are compared with the other prompts' run, else with the intact one
};

// What is compared with, and where it goes.
struct tinylab_measure {
    struct tinylab_settings s;
    float *base;         // (slots, n_vocab) log-probabilities
    uint32_t *slot;      // (n_run) of base
    uint32_t *n_columns; // (n_rows) of the target's sequence
    double *intact;      // (n_rows) seq_target of the intact run
    struct tinylab_delta delta;
    struct tinylab_row *rows; // [variant * n_rows + row], borrowed; NULL: not asked for
    struct final_tap tap;     // fills it while the forward pass runs
};

// The passes that are looked at.
unsigned tinylab_kinds(bool of_other, const struct whole_answers *sequences);

bool tinylab_measure_new(const struct tinylab_settings *s, struct tinylab_measure **out,
                         struct abl_err *err);
void tinylab_measure_free(struct tinylab_measure *m);

// Rows of which nothing is known yet; NULL when memory is out. The caller's: free.
struct tinylab_row *tinylab_rows_new(size_t n);

// The intact run's sequences, which variants are compared with, from the stats of what was run.
void tinylab_keep_intact(struct tinylab_measure *m, const struct row_stats *run);

// Likewise a variant's, into its rows.
void tinylab_sum_sequences(const struct tinylab_measure *m, const struct row_stats *run,
                           struct tinylab_row *rows);

#endif
