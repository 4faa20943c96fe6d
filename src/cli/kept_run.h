// A run that is kept while it goes, as the command line has it: where it lies, what is said when it
// ends early, and how it goes on.
#ifndef ABL_CLI_KEPT_RUN_H
#define ABL_CLI_KEPT_RUN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "report/live_run.h"
#include "session/results.h"
#include "session/session.h"

struct kept_request {
    const char *dir; // NULL: by the run's name
    bool resume;
    struct journal_part part;
    struct run_words words;
    const char *command_line;
};

struct kept_run {
    struct live_run live;
    bool is_open, made_runs;
    char *dir;               // as the user may name it; owned
    char *workers;           // JSON; owned
    struct buf last_line;    // for who has no time to say another
    size_t n_held, n_wanted; // cells that were there already, of those that are to be
};

// The SHA-256 of a model's weights, "" where it cannot be had.
void kept_model_sha256(const struct session *session, char out[SHA256_HEX]);

// Make the run's directory, or go on with it. session: started. Where live.is_whole there is
// nothing left to do. Ends with kept_run_end, also after a failure.
bool kept_run_begin(const struct kept_request *q, const struct session *session,
                    const struct variants *variants, struct kept_run *out, struct abl_err *err);

// Take what the journal holds into the results, and keep there what comes.
bool kept_run_load(struct kept_run *k, const struct session *session, struct results *t,
                   struct abl_err *err);

// A shard has all of its cells: they are on disk.
bool kept_run_share_done(struct kept_run *k, struct abl_err *err);

// The run ended early, for the reason in err: what is kept is on disk, and err says so and how to
// go on, with the status that goes with it. Returns false.
bool kept_run_stopped(struct kept_run *k, const struct results *t, struct abl_err *err);

// finished: the whole run lies in its place. t may be NULL where there are no results yet.
void kept_run_end(struct kept_run *k, bool finished, const struct results *t);

#endif
