// Metrics of one row under one variant (DESIGN section 3): a new one is one row of the table in
// metrics.c.
#ifndef ABL_STATS_METRICS_H
#define ABL_STATS_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/values.h"

enum metric {
    METRIC_LD,      // logit[target] - logit[foil]
    METRIC_LOGPROB, // ln p(target)
    METRIC_PROB,
    METRIC_KL,      // sum p_intact (ln p_intact - ln p)
    METRIC_RANK,    // tokens scoring above the target
    METRIC_FLIP,    // argmax differs from the intact run's
    METRIC_ENTROPY, // nats
    N_METRICS,
};

struct metric_info {
    const char *name;    // "ld"
    const char *meaning; // one line for help
    const char *unit;    // "logits", "nats", "" …
    double (*value)(const struct row_stats *row, const struct row_stats *intact);
};

const struct metric_info *metric_info(enum metric m);
bool metric_parse(const char *name, enum metric *out);

// value(row) − value(intact): the paired effect. kl and flip compare with the intact run already:
// their delta is the value.
double metric_delta(enum metric m, const struct row_stats *row, const struct row_stats *intact);

#endif
