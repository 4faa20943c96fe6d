// Which tokens a tokenizer class adds to a vocabulary, in which order and with which flags.
#ifndef ABL_TEXT_CLASS_TOKENS_H
#define ABL_TEXT_CLASS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/string_index.h"
#include "text/tokenizer_reading.h"

// The added tokens of d's file and settings as `owner` ends up with them, in the order in which
// they are looked for; *out is malloc'd, texts are borrowed. model: ids of d's vocabulary.
bool class_tokens(const struct definition *d, const struct tokenizer_settings *s,
                  const struct tokenizer_reading *r, enum owner owner,
                  const struct string_index *model, struct added_token **out, size_t *n,
                  struct abl_err *err);

// Whether the settings' list leaves out tokens that d's file has, which a class that starts anew
// would forget. They are kept here.
bool class_tokens_lacking(const struct definition *d, const struct tokenizer_settings *s,
                          const struct tokenizer_reading *r, bool *out, struct abl_err *err);

#endif
