// What work a run is: the first line of its journal, and whether two lines are of the same work.
// Memory, threads and how the work is cut into batches and shards are not part of it.
#ifndef ABL_REPORT_RUN_IDENTITY_H
#define ABL_REPORT_RUN_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "session/journal.h"
#include "session/session.h"

struct run_words {
    const char *const *items; // as typed, without the program's name
    size_t n;
};

struct run_identity {
    const struct session *session; // started
    const struct variants *variants;
    const char *model_sha256; // "": not known
    struct journal_part part;
    struct run_words words;
    const char *command_line;
};

struct journal_sizes run_identity_sizes(const struct run_identity *of);

// Append the first line of the run's journal, without line end.
bool run_identity_line(const struct run_identity *of, struct buf *out, struct abl_err *err);

// Append the line that says who works at it now, and with what.
bool run_worker_line(const struct run_identity *of, struct buf *out, struct abl_err *err);

// ABL_USAGE where two first lines are not of the same work, with what differs first; `there` is
// what place holds.
bool run_identity_check(const cJSON *there, const cJSON *now, const char *place,
                        struct abl_err *err);
// The same of two config.json.
bool run_config_check(const cJSON *there, const cJSON *now, const char *place, struct abl_err *err);

#endif
