// What the model says behind a prompt, intact and with heads ablated, token by token.
#ifndef ABL_SESSION_CONTINUE_H
#define ABL_SESSION_CONTINUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/ablation.h"
#include "plan/place.h"
#include "session/session.h"
#include "session/token_choice.h"

enum { SAID_INTACT, SAID_ABLATED, SAID_TEXTS };

struct say_request {
    const char *prompt;
    const char *donor; // that resampled and patched heads take from, aligned at the ends; else NULL
    const struct head_set *heads; // NULL: the intact model alone
    struct ablation how;
    uint32_t n_tokens; // at most, of each text
    bool past_end;     // special tokens end no text
    struct token_choice choice;
};

// A token that a text got.
struct said_token {
    bool there; // false: the text has ended, or there is none
    uint32_t id;
    double prob;       // softmax of its own text's logits
    double prob_other; // of the same token behind the other text; NaN where that is not there
};

struct said_step {
    struct said_token texts[SAID_TEXTS];
    bool changed; // both are there and are not the same token
};

// A text ends with a special token unless past_end says otherwise, or after n_tokens. Each step is
// told as it comes. What does not fit into the model's context, or needs a donor that is not there,
// is ABL_USAGE. ABL_INTERRUPTED when cancelled (NULL = never).
bool session_say(struct session *session, const struct say_request *r, atomic_bool *cancel,
                 void (*told)(void *context, const struct said_step *step), void *context,
                 struct abl_err *err);

#endif
