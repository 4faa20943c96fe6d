// What an experiment reads off the intact run, beside or instead of a table of variants.
#ifndef ABL_LAB_READINGS_H
#define ABL_LAB_READINGS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "lab/run.h"

struct ov;   // OV circuits and mean outputs of heads
struct lens; // logit lens and direct effects
struct attn; // attention patterns

struct readings {
    struct ov *ov; // each NULL unless the experiment makes it
    struct lens *lens;
    struct attn *attn;
    struct arena arena; // holds all of them
};

// What the settings' experiment reads; nothing for those that only ablate. `t` is the finished table of its variants.
// Owned by the caller: readings_release, also after a failure. ABL_INTERRUPTED when cancelled (NULL = never).
bool lab_read(struct lab *lab, const struct table *t, atomic_bool *cancel, struct readings *out,
              struct abl_err *err);
void readings_release(struct readings *r);

#endif
