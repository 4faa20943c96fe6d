// Which tokens a position is, token by token: the reference's own reading of plan/position.h.
#ifndef ABL_REFERENCE_REFERENCE_POSITION_H
#define ABL_REFERENCE_REFERENCE_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/prompt.h"

// Whether a token of a prompt is at a position.
bool exact_is_at(int32_t position, const struct prompt *p, size_t token);

// The token of the same position of a donor that is as far from the position's end as `at`, which
// is at the position, is in its own prompt; of POSITION_DIFF from the prompts' ends. False: the
// donor has none.
bool exact_partner(int32_t position, const struct prompt *p, const struct prompt *donor, size_t at,
                   size_t *out);

#endif
