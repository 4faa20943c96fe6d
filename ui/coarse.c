#include "ui/coarse.h"

#include "experiments/experiments.h"
#include "session/sample.h"

void coarse_forget(struct coarse *c)
{
    measured_release(&c->run);
    sample_free(c->session);
    *c = (struct coarse){ 0 };
}

// Variants are told apart by number: the two lists have to be the same.
static bool same_list(const struct variants *a, const struct variants *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = variant_does_same(&a->items[i], &b->items[i]);
    return same;
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

static bool open_sample(struct coarse *c, const struct session *session, struct abl_err *err)
{
    return sample_open(session, &c->session, err)
           && (!c->session // too few rows
               || (experiment_variants(c->session, &c->run.variants, err)
                   && measured_init(&c->run, c->session->prompts->n, err)));
}

bool coarse_prepare(struct coarse *c, const struct session *session, const struct measured *fine,
                    struct abl_err *err)
{
    bool takes_long;
    if (c->tried)
        return true;
    bool ok = is_long(session, &fine->variants, &takes_long, err)
              && (!takes_long || open_sample(c, session, err));
    if (!ok || (c->session && !same_list(&c->run.variants, &fine->variants)))
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
    return c->tried && (!c->session || c->run.results.n_done == c->run.variants.n);
}

bool coarse_run(struct coarse *c, const struct measured *fine, atomic_bool *cancel,
                const atomic_uint *wanted, session_progress *progress, void *context,
                struct abl_err *err)
{
    if (!c->session)
        return true;
    leave_out_finished(&c->run.results, &fine->results);
    c->session->wanted = wanted;
    bool ok = session_run(c->session, &c->run.results, cancel, progress, context, err);
    c->session->wanted = NULL;
    return ok;
}
