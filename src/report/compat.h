// tinyLab's metrics beside ours, of runs under --compat tinylab: by its formulas and names.
#ifndef ABL_REPORT_COMPAT_H
#define ABL_REPORT_COMPAT_H

#include <stddef.h>

#include "report/report.h"

// Means over rows: constant behind COMPAT_, name, unit, formula. c is the intact run,
// of patches the one that gives; a is the variant.
#define COMPAT_METRICS(ROW)                                                                        \
    ROW(LOGIT_DIFF, "logit_diff", "logits", "a[target] - a[foil]")                                 \
    ROW(KL_DIV, "kl_div", "nats", "sum P (ln P - ln p_a), P = max(p_c, 1e-8)")                     \
    ROW(ACC_FLIP_RATE, "acc_flip_rate", "", "share whose most likely token is not the target")     \
    ROW(P_DROP, "p_drop", "", "p_c[target] - p_a[target]")

#define COMPAT_CONSTANT(id, ...) COMPAT_##id,
enum compat_metric { COMPAT_METRICS(COMPAT_CONSTANT) N_COMPAT_METRICS };
#undef COMPAT_CONSTANT

const char *compat_metric_name(size_t m); // a name_list

// Of a finished variant.
void compat_means(const struct report *r, size_t variant, double out[N_COMPAT_METRICS]);

// Means over the finished variants that the experiment sweeps over, and their number: what
// tinyLab's summary holds, and what was published as its baseline.
size_t compat_sweep(const struct report *r, double out[N_COMPAT_METRICS]);

#endif
