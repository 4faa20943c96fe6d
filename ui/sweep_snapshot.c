// Pictures of a sweep: its cells, its other results, and the marked set.
#include "ui/sweep.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/effects.h"
#include "experiments/lens.h"
#include "session/estimates.h"
#include "ui/sweep_parts.h"

// What is known of a variant: by every row, else by the sample's; NULL where nothing is.
static const struct measured *known(const struct sweep *s, size_t v)
{
    if (s->run.estimated[v])
        return &s->run;
    return s->coarse.session && s->coarse.run.estimated[v] ? &s->coarse.run : NULL;
}

// The head that a variant is about: ablated alone, or patched at a site that has as many heads;
// false for others, and for a second patch of the same head, at another position or site.
static bool cell_of(const struct sweep *s, const struct snapshot *p, const struct variant *v,
                    struct head *out)
{
    const struct edit *e = v->edits;
    bool per_head
        = v->role == ROLE_PATCH && e->head != ALL_HEADS
          && site_cols(&s->facts.shape, e->site) / site_head_cols(&s->facts.shape, e->site)
                 == p->n_heads;
    if (v->role != ROLE_HEAD && !per_head)
        return false;
    *out = per_head ? (struct head){ e->layer, e->head } : v->nodes.heads[0];
    return p->states[snapshot_at(p, *out)] == CELL_OUTSIDE;
}

static void fill_cell(const struct sweep *s, struct snapshot *p, size_t v, size_t at)
{
    const struct measured *e = known(s, v);
    p->states[at] = !e ? CELL_WAITING : e == &s->run ? CELL_DONE : CELL_SAMPLED;
    if (!e)
        return;
    p->cells[at] = e->deltas[v];
    p->values[at] = e->values[v];
    p->n_cells++;
}

// q is for what is measured over the same rows: the finished cells.
static bool find_q(struct snapshot *p, size_t n, struct abl_err *err)
{
    struct estimate *done = malloc((n + 1) * sizeof *done);
    size_t m = 0;
    if (!done)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        if (p->states[i] == CELL_DONE)
            done[m++] = p->cells[i];
    bool ok = stats_fdr(done, m, err);
    for (size_t i = 0, k = 0; ok && i < n; i++)
        if (p->states[i] == CELL_DONE)
            p->cells[i] = done[k++];
    free(done);
    return ok;
}

static bool fill_cells(const struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    static const struct estimate missing
        = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };
    size_t n = (size_t)p->n_layers * p->n_heads;
    for (size_t i = 0; i < n; i++)
        p->cells[i] = missing;
    for (size_t v = 0; v < s->run.variants.n; v++) {
        const struct variant *one = &s->run.variants.items[v];
        p->done += s->run.estimated[v];
        p->n_sampled += known(s, v) != NULL;
        struct head h;
        if (cell_of(s, p, one, &h))
            fill_cell(s, p, v, snapshot_at(p, h));
    }
    p->total = s->run.variants.n;
    return find_q(p, n, err) && snapshot_rescale(p, err);
}

// Sum over the marked heads of each row's single effects.
static bool estimate_sum(const struct sweep *s, const size_t *singles, struct estimate *out,
                         struct abl_err *err)
{
    const struct results *t = &s->set.results;
    double *column = calloc(t->n_prompts, sizeof *column);
    if (!column)
        return abl_no_memory(err);
    for (size_t i = 0; i < t->n_prompts; i++)
        for (size_t k = 0; k < s->marks.n; k++)
            column[i] += metric_delta(s->choice.metric, &t->rows[singles[k] * t->n_prompts + i],
                                      &s->session->intact[i]);
    bool ok = stats_estimate(s->session->resampler, column, true, out, err);
    free(column);
    return ok;
}

static bool estimate_joint(const struct sweep *s, struct joint *out, struct abl_err *err)
{
    const struct results *t = &s->set.results;
    size_t singles[MAX_MARKS];
    size_t joint = variants_find_heads(&s->set.variants, s->marks.items, s->marks.n);
    bool found = joint != NO_VARIANT;
    for (size_t k = 0; k < s->marks.n; k++) {
        singles[k] = variants_find_heads(&s->set.variants, &s->marks.items[k], 1);
        found = found && singles[k] != NO_VARIANT;
    }
    if (!found)
        return abl_fail(err, ABL_FAILED, "the marked set was not planned");
    out->marks = s->marks;
    return estimate_metric(s->session, t, joint, s->choice.metric, false, &out->joint, err)
           && estimate_sum(s, singles, &out->sum, err)
           && estimate_interaction(s->session, t, joint, singles, s->marks.n, s->choice.metric,
                                   &out->interaction, err);
}

