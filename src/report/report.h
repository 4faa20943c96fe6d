// What is written of a run: what was asked for and what came of it, nothing else.
#ifndef ABL_REPORT_REPORT_H
#define ABL_REPORT_REPORT_H

#include <stdbool.h>

#include "base/sampler.h"
#include "session/readings.h"
#include "session/session.h"

struct drift;
struct jobs;
struct live_run;

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
    struct jobs *jobs;        // where pictures are drawn; NULL: in this process
    const char *command_line; // as typed, for provenance; NULL from the explorer
    // A partial run: partial_summary.json is written and every JSON says "partial": true.
    bool interrupted;
    double seconds;      // wall time of the run
    const char *workers; // JSON list of who worked at it; NULL: nobody kept count
    // The folder that lies in its place while it runs; NULL: none does.
    const struct live_run *live;
};

#endif
