// How fast a device is at what a run mostly does, measured for a moment on the model's own matrix:
// for what --dry-run expects.
#ifndef ABL_SESSION_PROBE_H
#define ABL_SESSION_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "session/session.h"

// Load the first layer's W_in, from the checkpoint into the device's layout, and multiply some of
// the run's rows by it.
bool probe_rates(const struct session *session, struct engine *engine, struct device_rates *out,
                 struct abl_err *err);

#endif
