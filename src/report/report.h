// What a run writes (DESIGN section 6): a folder under a temporary name, renamed when complete.
#ifndef ABL_REPORT_REPORT_H
#define ABL_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sampler.h"
#include "session/readings.h"
#include "session/session.h"

extern const char abl_version[]; // "0.1.0"

struct drift;

struct report {
    const struct session *session;
    const struct settings *settings; // what was asked for: the session's, or a part's of its own
    const struct results *results;
    const struct readings *readings; // NULL: nothing was read
    const struct drift *drift;       // from f32; NULL or empty: the run is in f32
    // metrics/verify.json, made by the caller; NULL: no slice was verified.
    const char *verify_json;
    // memory and time while it ran, of --profile; NULL: nobody looked
    const struct samples *samples;
    const char *command_line; // as typed, for provenance; NULL from the explorer
    // A partial run: partial_summary.json is written and every JSON says "partial": true.
    bool interrupted;
    double seconds; // wall time of the run
};

// Write the run directory at path; NULL = runs/<name>_<12 hex>, with "-partial" behind it for an
// interrupted run, so that it never takes the place of a complete one. *written (malloc'd) is where
// it is.
bool report_write(const struct report *r, const char *path, char **written, struct abl_err *err);

// What report_write would refuse about a path, asked before the run: ABL_USAGE for a folder that is
// not ours to replace, ABL_FAILED where nothing can be written.
bool report_check_target(const char *path, struct abl_err *err);

// The same content as one JSON document ("--export -", "--json"), appended to out.
bool report_json(const struct report *r, struct buf *out, struct abl_err *err);

#endif
