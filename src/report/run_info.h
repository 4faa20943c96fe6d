// What lies in a folder: which run, and how far it is, as its config.json, manifest.json and
// journals say. Nothing is opened that a run of ours does not have, and nothing is believed: a
// folder may come from anywhere.
#ifndef ABL_REPORT_RUN_INFO_H
#define ABL_REPORT_RUN_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/run_journals.h"

enum run_state {
    RUN_STATE_COMPLETE,   // manifest.json is there
    RUN_STATE_RUNNING,    // a process writes it
    RUN_STATE_INCOMPLETE, // it was ended on its way; --resume goes on with it
    RUN_STATE_PARTIAL,    // written by who stopped early: as complete as it will be
    RUN_STATE_UNREADABLE, // it cannot be told: why
    N_RUN_STATES
};
// "complete"; NULL behind the last.
const char *run_state_name(size_t state);

// Strings are in the arena, "" where they are missing.
struct run_info {
    const char *place; // as it was named
    enum run_state state;
    const char *model, *condition, *experiment, *ablate, *split;
    const char *started; // "2026-11-30T02:39:48Z"
    uint64_t done, all;  // cells: variants x prompts
    bool joint;          // of several conditions, whose runs lie in folders of their own
    size_t n_shards;     // 0: the run is whole
    struct abl_err why;  // of RUN_STATE_UNREADABLE
};

// What is in a folder; *is_run = false where it is no run of ours. False when memory is out.
bool run_info_read(const char *place, struct arena *a, struct run_info *out, bool *is_run,
                   struct abl_err *err);

// Refuse a run without manifest.json: ABL_BAD_DATA says how far it is and what to do. True for
// every other folder, whatever is in it.
bool run_is_not_incomplete(const char *place, struct abl_err *err);

#endif
