// Work that may crash, hang or take all memory, done in a process of its own: what comes of it is
// bytes or a reason. A helper process is forked while the program has one thread and nothing open;
// it forks once more for each job, so that no job meets another's remains, or locks that a thread
// of ours held.
#ifndef ABL_BASE_JOBS_H
#define ABL_BASE_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct jobs; // the helper process

// Start it; no thread may have been started before. It ignores the signals that ask for an end, as
// what is being saved then may still need it, and ends with us.
bool jobs_start(struct jobs **out, struct abl_err *err);
void jobs_end(struct jobs *jobs); // NULL is nothing

// What a job hands out, one thing after the other.
struct job_outlet;
bool job_put(struct job_outlet *to, const struct buf *bytes, struct abl_err *err);

// The work itself: a function of this program, which the helper has at the same address.
typedef bool job_function(const struct buf *in, struct job_outlet *to, struct abl_err *err);

struct job;

// Begin a job; it may take so many seconds for each thing that it hands out. Several threads may
// begin some; they are done one after the other. Without a helper (NULL) it is done here and now.
// Ends with job_end, also where this fails.
bool job_begin(struct jobs *jobs, job_function *work, const struct buf *in, unsigned seconds,
               struct job **out, struct abl_err *err);

// The next thing that it hands out, added to out; false with the reason where there is none: what
// the work said, or how its process ended.
bool job_next(struct job *job, struct buf *out, struct abl_err *err);
void job_end(struct job *job);

#endif
