// How a session's rows are put on a device, for those that do it once more: sample.c and drift.c.
#ifndef ABL_SESSION_SESSION_PARTS_H
#define ABL_SESSION_SESSION_PARTS_H

#include <stdbool.h>

#include "base/err.h"
#include "forward/forward.h"
#include "session/session.h"

// A resampler over prompts' clusters, as the settings draw. The caller's: resampler_free.
bool session_resampler_new(const struct settings *s, const struct prompts *p,
                           struct resampler **out, struct abl_err *err);

// What an engine on a device runs: the session's prompts and donors, with the memory that the
// settings give.
struct forward_settings session_forward_settings(const struct session *session,
                                                 const struct device_info *device);

#endif
