// Settings put into practice: the one place where they change what a vocabulary's file says,
// whatever its format.
#ifndef ABL_TEXT_TOKENIZER_APPLY_H
#define ABL_TEXT_TOKENIZER_APPLY_H

#include <stdbool.h>

#include "base/err.h"
#include "text/tokenizer_settings.h"

// Change d to what d->like makes of the settings: steps, added tokens, d->ends. d->notes tells
// where the other owner makes something else of them, and where a class's steps would have taken
// the place of a tokenizer.json's. What is asked for and not done here is ABL_BAD_MODEL, by name.
bool tokenizer_apply(struct definition *d, const struct tokenizer_settings *s, struct abl_err *err);

#endif
