// What comes back from a device, on every path: numbers that are not finite are no results.
#ifndef ABL_FORWARD_READ_BACK_H
#define ABL_FORWARD_READ_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"

// Download t into out, (t.rows, t.cols). Values that are not finite are an error that names `what`
// they are ("z of layer 3"), with what to do about it at the engine's precision (ABL_FAILED).
bool read_back(struct engine *e, struct tensor t, float *out, const char *what,
               struct abl_err *err);

// Likewise of what engine->readout gave for a prompt, counted from 0.
bool check_logits(const struct engine *e, const struct row_stats *s, size_t prompt,
                  struct abl_err *err);

#endif
