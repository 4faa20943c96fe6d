// What variants gave, row by row, and the running of variants over rows.
#ifndef ABL_SESSION_RESULTS_H
#define ABL_SESSION_RESULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/values.h"
#include "forward/forward.h"
#include "plan/variant.h"
#include "session/journal.h"
#include "session/tinylab_measure.h"
#include "session/whole_answers.h"

// (variants x prompts) of row stats, filled as variants finish.
struct results {
    const struct variants *variants; // borrowed
    size_t n_prompts;
    struct row_stats *rows;      // [variant * n_prompts + prompt]
    struct tinylab_row *tinylab; // likewise, tinyLab's measures; NULL but under --compat
    bool *done;                  // per variant
    // Of what is run (n_run prompts): the cells that are there (plan/cells.h), and what whole
    // answers have given so far; NULL where rows are what is run. There from the first run on.
    size_t n_run, n_others; // n_others: cells that are set as they are other shards'
    uint64_t *cells;
    struct row_stats *run;
    size_t n_done;
    struct journal *journal; // borrowed: keeps what finishes; NULL: nobody does
};

bool results_init(struct results *t, const struct variants *v, size_t n_prompts,
                  struct abl_err *err);
void results_release(struct results *t);

// Whether a variant is no repeat, and has finished with all of its own: then it has an effect.
bool results_is_effect(const struct results *t, size_t variant);
// (n_prompts) what a run of a variant gave: `run` counts itself and its repeats, and begins again
// behind the last.
const struct row_stats *results_run(const struct results *t, size_t variant, size_t run);

// Called for each finished variant, on the thread that runs them; those that run together are all
// done by then.
typedef void session_progress(void *context, const struct results *t, size_t variant);

// Rows on a device, as variants are run over them: a session's, some of them, or all of them on
// another device. Everything is borrowed.
struct workload {
    size_t n_rows;
    struct forward *forward;             // over what the rows run
    const struct whole_answers *answers; // NULL: the rows themselves are what is run
    struct tinylab_measure *tinylab;     // NULL: nobody asks
};

// Take what is read back: make room, take records, and call finished what has all of its cells.
bool results_begin(const struct workload *w, struct results *t, struct abl_err *err);
void results_take(struct results *t, const struct journal_record *r);
void results_end(const struct workload *w, struct results *t);

// Run every variant that is not done yet. cancel is looked at between layers; when set, returns
// false with ABL_INTERRUPTED and the results hold what finished. wanted: a layer that somebody
// waits for, as in struct forward_job. All but the results may be NULL.
bool workload_run(const struct workload *w, struct results *t, const atomic_uint *wanted,
                  atomic_bool *cancel, session_progress *progress, void *context,
                  struct abl_err *err);

// From what was run to the rows: whole answers are folded together, else it is a copy.
void workload_fold(const struct workload *w, const struct row_stats *run, struct row_stats *rows);

#endif
