// How a session is put together, for those that make a second one: sample.c and drift.c.
#ifndef ABL_SESSION_SESSION_PARTS_H
#define ABL_SESSION_SESSION_PARTS_H

#include <stdbool.h>

#include "base/err.h"
#include "forward/forward.h"
#include "session/session.h"

// session->resampler from the prompts' clusters.
bool session_make_resampler(struct session *session, struct abl_err *err);

// What an engine on a device runs: the session's prompts and donors, with the memory that the
// settings give.
struct forward_settings session_forward_settings(const struct session *session,
                                                 const struct device_info *device);

// From what was run to the rows: whole answers are folded together, else it is a copy.
void session_fold_rows(const struct session *session, const struct row_stats *run,
                       struct row_stats *rows);

#endif
