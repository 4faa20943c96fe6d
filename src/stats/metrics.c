#include "stats/metrics.h"

#include <math.h>
#include <string.h>

static double ld_value(const struct row_stats *row, const struct row_stats *intact)
{
    (void)intact;
    return (double)row->target_logit - (double)row->foil_logit;
}

static double logprob_value(const struct row_stats *row, const struct row_stats *intact)
{
    (void)intact;
    return (double)row->target_logit - (double)row->lse;
}

static double prob_value(const struct row_stats *row, const struct row_stats *intact)
{
    return exp(logprob_value(row, intact));
}

// The intact row has no base to differ from, whatever the engine left in the field.
static double kl_value(const struct row_stats *row, const struct row_stats *intact)
{
    return row == intact ? 0.0 : (double)row->kl;
}

static double rank_value(const struct row_stats *row, const struct row_stats *intact)
{
    (void)intact;
    return (double)row->rank;
}

static double flip_value(const struct row_stats *row, const struct row_stats *intact)
{
    return row->argmax != intact->argmax ? 1.0 : 0.0;
}

static double entropy_value(const struct row_stats *row, const struct row_stats *intact)
{
    (void)intact;
    return (double)row->entropy;
}

static const struct metric_info metrics[N_METRICS] = {
    [METRIC_LD] = { .name = "ld",
                    .meaning = "logit of the target minus logit of the foil",
                    .unit = "logits",
                    .value = ld_value },
    [METRIC_LOGPROB] = { .name = "logprob",
                         .meaning = "log-probability of the target",
                         .unit = "nats",
                         .value = logprob_value },
    [METRIC_PROB]
    = { .name = "prob", .meaning = "probability of the target", .unit = "", .value = prob_value },
    [METRIC_KL] = { .name = "kl",
                    .meaning = "divergence of the prediction from the intact run's",
                    .unit = "nats",
                    .value = kl_value },
    [METRIC_RANK] = { .name = "rank",
                      .meaning = "number of tokens that score above the target",
                      .unit = "tokens",
                      .value = rank_value },
    [METRIC_FLIP] = { .name = "flip",
                      .meaning = "share of rows whose top token is not the intact run's",
                      .unit = "",
                      .value = flip_value },
    [METRIC_ENTROPY] = { .name = "entropy",
                         .meaning = "entropy of the predicted distribution",
                         .unit = "nats",
                         .value = entropy_value },
};

const struct metric_info *metric_info(enum metric m)
{
    return &metrics[m];
}

bool metric_parse(const char *name, enum metric *out)
{
    for (int m = 0; m < N_METRICS; m++)
        if (strcmp(metrics[m].name, name) == 0) {
            *out = (enum metric)m;
            return true;
        }
    return false;
}

// kl and flip are 0 on the intact row, so that one subtraction serves every metric.
double metric_delta(enum metric m, const struct row_stats *row, const struct row_stats *intact)
{
    return metrics[m].value(row, intact) - metrics[m].value(intact, intact);
}
