// JSON in the one form that is hashed: what Python's json.dumps(value, sort_keys=True,
// separators=(",", ":")) writes. Keys in the order of their code points, no white space, everything
// beyond ASCII escaped, whole numbers as they are, other numbers with the fewest digits that
// identify the double.
#ifndef ABL_BASE_JSON_CANONICAL_H
#define ABL_BASE_JSON_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

// Append the canonical form of one JSON text, read as strictly as json.h reads (a duplicate key,
// text behind the value and depth beyond JSON_MAX_DEPTH are refused). Errors carry `code` and say
// where in `name`.
bool json_canonical(const char *name, const void *text, size_t size, enum abl_code code,
                    struct buf *out, struct abl_err *err);

#endif
