// The worker's run: a model that stays loaded, a sweep over its heads, the marked set.
// Used by one thread at a time.
#ifndef ABL_UI_SWEEP_H
#define ABL_UI_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "session/settings.h"
#include "ui/choice.h"
#include "ui/detail.h"
#include "ui/marks.h"
#include "ui/run_reader.h"
#include "ui/said.h"
#include "ui/snapshot.h"

struct jobs;
struct sweep;

// settings: everything that a choice does not say; borrowed, as is where pictures are drawn.
bool sweep_new(const struct settings *settings, struct jobs *jobs, struct sweep **out,
               struct abl_err *err);
void sweep_free(struct sweep *s);

// Show a run that lies in a folder in place of what is loaded: sweep_snapshot, sweep_detail and the
// marked set are of it until another is chosen, and what its files do not have is computed by its
// model, which is loaded then. Where that fails all stays as it was.
bool sweep_open(struct sweep *s, const char *folder, const struct run_reader *reader,
                struct abl_err *err);
// A line for the log about the run that was opened.
void sweep_describe_opened(const struct sweep *s, struct buf *out);
// What is shown, or would be run; borrowed.
const struct choice *sweep_choice(const struct sweep *s);
enum ov_kind sweep_ov_kind(const struct sweep *s);
// Whether what is asked for next may have to load the model of the open run.
bool sweep_lacks_model(const struct sweep *s);
// Whether its files have what is asked for; and a line about its model, once that is loaded.
bool sweep_opened_knows(const struct sweep *s, const struct detail_ask *ask);
void sweep_describe_model(const struct sweep *s, struct buf *out);

// Get ready for a choice: load the model and rows unless they are those already loaded, and start
// over unless only the metric is another. restart: start over in any case. After a failure nothing
// is loaded. *loaded (may be NULL): whether a model was loaded.
bool sweep_choose(struct sweep *s, const struct choice *choice, bool restart, bool *loaded,
                  struct abl_err *err);

// True if choosing this would load a model.
bool sweep_must_load(const struct sweep *s, const struct choice *choice);
bool sweep_is_complete(const struct sweep *s);

// Where the sweep is long: run what is left of it over a sample of the rows first. *ran: whether
// there was anything. Options as of sweep_run.
bool sweep_outline(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
                   void (*progress)(void *context), void *context, bool *ran, struct abl_err *err);

// Run what is left, the layer `wanted` (borrowed; it may change meanwhile) before others. Finished
// heads are reported to `progress` on this thread. ABL_INTERRUPTED when cancel is set.
bool sweep_run(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
               void (*progress)(void *context), void *context, struct abl_err *err);

// Ablate a set at once, next to its heads one by one; fewer than two heads, or heads that the model
// does not have, only forget the last set. Singles that the sweep has finished are not run again.
bool sweep_joint(struct sweep *s, const struct marks *marks, atomic_bool *cancel,
                 struct abl_err *err);

// A picture of now: statistics are computed for what finished since the last one.
// The caller owns *out.
bool sweep_snapshot(struct sweep *s, enum run_phase phase, struct snapshot **out,
                    struct abl_err *err);

// More about one head of the run that is loaded. False where it is another run by now
// or was interrupted.
bool sweep_detail(struct sweep *s, const struct detail_ask *ask, atomic_bool *cancel,
                  struct detail **out, struct abl_err *err);

// Write what finished into `path`, empty = a folder named by the run; the marked set goes into a
// second one. Appends lines about where to said, also where it fails; warnings begin with '!'.
bool sweep_export(struct sweep *s, const char *path, struct buf *said, struct abl_err *err);

// Whether more has finished than was exported.
bool sweep_has_news(const struct sweep *s);

// What a finished run says of itself: how stable its ranking is, and what its time went into.
void sweep_conclude(const struct sweep *s, struct buf *out);

// What the log should say about the loaded model: a line each; warnings, which the header counts,
// begin with a tab and '!'.
void sweep_describe(const struct sweep *s, struct buf *out);

// What the model says behind a row of the run, told as it comes. False where it was interrupted; of
// another run nothing is told.
bool sweep_say(struct sweep *s, const struct said_ask *ask, atomic_bool *cancel,
               void (*told)(void *context, const struct said *so_far), void *context);

#endif
