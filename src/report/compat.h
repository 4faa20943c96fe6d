// tinyLab's metrics beside ours, of runs under --compat tinylab: by its formulas and names.
#ifndef ABL_REPORT_COMPAT_H
#define ABL_REPORT_COMPAT_H

#include <stddef.h>

#include "report/report.h"

// Means over rows. c is the intact run, of patches the one that gives; a is the variant.
enum compat_metric {
    COMPAT_LOGIT_DIFF,    // a[target] - a[foil]
    COMPAT_KL_DIV,        // sum P (ln P - ln p_a), P = max(p_c, 1e-8)
    COMPAT_ACC_FLIP_RATE, // the most likely token of a is not the target
    COMPAT_P_DROP,        // p_c[target] - p_a[target]
    N_COMPAT_METRICS,
};

const char *compat_metric_name(enum compat_metric m);

// Of a finished variant.
void compat_means(const struct report *r, size_t variant, double out[N_COMPAT_METRICS]);

// Means over the finished variants that the experiment sweeps over, and their number: what
// tinyLab's summary holds, and what was published as its baseline.
size_t compat_sweep(const struct report *r, double out[N_COMPAT_METRICS]);

#endif
