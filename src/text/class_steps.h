// The steps by which a tokenizer class cuts texts, in place of a file's or where it has none.
#ifndef ABL_TEXT_CLASS_STEPS_H
#define ABL_TEXT_CLASS_STEPS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "text/tokenizer_reading.h"

// Append a pattern for pieces of d that stay whole: "a|b", the longest first; nothing where there
// are none.
bool class_steps_whole(const struct definition *d, struct buf *pattern, struct abl_err *err);

// Change d's steps to what the reading says; `pattern` of its whole pieces, for STEPS_PIECES.
bool class_steps_apply(struct definition *d, const struct tokenizer_reading *r,
                       const struct buf *pattern, struct abl_err *err);

// Whether d's steps are those of the class, which transformers 5 puts in their place.
bool class_steps_are(const struct definition *d, enum tokenizer_class class);

#endif
