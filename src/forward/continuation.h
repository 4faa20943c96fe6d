// A prompt that goes on token by token: intact, and under a variant beside it. Keys and values of
// earlier tokens are kept; each token carries one row a text.
#ifndef ABL_FORWARD_CONTINUATION_H
#define ABL_FORWARD_CONTINUATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/forward.h"
#include "plan/variant.h"
#include "text/prompt.h"

struct continuation;

struct continuation_settings {
    struct forward *forward;     // borrowed, as is what follows
    const struct prompt *prompt; // its ids alone count
    // Of the second text; NULL: there is only the intact one. What it takes from another prompt
    // comes from `donor`, over the prompt alone: tokens that follow have no partner there.
    const struct variant *variant;
    const struct prompt *donor;
    uint32_t n_tokens;   // that may be added to each text
    atomic_bool *cancel; // looked at before every layer; NULL = never
};

// Run the prompt. Owned: continuation_free. ABL_INTERRUPTED when cancelled, here and below.
bool continuation_open(const struct continuation_settings *s, struct continuation **out,
                       struct abl_err *err);
void continuation_free(struct continuation *c); // NULL does nothing

// Logits behind each text as it stands: (texts, n_vocab), borrowed until the next is added.
const float *continuation_logits(const struct continuation *c);

// Add a token to each text and run it.
bool continuation_add(struct continuation *c, const uint32_t *tokens, struct abl_err *err);

#endif
