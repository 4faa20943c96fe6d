// The coarse pass of a long sweep: every variant over a few of the rows, before all of them over every row.
#include <string.h>

#include "lab/sample.h"
#include "ui/sweep_parts.h"

void coarse_forget(struct coarse *c)
{
    estimates_release(&c->estimates);
    measured_release(&c->run);
    sample_free(c->lab);
    *c = (struct coarse){ 0 };
}

// Variants are told apart by number: the two lists have to be the same.
static bool same_list(const struct variants *a, const struct variants *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = !strcmp(a->items[i].label, b->items[i].label);
    return same;
}

// Whether the sweep takes so long that its outline is worth a pass of its own.
static bool is_long(const struct sweep *s, bool *out, struct abl_err *err)
{
    struct lab_cost cost = { 0 };
    bool ok = !s->run.variants.n
              || lab_cost(s->lab, &s->run.variants, &s->lab->engine->info, &cost, err);
    *out = ok && cost.flop >= s->settings.sample_from;
    return ok;
}

static bool prepare(struct sweep *s, struct abl_err *err)
{
    struct coarse *c = &s->coarse;
    bool takes_long;
    if (!is_long(s, &takes_long, err) || (takes_long && !sample_open(s->lab, &c->lab, err)))
        return false;
    return !c->lab
           || (lab_variants(c->lab, &c->run.variants, err)
               && measured_init(&c->run, c->lab->prompts->n, err)
               && estimates_init(&c->estimates, c->run.variants.n, err));
}

// What the sweep itself has finished needs no outline.
static void leave_out_finished(struct sweep *s)
{
    struct table *t = &s->coarse.run.table;
    for (size_t v = 0; v < s->run.variants.n; v++)
        if (s->run.table.done[v] && !t->done[v]) {
            t->done[v] = true;
            t->n_done++;
        }
}

bool coarse_is_complete(const struct sweep *s)
{
    const struct coarse *c = &s->coarse;
    return c->tried && (!c->lab || c->run.table.n_done == c->run.variants.n);
}

bool coarse_run(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
                lab_progress *progress, void *context, struct abl_err *err)
{
    struct coarse *c = &s->coarse;
    if (!c->tried) {
        bool ok = prepare(s, err);
        if (!ok || (c->lab && !same_list(&c->run.variants, &s->run.variants)))
            coarse_forget(c);
        if (!ok)
            return false;
        c->tried = true;
    }
    if (!c->lab)
        return true;
    leave_out_finished(s);
    c->lab->wanted = wanted;
    bool ok = lab_run(c->lab, &c->run.table, cancel, progress, context, err);
    c->lab->wanted = NULL;
    return ok;
}
