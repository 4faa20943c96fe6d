// A run that lies in its folder, in the place of one that is computed.
#include <inttypes.h>
#include <stdio.h>

#include "ui/sweep.h"
#include "ui/sweep_parts.h"

bool sweep_open(struct sweep *s, const char *folder, const struct run_reader *reader,
                struct abl_err *err)
{
    struct opened_run *o;
    struct snapshot *first; // whose tables may be damaged
    if (!opened_run_read(folder, reader, &s->base, &o, err))
        return false;
    if (!opened_run_snapshot(o, opened_run_choice(o), s->number, &first, err)) {
        opened_run_free(o);
        return false;
    }
    snapshot_free(first);
    sweep_unload(s); // its settings are those of the run that was open before
    opened_run_free(s->opened);
    s->opened = o;
    s->shows_opened = true;
    s->settings = *opened_run_settings(o);
    s->choice = *opened_run_choice(o);
    s->number++;
    return true;
}

void sweep_describe_opened(const struct sweep *s, struct buf *out)
{
    const struct facts *f;
    struct snapshot *p;
    struct abl_err ignored;
    if (!opened_run_snapshot(s->opened, &s->choice, s->number, &p, &ignored))
        return;
    f = &p->facts;
    buf_printf(out, "opened %s: %s, %" PRIu32 " layers x %" PRIu32 " heads, %zu rows of %s%s\n",
               opened_run_place(s->opened), f->model, p->n_layers, p->n_heads, f->n_rows,
               f->condition, p->phase == RUN_DONE ? "" : ", written in part");
    snapshot_free(p);
}

const struct choice *sweep_choice(const struct sweep *s)
{
    return &s->choice;
}

enum ov_kind sweep_ov_kind(const struct sweep *s)
{
    return s->settings.ov_kind;
}

bool sweep_lacks_model(const struct sweep *s)
{
    return s->shows_opened && !s->session;
}

bool sweep_opened_knows(const struct sweep *s, const struct detail_ask *ask)
{
    struct detail *d;
    struct abl_err ignored;
    unsigned lacks = 0;
    if (!s->shows_opened
        || !opened_run_detail(s->opened, ask, s->choice.metric, &d, &lacks, &ignored))
        return true;
    detail_free(d);
    return !lacks;
}

void sweep_describe_model(const struct sweep *s, struct buf *out)
{
    if (s->session)
        buf_printf(out, "loaded %s on %s\n", s->facts.model, s->facts.device);
}

// The model that lies where the run found its own may be another by now.
static bool check_model(struct sweep *s, struct abl_err *err)
{
    const struct model_shape *there = &s->facts.shape;
    struct snapshot *p;
    if (!opened_run_snapshot(s->opened, &s->choice, s->number, &p, err))
        return false;
    bool same = p->n_layers == there->n_layers && p->n_heads == there->n_heads;
    snapshot_free(p);
    return same
           || abl_fail(err, ABL_BAD_MODEL, "'%s' is not the model of the run in '%s'",
                       s->settings.model, opened_run_place(s->opened));
}

bool sweep_opened_load(struct sweep *s, struct abl_err *err)
{
    unsigned number = s->number;
    if (s->session)
        return true;
    bool ok = sweep_load(s, &s->choice, err) && check_model(s, err);
    s->number = number; // it is the run that is shown
    if (!ok)
        sweep_unload(s);
    return ok;
}

bool sweep_opened_snapshot(struct sweep *s, enum run_phase phase, struct snapshot **out,
                           struct abl_err *err)
{
    struct snapshot *p;
    if (!opened_run_snapshot(s->opened, &s->choice, s->number, &p, err))
        return false;
    if (phase == RUN_LOADING || phase == RUN_FAILED)
        p->phase = phase;
    if (!sweep_put_joint(s, p, err)) {
        snapshot_free(p);
        return false;
    }
    p->saved = !s->session;
    *out = p;
    return true;
}

bool sweep_opened_detail(struct sweep *s, const struct detail_ask *ask, atomic_bool *cancel,
                         struct detail **out, struct abl_err *err)
{
    struct detail *d;
    struct abl_err why;
    unsigned lacks;
    if (ask->run != s->number)
        return abl_fail(err, ABL_FAILED, "another run has begun");
    if (!opened_run_detail(s->opened, ask, s->choice.metric, &d, &lacks, err))
        return false;
    if (lacks && !sweep_opened_load(s, &why))
        snprintf(d->error, sizeof d->error, "%.255s", why.text);
    else if (lacks && !detail_add(s->session, lacks, d, cancel, err)) {
        detail_free(d);
        return false;
    }
    *out = d;
    return true;
}
