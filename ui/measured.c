#include "ui/measured.h"

bool measured_init(struct measured *m, size_t n_prompts, struct abl_err *err)
{
    m->ready = results_init(&m->results, &m->variants, n_prompts, err);
    if (!m->ready) {
        variants_release(&m->variants);
        return false;
    }
    if (live_effects_init(&m->effects, m->variants.n, err))
        return true;
    measured_release(m);
    return false;
}

void measured_release(struct measured *m)
{
    if (m->ready) {
        results_release(&m->results);
        variants_release(&m->variants);
    }
    live_effects_release(&m->effects);
    *m = (struct measured){ 0 };
}

bool measured_estimate(struct measured *m, const struct session *session, enum metric metric,
                       struct abl_err *err)
{
    struct measured_rows rows = session_measured_rows(session);
    return live_effects_update(&m->effects, &rows, &m->results, metric, err);
}
