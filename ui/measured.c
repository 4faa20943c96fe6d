#include "ui/measured.h"

#include <stdlib.h>
#include <string.h>

static bool init_estimates(struct measured *m)
{
    size_t room = m->variants.n ? m->variants.n : 1;
    m->deltas = calloc(room, sizeof *m->deltas);
    m->recoveries = calloc(room, sizeof *m->recoveries);
    m->values = calloc(room, sizeof *m->values);
    m->estimated = calloc(room, sizeof *m->estimated);
    return m->deltas && m->recoveries && m->values && m->estimated;
}

bool measured_init(struct measured *m, size_t n_prompts, struct abl_err *err)
{
    m->ready = results_init(&m->results, &m->variants, n_prompts, err);
    if (!m->ready) {
        variants_release(&m->variants);
        return false;
    }
    if (init_estimates(m))
        return true;
    measured_release(m);
    return abl_no_memory(err);
}

void measured_release(struct measured *m)
{
    if (m->ready) {
        results_release(&m->results);
        variants_release(&m->variants);
    }
    free(m->deltas);
    free(m->recoveries);
    free(m->values);
    free(m->estimated);
    *m = (struct measured){ 0 };
}

// Mean of the metric itself while the head is ablated.
static double mean_value(const struct session *session, const struct results *t, size_t variant,
                         enum metric metric)
{
    double sum = 0;
    for (size_t i = 0; i < t->n_prompts; i++)
        sum += metric_value(metric, &t->rows[variant * t->n_prompts + i], &session->intact[i]);
    return sum / (double)t->n_prompts;
}

bool measured_estimate(struct measured *m, const struct session *session, enum metric metric,
                       struct abl_err *err)
{
    const struct results *t = &m->results;
    for (size_t v = 0; v < m->variants.n; v++) {
        if (!t->done[v] || m->estimated[v])
            continue;
        if (!estimate_metric(session, t, v, metric, false, &m->deltas[v], err)
            || !estimate_recovery(session, t, v, metric, &m->recoveries[v], err))
            return false;
        m->values[v] = mean_value(session, t, v, metric);
        m->estimated[v] = true;
    }
    return true;
}

void measured_forget_estimates(struct measured *m)
{
    if (m->ready)
        memset(m->estimated, 0, m->variants.n * sizeof *m->estimated);
}
