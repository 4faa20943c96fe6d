#include "stats/metrics.h"

#include <math.h>
#include <string.h>

#include "base/names.h"

#define VALUE_FUNCTION(id, name, unit, sense, parts, expression, meaning)                          \
    static double value_##id(const struct readout *row, const struct readout *intact)              \
    {                                                                                              \
        (void)intact;                                                                              \
        return expression;                                                                         \
    }
METRIC_ROWS(VALUE_FUNCTION)

#define INFO(id, name, unit, sense, parts, expression, meaning)                                    \
    [METRIC_##id] = { name, unit, meaning, sense, parts, value_##id },
static const struct metric_info metrics[N_METRICS] = { METRIC_ROWS(INFO) };

const struct metric_info *metric_info(enum metric m)
{
    return &metrics[m];
}

const char *metric_name(size_t m)
{
    return m < N_METRICS ? metrics[m].name : NULL;
}

bool metric_parse(const char *name, enum metric *out)
{
    size_t m;
    if (!name_find(metric_name, 0, name, strlen(name), &m))
        return false;
    *out = (enum metric)m;
    return true;
}

static struct readout readout_of(const struct row_stats *row, bool is_intact)
{
    return (struct readout){ .target_logit = (double)row->target_logit,
                             .foil_logit = (double)row->foil_logit,
                             .target_lse = (double)row->target_lse,
                             .lse = (double)row->lse,
                             .entropy = (double)row->entropy,
                             .kl = is_intact ? 0.0 : (double)row->kl,
                             .rank = (double)row->rank,
                             .argmax = row->argmax };
}

double metric_value(enum metric m, const struct row_stats *row, const struct row_stats *intact)
{
    struct readout own = readout_of(row, row == intact), base = readout_of(intact, true);
    return metrics[m].value(&own, &base);
}

// A distance is 0 on the intact row, so that one subtraction serves every metric.
double metric_delta(enum metric m, const struct row_stats *row, const struct row_stats *intact)
{
    return metric_value(m, row, intact) - metric_value(m, intact, intact);
}

bool metric_is_signed(enum metric m)
{
    return metrics[m].sense != SENSE_CHANGE;
}

bool metric_is_whole(enum metric m)
{
    return metrics[m].parts & (OF_RANK | OF_ARGMAX);
}
