// What the engines are judged by: a checkpoint's forward pass as its papers write it down, in
// double precision.
//
// For `verify` and the tests. Slow on purpose: every prompt runs alone and whole under every
// variant, with no batching, no shared prefixes, no clean start and none of the engines' code, so
// that a mistake in any of those shows as a difference. All states walk through the layers
// together: each weight is read once, one layer's weights are in memory at a time, and a state is
// (n_ids, d_model) doubles.
#ifndef ABL_REFERENCE_REFERENCE_H
#define ABL_REFERENCE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/model.h"
#include "plan/variant.h"
#include "stats/metrics.h"
#include "text/prompts.h"

// struct row_stats of engine.h in double, and how far its two whole numbers are from changing.
struct reference_row {
    double target_logit, foil_logit, target_lse;
    double lse;     // ln sum exp(logits)
    double entropy; // nats
    double kl;      // from the intact run of the same prompt; 0 in that run itself
    uint32_t rank, argmax;
    double rank_margin;   // distance of the best target's logit to the nearest of no target
    double argmax_margin; // distance of the highest logit to the second highest
};

struct reference_job {
    const struct model *model;
    const struct prompt *prompts;
    size_t n_prompts;
    const struct prompt *donors; // what SOURCE_ROW edits take from; NULL: the prompts themselves
    size_t n_donors;
    // edit->donor counts these: for each prompt whom it takes from. NULL where no edit takes.
    const uint32_t *const *donor_maps;
    bool has_bos; // position 0 of every prompt is BOS
    // every site, op, source and position; NULL = the intact run only
    const struct variants *variants;
};

// intact has room for n_prompts rows; rows for variants->n * n_prompts, [variant * n_prompts +
// prompt], NULL without variants. Both belong to the caller. Fails where the checkpoint cannot be
// read or memory is out.
bool reference_run(const struct reference_job *job, struct reference_row *intact,
                   struct reference_row *rows, struct abl_err *err);

// A metric of one row, by its definition in metrics.h; row == intact for the intact run's own.
double reference_metric(enum metric m, const struct reference_row *row,
                        const struct reference_row *intact);

// Whether a metric is a whole number that hangs on logits which lie closer together than an engine
// may be off: by the tolerance, relative to the target's logit.
bool reference_near_tie(enum metric m, const struct reference_row *row,
                        const struct reference_row *intact, double tolerance);

#endif
