// Which clusters are kept to confirm what the others find: --holdout.
#ifndef ABL_SESSION_HELD_OUT_H
#define ABL_SESSION_HELD_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "session/settings.h"

// As many of n clusters as the share asks for, to the nearest, drawn by the seed: (n) in the arena;
// *out stays as it is where nothing is held out.
bool held_out_draw(const struct settings *s, uint32_t n, struct arena *a, bool **out,
                   struct abl_err *err);

#endif
