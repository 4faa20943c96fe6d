#include "analysis/joint.h"

#include <stdlib.h>

#include "analysis/estimates.h"

bool joint_singles(const struct results *results, const struct head *heads, size_t n,
                   const struct ablation *how, size_t *singles)
{
    for (size_t i = 0; i < n; i++) {
        singles[i] = variants_find_heads(results->variants, &heads[i], 1, how);
        if (singles[i] == NO_VARIANT || !results_is_effect(results, singles[i]))
            return false;
    }
    return true;
}

// Row by row and run by run: the joint delta (NO_VARIANT: none) plus `sign` times those of the
// singles.
static bool estimate_combined(const struct measured_rows *measured, const struct results *results,
                              size_t joint, const size_t *singles, size_t n_singles, double sign,
                              enum metric m, struct estimate *out, struct abl_err *err)
{
    size_t first = joint == NO_VARIANT ? singles[0] : joint;
    const struct variant *v = &results->variants->items[first];
    struct measured_rows own; // of all of them: they act at the same positions
    if (!measured_subset(measured, results->variants, first, 0, &own, err))
        return false;
    size_t n = own.rows.n;
    double *column = calloc(n * v->n_runs + 1, sizeof *column);
    if (!column)
        return abl_no_memory(err);
    for (size_t at = 0; at < n * v->n_runs; at++) {
        size_t run = at / n, i = measured_row(&own, at % n);
        const struct row_stats *intact = &measured->intact[i];
        if (joint != NO_VARIANT)
            column[at] = metric_delta(m, &results_run(results, joint, run)[i], intact);
        for (size_t k = 0; k < n_singles; k++)
            column[at] += sign * metric_delta(m, &results_run(results, singles[k], run)[i], intact);
    }
    bool test = metric_is_signed(m);
    bool ok = estimate_runs(&own, v, column, 1, &test, out, err);
    free(column);
    return ok;
}

bool estimate_interaction(const struct measured_rows *measured, const struct results *results,
                          size_t joint, const size_t *singles, size_t n_singles, enum metric m,
                          struct estimate *out, struct abl_err *err)
{
    return estimate_combined(measured, results, joint, singles, n_singles, -1, m, out, err);
}

bool joint_effect_make(const struct measured_rows *measured, const struct results *results,
                       const struct head_set *set, const struct ablation *how, enum metric m,
                       struct joint_effect *out, struct abl_err *err)
{
    size_t n = set->n, joint = variants_find_heads(results->variants, set->heads, n, how);
    size_t *singles = calloc(n + 1, sizeof *singles);
    if (!singles)
        return abl_no_memory(err);
    bool ok = (joint != NO_VARIANT && results_is_effect(results, joint)
               && joint_singles(results, set->heads, n, how, singles))
              || abl_fail(err, ABL_FAILED, "the marked set was not planned");
    struct joint_effect e;
    ok = ok && estimate_delta(measured, results, joint, m, &e.joint, err)
         && estimate_combined(measured, results, NO_VARIANT, singles, n, 1, m, &e.sum, err)
         && estimate_interaction(measured, results, joint, singles, n, m, &e.interaction, err);
    free(singles);
    if (ok)
        *out = e;
    return ok;
}
