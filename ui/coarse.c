// The coarse pass of a long sweep: every variant over a few of the rows, before all of them over
// every row.
#include "experiments/experiments.h"
#include "session/sample.h"
#include "ui/sweep_parts.h"

void coarse_forget(struct coarse *c)
{
    estimates_release(&c->estimates);
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

// Whether the sweep takes so long that its outline is worth a pass of its own.
static bool is_long(const struct sweep *s, bool *out, struct abl_err *err)
{
    struct run_cost cost = { 0 };
    bool ok = !s->run.variants.n
              || run_cost(s->session, &s->run.variants, &s->session->engine->info, &cost, err);
    *out = ok && cost.flop >= s->settings.sample_from;
    return ok;
}

static bool prepare(struct sweep *s, struct abl_err *err)
{
    struct coarse *c = &s->coarse;
    bool takes_long;
    if (!is_long(s, &takes_long, err) || (takes_long && !sample_open(s->session, &c->session, err)))
        return false;
    return !c->session
           || (experiment_variants(c->session, &c->run.variants, err)
               && measured_init(&c->run, c->session->prompts->n, err)
               && estimates_init(&c->estimates, c->run.variants.n, err));
}

// What the sweep itself has finished needs no outline.
static void leave_out_finished(struct sweep *s)
{
    struct results *t = &s->coarse.run.table;
    for (size_t v = 0; v < s->run.variants.n; v++)
        if (s->run.table.done[v] && !t->done[v]) {
            t->done[v] = true;
            t->n_done++;
        }
}

bool coarse_is_complete(const struct sweep *s)
{
    const struct coarse *c = &s->coarse;
    return c->tried && (!c->session || c->run.table.n_done == c->run.variants.n);
}

bool coarse_run(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
                session_progress *progress, void *context, struct abl_err *err)
{
    struct coarse *c = &s->coarse;
    if (!c->tried) {
        bool ok = prepare(s, err);
        if (!ok || (c->session && !same_list(&c->run.variants, &s->run.variants)))
            coarse_forget(c);
        if (!ok)
            return false;
        c->tried = true;
    }
    if (!c->session)
        return true;
    leave_out_finished(s);
    c->session->wanted = wanted;
    bool ok = session_run(c->session, &c->run.table, cancel, progress, context, err);
    c->session->wanted = NULL;
    return ok;
}
