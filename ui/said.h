// What the model says behind the selected row's prompt, intact and ablated: asked for, and as it
// comes.
#ifndef ABL_UI_SAID_H
#define ABL_UI_SAID_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "plan/ablation.h"
#include "session/session.h"
#include "ui/marks.h"

enum { MAX_SAID = 32, SAID_TOKEN = 64 };

struct said_ask {
    size_t row;
    struct marks heads; // that are ablated, or alone kept
    struct ablation how;
    unsigned run; // snapshot->run
};

bool said_same_ask(const struct said_ask *a, const struct said_ask *b);

struct said_word {
    bool there;
    char token[SAID_TOKEN]; // its text, cut where it is longer
    double prob, prob_other;
};

struct said_line {
    struct said_word texts[2]; // intact, ablated
    bool changed;
};

struct said {
    struct said_ask ask;
    struct said_line lines[MAX_SAID];
    size_t n, n_changed;
    bool whole;         // nothing more comes
    struct abl_err why; // it cannot be said; its text is empty where it can
};

// Say it; after each token `told` gets what there is, which is the caller's to copy. False only
// where it was interrupted; what cannot be is in *out.
bool said_make(struct session *session, const struct said_ask *ask, atomic_bool *cancel,
               void (*told)(void *context, const struct said *so_far), void *context,
               struct said *out);

#endif
