// The "normalizer" and "pre_tokenizer" of tokenizer.json.
#ifndef ABL_TEXT_TOKENIZER_STEPS_H
#define ABL_TEXT_TOKENIZER_STEPS_H

#include <stdbool.h>

#include "base/json.h"

// Field readers: `to` is the struct definition, whose steps they append to. What would change ids
// and is not done here is refused by name.
bool steps_read_normalizer(struct json *j, void *to);
bool steps_read_pre_tokenizer(struct json *j, void *to);

#endif
