// The thread that computes: the interface asks, and takes snapshots; it never waits for a device.
#ifndef ABL_UI_WORKER_H
#define ABL_UI_WORKER_H

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
struct worker;

// What an opened run brings along.
struct opened_news {
    struct choice choice;
    enum ov_kind ov_kind;
};

// settings are borrowed, as is where pictures are drawn (NULL: in this process). A byte is written
// to wake_fd whenever there is something to take; -1 = nobody waits.
bool worker_start(const struct settings *settings, struct jobs *jobs, int wake_fd,
                  struct worker **out, struct abl_err *err);
// Cancels what runs, waits for the thread and frees everything.
void worker_stop(struct worker *w);

// Run what the choice describes; an unfinished run of another choice is given up. restart: even if
// nothing changed.
void worker_run(struct worker *w, const struct choice *choice, bool restart);
// Show a run that lies in a folder; an unfinished one is given up. What it was asked to be comes by
// worker_take_opened. The reader is borrowed.
void worker_open(struct worker *w, const struct run_reader *reader, const char *folder);
// The layer that the user looks at: its heads are run before others. Interrupts nothing; before the
// first call it is 0.
void worker_look_at(struct worker *w, uint32_t layer);
// Measure the marked set at once; an unfinished sweep goes on behind it.
void worker_joint(struct worker *w, const struct marks *marks);
// Write what finished; "" = a folder named by the run. Where it went comes as a message.
void worker_export(struct worker *w, const char *path);
// More about one head; it comes by worker_take_detail, unless the run is another by then.
void worker_detail(struct worker *w, const struct detail_ask *ask);
// What the model says behind a row; it comes by worker_take_said, token by token, unless the run is
// another by then.
void worker_say(struct worker *w, const struct said_ask *ask);
// Stop the sweep and give up the marked set, running or only asked for. What is asked for after
// this is not touched by it.
void worker_cancel(struct worker *w);

// The newest snapshot since the last call, owned by the caller; NULL if there is none.
struct snapshot *worker_take_snapshot(struct worker *w);
// The newest detail since the last call, owned by the caller; NULL if there is none.
struct detail *worker_take_detail(struct worker *w);
// The same of what is said.
struct said *worker_take_said(struct worker *w);
// Whether a run has been opened since the last call.
bool worker_take_opened(struct worker *w, struct opened_news *out);
// Lines for the log since the last call, appended to out; a tab first for what is for the log
// alone, then '!' for warnings and errors.
void worker_take_lines(struct worker *w, struct buf *out);
// True if nothing is asked for, running or waiting to be taken.
bool worker_is_idle(struct worker *w);

#endif
