// Metrics of one row under one variant (DESIGN section 3): a new one is one row of METRIC_ROWS.
#ifndef ABL_STATS_METRICS_H
#define ABL_STATS_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/values.h"

// What metrics are made of: struct row_stats of an engine in double, or of the reference.
struct readout {
    double target_logit, foil_logit, target_lse;
    double lse, entropy, kl; // kl: from the intact run, 0 in that run itself
    double rank;
    uint32_t argmax;
};

// The parts of it that a metric looks at.
enum readout_part {
    OF_TARGET = 1 << 0,
    OF_FOIL = 1 << 1,
    OF_LSE = 1 << 2,
    OF_ENTROPY = 1 << 3,
    OF_KL = 1 << 4,
    OF_RANK = 1 << 5,   // a whole number, as argmax is: near a tie the last bit of a logit decides
    OF_ARGMAX = 1 << 6, // of the intact run too
};

// What a metric's sign says.
enum metric_sense {
    SENSE_FOR_TARGET,     // the higher, the better for the target
    SENSE_AGAINST_TARGET, // the lower, the better for it
    SENSE_UNSURE,         // the higher, the less sure is the model
    SENSE_CHANGE,         // a distance from the intact run: an effect by itself, never below 0
};

// Constant behind METRIC_, name, unit, sense, parts, value of `row` in the run that `intact` is of,
// and one line for people.
#define METRIC_ROWS(ROW)                                                                           \
    ROW(LD, "ld", "logits", SENSE_FOR_TARGET, OF_TARGET | OF_FOIL,                                 \
        row->target_logit - row->foil_logit,                                                       \
        "logit of the target minus logit of the foil; of lists means or log-sum-exps")             \
    ROW(LOGPROB, "logprob", "nats", SENSE_FOR_TARGET, OF_TARGET | OF_LSE,                          \
        row->target_lse - row->lse, "log-probability of the target, of a list of any of it")       \
    ROW(PROB, "prob", "", SENSE_FOR_TARGET, OF_TARGET | OF_LSE, exp(row->target_lse - row->lse),   \
        "probability of the target, of a list the sum of its tokens'")                             \
    ROW(KL, "kl", "nats", SENSE_CHANGE, OF_KL, row->kl,                                            \
        "divergence of the prediction from the intact run's")                                      \
    ROW(RANK, "rank", "tokens", SENSE_AGAINST_TARGET, OF_RANK, row->rank,                          \
        "number of tokens that score above the target, of a list above its best")                  \
    ROW(FLIP, "flip", "", SENSE_CHANGE, OF_ARGMAX, row->argmax != intact->argmax,                  \
        "share of rows whose top token is not the intact run's")                                   \
    ROW(ENTROPY, "entropy", "nats", SENSE_UNSURE, OF_ENTROPY, row->entropy,                        \
        "entropy of the predicted distribution")

#define METRIC_CONSTANT(id, ...) METRIC_##id,
enum metric { METRIC_ROWS(METRIC_CONSTANT) N_METRICS };
#undef METRIC_CONSTANT

struct metric_info {
    const char *name;    // "ld"
    const char *unit;    // "logits", "nats", "" …
    const char *meaning; // one line for help
    enum metric_sense sense;
    unsigned parts; // of enum readout_part
    double (*value)(const struct readout *row, const struct readout *intact);
};

const struct metric_info *metric_info(enum metric m);
// "ld", …; a name_list.
const char *metric_name(size_t m);
bool metric_parse(const char *name, enum metric *out);

// Of what an engine read of a row, and of the intact run of the same prompt; row == intact for that
// run's own value, which has nothing to differ from, whatever the engine left in its kl.
double metric_value(enum metric m, const struct row_stats *row, const struct row_stats *intact);

// value(row) − value(intact): the paired effect. Of a distance from the intact run
// that is the value.
double metric_delta(enum metric m, const struct row_stats *row, const struct row_stats *intact);

// Whether an effect on it may go either way. A distance is never below 0, so that noise alone gives
// it a mean above 0, which no flip of signs tells from an effect: it has no p of its own.
bool metric_is_signed(enum metric m);

// Whether it is a whole number that a tie of logits decides.
bool metric_is_whole(enum metric m);

#endif
