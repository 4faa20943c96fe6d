// What an experiment reads off the intact run, beside or instead of a table of variants.
#ifndef ABL_SESSION_READINGS_H
#define ABL_SESSION_READINGS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "session/session.h"

struct ov;    // OV circuits and mean outputs of heads
struct lens;  // logit lens and direct effects
struct attn;  // attention patterns
struct saved; // activations that --save asks for

struct readings {
    struct ov *ov; // each NULL unless the experiment makes it
    struct lens *lens;
    struct attn *attn;
    struct saved *saved; // of any experiment
    struct arena arena;  // holds all of them
};

// Also after a failure.
void readings_release(struct readings *r);

#endif
