// Whose conventions a run keeps: ours, or those of tinyLab, for comparison with what it published:
// never the default, and always said. What is different stands here; nothing else asks which it is.
#ifndef ABL_SESSION_TINYLAB_H
#define ABL_SESSION_TINYLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/prompts.h"
#include "text/tokenizer.h"

enum compat {
    COMPAT_NONE,
    // padded prompts read at the last column, patches aligned from the start, its metrics beside
    // ours
    COMPAT_TINYLAB,
};

struct conventions {
    const char *name; // "tinylab"; NULL: ours
    // one sentence for people and files that says what is different; NULL: nothing
    const char *banner;
    // Positions that patches act at: where none are asked for, and whatever a run file of tinyLab's
    // asks for; NULL: as we do it.
    const char *positions;
    bool from_start; // patches of every position are aligned from the prompts' start
    // its metrics are measured beside ours (tinylab_measure.h, report/compat.h)
    bool own_metrics;
    // whole answers are its sequences, beside the first tokens (tinylab_sequences.h)
    bool sequences;
    bool one_donor; // of resampled rows
    bool draws_splits;
    enum cluster_by clusters; // where nobody says; CLUSTER_AUTO: as we do it
    bool keeps_equal_answers; // rows whose target is their foil run, with ld 0
    // Why they exclude an option, as a message has it; NULL: they do not.
    const char *without_bos, *without_constants;
    // What becomes of the prompts before they are run; NULL: nothing.
    bool (*lay_out)(struct prompts *p, const struct tokenizer *t, uint32_t n_vocab,
                    struct abl_err *err);
};

const struct conventions *conventions_of(enum compat c);

// "tinylab"; NULL: ours. A name_list from COMPAT_TINYLAB on.
const char *compat_name(size_t c);

#endif
