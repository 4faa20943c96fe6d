// tinyLab's metrics beside ours, of runs under --compat tinylab: by its formulas and names.
#ifndef ABL_REPORT_COMPAT_H
#define ABL_REPORT_COMPAT_H

#include <stddef.h>

#include "report/report.h"

// Means over rows, but of max_abs_delta the largest: constant behind COMPAT_, name, type, unit,
// formula. c is the intact run, of patches the one that gives; a is the variant.
#define COMPAT_METRICS(ROW)                                                                        \
    ROW(LOGIT_DIFF, "logit_diff", CELL_NUMBER, "logits", "a[target] - a[foil]")                    \
    ROW(KL_DIV, "kl_div", CELL_NUMBER, "nats", "sum P (ln P - ln p_a), P = max(p_c, 1e-8)")        \
    ROW(ACC_FLIP_RATE, "acc_flip_rate", CELL_NUMBER, "",                                           \
        "share whose most likely token is not the target")                                         \
    ROW(P_DROP, "p_drop", CELL_NUMBER, "", "p_c[target] - p_a[target]")                            \
    ROW(MAX_ABS_DELTA, "max_abs_delta", CELL_NUMBER | CELL_OR_NONE, "logits",                      \
        "largest |a - c| of any row, position and token, of logits less their mean; of patches "   \
        "of "                                                                                      \
        "every position")                                                                          \
    ROW(SEQ_LOGPROB_DIFF, "seq_logprob_diff", CELL_NUMBER | CELL_OR_NONE, "nats",                  \
        "ln p_a of the target's sequence less the foil's, over their last columns; with --span "   \
        "full")                                                                                    \
    ROW(SEQ_P_DROP, "seq_p_drop", CELL_NUMBER | CELL_OR_NONE, "nats",                              \
        "ln p of the target's sequence, intact less ln p_a; likewise")                             \
    ROW(SEQ_KL_MEAN, "seq_kl_mean", CELL_NUMBER | CELL_OR_NONE, "nats",                            \
        "sum max(p, 1e-8) (ln p - ln p_a) in the target's sequence, mean over its last columns; "  \
        "likewise")

#define COMPAT_CONSTANT(id, ...) COMPAT_##id,
enum compat_metric { COMPAT_METRICS(COMPAT_CONSTANT) N_COMPAT_METRICS };
#undef COMPAT_CONSTANT

const char *compat_metric_name(size_t m); // a name_list

// Of a finished variant. NAN where it is not measured: seq_… without whole answers (--span full),
// max_abs_delta but of patches.
void compat_means(const struct report *r, size_t variant, double out[N_COMPAT_METRICS]);

// Means over the finished variants that the experiment sweeps over, and their number: what
// tinyLab's summary holds, and what was published as its baseline.
size_t compat_sweep(const struct report *r, double out[N_COMPAT_METRICS]);

#endif
