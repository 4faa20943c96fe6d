// What several kinds of ablation say of one head or set together: kinds that disagree are named.
#ifndef ABL_ANALYSIS_KINDS_VERDICT_H
#define ABL_ANALYSIS_KINDS_VERDICT_H

#include <stddef.h>

#include "analysis/verdict.h"
#include "base/buf.h"
#include "stats/metrics.h"

// An effect under one kind; e->n = 0: it has not finished, and is left out.
struct kind_effect {
    const char *kind; // "zero"
    const struct estimate *e;
};

// Append "opposes under zero and mean, supports under resample, negligible under patch: depends on
// the kind", or "supports under zero and mean" where they agree: the target, where the metric has
// sides. Each effect is judged by itself, with a q over its own kind. Nothing where none has
// finished; no "depends" where none matters.
void kinds_verdict(const struct kind_effect *effects, size_t n, enum metric m,
                   struct verdict_bar bar, struct buf *out);

#endif
