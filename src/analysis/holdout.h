// Discovery and confirmation: what is chosen on some clusters is estimated again on
// the others (--holdout).
#ifndef ABL_ANALYSIS_HOLDOUT_H
#define ABL_ANALYSIS_HOLDOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"

// The largest of many noisy effects owe part of their size to chance, so they look smaller in the
// next sample: an estimate from rows that had no say in the choice does not. A cluster is wholly on
// one side.
struct holdout_row {
    size_t variant;
    // Of the paired delta; of resampled rows without what one donor does to many, as donors may be
    // on the other side. discovery: q over the list. heldout: q over the chosen ones alone, NaN
    // for the others.
    struct estimate discovery, heldout;
    uint32_t rank; // by |delta| on the discovery side, from 1 on
    // discovery q below alpha, or among the HOLDOUT_TOP first (at most half of the list)
    bool chosen;
    bool confirmed; // chosen, held-out q below alpha, and of the same sign
};

enum { HOLDOUT_TOP = 10 };

// A list of variants that are ranked against each other, under one metric: of one kind of ablation.
struct holdout_list {
    const char *kind;                    // "head", "set", "restored" or "patch"
    struct ablation how;                 // of those that ablate
    struct holdout_row *rows[N_METRICS]; // (n) each, in the order of the variants
    size_t n;
};

enum { HOLDOUT_KINDS = 4, HOLDOUT_LISTS = HOLDOUT_KINDS * MAX_ABLATIONS };

struct holdout {
    bool made;                         // false: the run holds nothing out
    uint32_t n_rows[2], n_clusters[2]; // discovery, held out
    struct holdout_list lists[HOLDOUT_LISTS];
};

// What the lists say when put together.
struct holdout_verdict {
    size_t n_chosen, n_confirmed;
    // mean of sign(discovery delta)·delta over the chosen ones; NaN without
    double discovery, heldout;
    double spearman; // of both sides' deltas over the whole list
};

// Of the finished variants; controls and shams are no candidates. Owned: holdout_release. Without
// --holdout *out is empty.
bool holdout_make(const struct measured_rows *measured, const struct results *results,
                  struct holdout *out, struct abl_err *err);
void holdout_release(struct holdout *h);

// Of one list and metric.
bool holdout_judge(const struct holdout_list *list, enum metric m, struct holdout_verdict *out,
                   struct abl_err *err);

#endif
