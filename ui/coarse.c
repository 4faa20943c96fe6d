#include "ui/coarse.h"

#include "experiments/experiments.h"
#include "session/sample.h"

void coarse_forget(struct coarse *c)
{
    results_release(&c->results);
    live_effects_release(&c->effects);
    sample_free(c->sample);
    *c = (struct coarse){ 0 };
}

static bool is_long(const struct session *session, const struct variants *v, bool *out,
                    struct abl_err *err)
{
    struct plan plan;
    bool ok = experiment_plan(session, &session->engine->info, v, &plan, err);
    *out = ok && v->n && (double)plan.total.flop >= session->settings.sample_from;
    plan_release(&plan);
    return ok;
}

static bool open_sample(struct coarse *c, const struct session *session, const struct variants *v,
                        struct abl_err *err)
{
    return sample_open(session, &c->sample, err)
           && (!c->sample // too few rows
               || (results_init(&c->results, v, c->sample->prompts.n, err)
                   && live_effects_init(&c->effects, v->n, err)));
}

bool coarse_prepare(struct coarse *c, const struct session *session, const struct measured *fine,
                    struct abl_err *err)
{
    bool takes_long;
    if (c->tried)
        return true;
    bool ok = is_long(session, &fine->variants, &takes_long, err)
              && (!takes_long || open_sample(c, session, &fine->variants, err));
    if (!ok)
        coarse_forget(c);
    c->tried = ok;
    return ok;
}

// What the sweep itself has finished needs no outline.
static void leave_out_finished(struct results *t, const struct results *fine)
{
    for (size_t v = 0; v < fine->variants->n; v++)
        if (fine->done[v] && !t->done[v]) {
            t->done[v] = true;
            t->n_done++;
        }
}

bool coarse_is_complete(const struct coarse *c)
{
    return c->tried && (!c->sample || c->results.n_done == c->results.variants->n);
}

bool coarse_run(struct coarse *c, const struct measured *fine, atomic_bool *cancel,
                const atomic_uint *wanted, session_progress *progress, void *context,
                struct abl_err *err)
{
    if (!c->sample)
        return true;
    leave_out_finished(&c->results, &fine->results);
    struct workload w = sample_workload(c->sample);
    return workload_run(&w, &c->results, wanted, cancel, progress, context, err);
}

bool coarse_estimate(struct coarse *c, const struct session *session, enum metric metric,
                     struct abl_err *err)
{
    if (!c->sample)
        return true;
    struct measured_rows rows = sample_measured_rows(c->sample, session);
    return live_effects_update(&c->effects, &rows, &c->results, metric, err);
}
