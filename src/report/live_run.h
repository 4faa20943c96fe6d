// A run directory while its run goes: made at once in its place, with config.json, provenance.json
// and the journal, so that the run can go on wherever it was ended. An earlier run that stood there
// waits as DIR.old: it goes when the new one is whole, and comes back where nothing came of that.
// Shards may share a directory.
#ifndef ABL_REPORT_LIVE_RUN_H
#define ABL_REPORT_LIVE_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/report.h"
#include "report/run_identity.h"
#include "report/run_journals.h"

struct live_run {
    char *place; // absolute; owned
    char *base;  // its name in the parent; owned
    int parent, folder;
    struct journal_part part;
    struct journal *journal;
    bool is_whole; // it was there already, complete: nothing is left to do and nothing is open
    bool went_on;  // the journal was there
    bool made;     // the directory was not
    struct abl_err changed; // what is otherwise than where the work began; code ABL_OK: nothing
};

// Refuse a place where such a run cannot go, before anything is loaded: ABL_USAGE for what is not
// ours, for an incomplete run unless `resume`, for one that another process writes.
bool live_run_check(const char *path, struct journal_part part, bool resume, struct abl_err *err);

// Make the directory, or go on with the one that is there where `resume`: then ABL_USAGE where it
// is of other work. Ends with live_run_close.
bool live_run_open(const char *path, const struct run_identity *of, bool resume,
                   struct live_run *out, struct abl_err *err);

// Whether the whole run in a folder is the one that the settings of an open session ask for; false
// with err untouched where none is there, ABL_USAGE where it is another.
bool live_run_is_whole(const char *path, const struct session *session, const char *model_sha256,
                       struct abl_err *err);

// A run is whole in its place, by another way: what waited as DIR.old goes.
void live_run_drop_old(const char *place);

// A list of those who worked at it, as JSON text; malloc'd, NULL where that cannot be had.
char *live_run_workers(const struct live_run *l);

// Whether the directory still lies in its place.
bool live_run_is_there(const struct live_run *l);

// The run ended early: metrics/partial_summary.json says what is done, for people. Where it cannot
// be written nothing is lost.
void live_run_sum_up(const struct live_run *l, const struct report *r);

// finished: the whole run lies in the place now, and what waited as DIR.old goes. has_cells: the
// journal holds some; where it does not the directory goes and what waited comes back.
void live_run_close(struct live_run *l, bool finished, bool has_cells);

#endif