// Sets, heads given back and patched places; the controls of a set show as its percentile only.
static bool is_item(const struct variant *v)
{
    return v->role != ROLE_CONTROL && v->role != ROLE_HEAD;
}

// A set's heads given back stand below it, and are named without it.
static bool name_item(const struct variant *v, struct item *to, struct abl_err *err)
{
    struct arena scratch = { 0 };
    const char *back = to->indented ? variant_restored_label(v, &scratch) : NULL;
    bool ok = !to->indented || back || abl_no_memory(err);
    if (ok)
        snprintf(to->label, sizeof to->label, "%s%s", back ? "+ " : "", back ? back : v->label);
    arena_release(&scratch);
    return ok;
}

static bool fill_item(const struct sweep *s, size_t v, struct item *to, struct abl_err *err)
{
    const struct variant *one = &s->run.variants.items[v];
    const struct measured *e = known(s, v);
    to->done = e != NULL;
    to->sampled = e && e != &s->run;
    to->indented = one->role == ROLE_RESTORED;
    if (e) {
        to->delta = e->deltas[v];
        to->recovery = e->recoveries[v];
    }
    to->has_recovery = one->role == ROLE_RESTORED || one->role == ROLE_PATCH;
    return name_item(one, to, err);
}

static void fill_part(const struct direct_part *p, struct item *to)
{
    to->done = true;
    to->delta = p->ld;
    to->indented = to->is_head = p->kind == DIRECT_HEAD;
    to->head = (struct head){ p->layer, p->head };
    if (p->kind == DIRECT_HEAD)
        snprintf(to->label, sizeof to->label, "head %" PRIu32 ":%" PRIu32, p->layer, p->head);
    else if (p->layer == NO_LAYER)
        snprintf(to->label, sizeof to->label, "%s", direct_kind_name(p->kind));
    else
        snprintf(to->label, sizeof to->label, "%s %" PRIu32, direct_kind_name(p->kind), p->layer);
}

static bool sweep_items(const struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    const struct lens *lens = s->has_readings ? s->readings.lens : NULL;
    size_t n = lens ? lens->n_parts : 0, at = 0;
    for (size_t v = 0; v < s->run.variants.n; v++)
        n += is_item(&s->run.variants.items[v]);
    if (!snapshot_items(p, n))
        return abl_no_memory(err);
    for (size_t v = 0; v < s->run.variants.n; v++)
        if (is_item(&s->run.variants.items[v]) && !fill_item(s, v, &p->items[at++], err))
            return false;
    for (size_t i = 0; lens && i < lens->n_parts; i++)
        fill_part(&lens->parts[i], &p->items[at++]);
    for (size_t i = 0; i < p->n_items; i++)
        if (p->items[i].done && isfinite(p->items[i].delta.mean))
            p->items_scale = fmax(p->items_scale, fabs(p->items[i].delta.mean));
    return true;
}

static bool fill_snapshot(struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    p->has_facts = true;
    p->facts = s->facts;
    p->seconds = s->seconds;
    p->run = s->number;
    p->coarse_seconds = s->coarse.seconds;
    p->sample_rows = s->coarse.session ? s->coarse.session->prompts->n : 0;
    if (!estimate_intact(s->session, s->choice.metric, &p->intact, err)
        || !measured_estimate(&s->run, s->session, p->metric, err)
        || (s->coarse.session
            && !measured_estimate(&s->coarse.run, s->coarse.session, p->metric, err))
        || !fill_cells(s, p, err) || !sweep_items(s, p, err))
        return false;
    p->has_joint = s->set.ready;
    return !p->has_joint || estimate_joint(s, &p->joint, err);
}

bool sweep_snapshot(struct sweep *s, enum run_phase phase, struct snapshot **out,
                    struct abl_err *err)
{
    bool ready = s->session && s->run.ready;
    struct snapshot *p = ready ? snapshot_new(s->facts.shape.n_layers, s->facts.shape.n_heads)
                               : snapshot_new(0, 0);
    if (!p)
        return abl_no_memory(err);
    p->phase = phase;
    p->ablation = s->choice.ablation;
    p->experiment = s->choice.experiment;
    p->metric = s->choice.metric;
    p->alpha = s->settings.alpha;
    if (ready && !fill_snapshot(s, p, err)) {
        snapshot_free(p);
        return false;
    }
    *out = p;
    return true;
}
