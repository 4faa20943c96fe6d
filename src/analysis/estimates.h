// What finished variants say, with its uncertainty: values, effects, recoveries.
#ifndef ABL_ANALYSIS_ESTIMATES_H
#define ABL_ANALYSIS_ESTIMATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"
#include "stats/metrics.h"
#include "stats/stats.h"

// Each variant that is named is finished. What is estimated of one is over the rows that it tells
// something of (session/row_subsets.h), unless `measured` is a subset already. Functions fail for
// want of memory alone, and leave *out as it is then.

// A metric of a row under a variant, and what the variant changes of it: the mean over its runs.
double row_value(const struct measured_rows *measured, const struct results *results,
                 size_t variant, size_t row, enum metric m);
double row_delta(const struct measured_rows *measured, const struct results *results,
                 size_t variant, size_t row, enum metric m);

// Estimates of n columns of measured->rows, each given run by run (n, the variant's runs, rows): of
// the means over runs, what donors add in the intervals. test: as in stats_estimates.
bool estimate_runs(const struct measured_rows *measured, const struct variant *v,
                   const double *runs, size_t n, const bool *test, struct estimate *out,
                   struct abl_err *err);

// What a variant changes of a metric: paired by row with the intact run.
bool estimate_delta(const struct measured_rows *measured, const struct results *results,
                    size_t variant, enum metric m, struct estimate *out, struct abl_err *err);

// Every metric under a variant, without a p, as it is no difference; and the delta of each.
bool estimate_values(const struct measured_rows *measured, const struct results *results,
                     size_t variant, struct estimate out[N_METRICS], struct abl_err *err);
bool estimate_deltas(const struct measured_rows *measured, const struct results *results,
                     size_t variant, struct estimate out[N_METRICS], struct abl_err *err);

// A metric of the intact run.
bool estimate_intact(const struct measured_rows *measured, enum metric m, struct estimate *out,
                     struct abl_err *err);

// Share of the rows whose intact top token is the target; NaN without rows.
double intact_accuracy(const struct measured_rows *measured);

// Where a row stands between a damaged run and the one it should get back to.
struct recovery {
    double reference, damaged, patched; // means
    struct estimate ratio;              // (patched - damaged) / (reference - damaged) of the means
    bool small;                         // the denominator is not told from 0
};

// Of a ROLE_RESTORED variant: from the ablated set back to the intact run. Of
// a ROLE_PATCH one: from the run that is patched into to the one that gives.
// NaN where the rows it needs are not there.
bool estimate_recovery(const struct measured_rows *measured, const struct results *results,
                       size_t variant, enum metric m, struct recovery *out, struct abl_err *err);

// A patch over the rows where what is put in comes from other tokens than it goes to.
struct changed_effect {
    struct estimate delta;
    double recovery; // its ratio
};

bool estimate_changed(const struct measured_rows *measured, const struct results *results,
                      size_t variant, enum metric m, struct changed_effect *out,
                      struct abl_err *err);

#endif
