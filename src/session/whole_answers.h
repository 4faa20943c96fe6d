// Whole answers (--span full): an answer of several tokens is scored token by token behind the
// prompt, each by its own column.
//
// Every token of an answer but the first has a prompt of its own, the clean prompt with the
// answer's tokens before it, which is read at its last token like any other. Such prompts share
// their beginnings, so that the trie runs each token once:
//
//   row   prompt "a b", target "x y z", foil "x w"
//   runs  "a b" for x of the target and x of the foil;
//         "a b x" for y;  "a b x y" for z;  "a b x" for w
//
// Edits at every position act on the answer's tokens too, and donors are the other prompt behind
// which the same tokens stand. A row's stats are then: as target_logit the sum of ln p of the
// target's tokens, as foil_logit likewise of the foil's, lse 0, so that ld is the difference of the
// sums and logprob the target's; kl, rank, argmax and entropy are those of the first token.
//
// tinyLab's sequences (tinylab_sequences.h) are run the same way, beside the rows.
#ifndef ABL_SESSION_WHOLE_ANSWERS_H
#define ABL_SESSION_WHOLE_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/engine.h"
#include "text/prompts.h"

struct settings;

// Refuses (ABL_USAGE, with the reason) what whole answers cannot be scored with; true where none
// are asked for.
bool whole_answers_allow(const struct settings *s, struct abl_err *err);

enum span_part { SPAN_FIRST, SPAN_TARGET, SPAN_FOIL };

struct whole_answers {
    bool beside;            // the rows' stats are those of the first tokens, whatever else is run
    struct prompts prompts; // what is run; its items and n only
    const uint32_t *row;    // (prompts.n) the row of each
    // (prompts.n) the first tokens of both answers, or what else is scored of either
    const enum span_part *part;
    size_t n_rows;
};

// The prompts that the rows' answers take, in the arena. Rows whose prompts are swapped already
// have both lengthened.
bool whole_answers_make(const struct prompts *rows, struct arena *a, struct whole_answers **out,
                        struct abl_err *err);

// The rows' stats from those of what was run. rows: (n_rows).
void whole_answers_fold(const struct whole_answers *s, const struct row_stats *run,
                        struct row_stats *rows);

#endif
