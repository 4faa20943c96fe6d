// Pictures of a sweep: its cells, its other results, and the marked set.
#include "ui/sweep.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/effects.h"
#include "analysis/estimates.h"
#include "experiments/lens.h"
#include "report/palette.h"
#include "ui/sweep_parts.h"

// What is known of a variant: by every row, else by the sample's; NULL where nothing is.
static const struct live_effect *known(const struct sweep *s, size_t v, bool *sampled)
{
    const struct live_effect *e = &s->run.effects.items[v];
    *sampled = !e->made;
    if (!*sampled)
        return e;
    e = s->coarse.sample ? &s->coarse.effects.items[v] : NULL;
    return e && e->made ? e : NULL;
}

// Whether a variant is of a kind of ablation; patches are of none and always shown.
static bool is_of(const struct sweep *s, const struct variant *v, const struct ablation *how)
{
    return s->choice.kinds.n < 2 || ablation_same(&v->how, how);
}

// The head that a variant is about: ablated alone in the way that is shown, or patched at a site
// that has as many heads; false for others, and for a second patch of the same head, at another
// position or site.
static bool cell_of(const struct sweep *s, const struct snapshot *p, const struct variant *v,
                    struct head *out)
{
    const struct edit *e = v->edits;
    bool per_head
        = v->role == ROLE_PATCH && e->head != ALL_HEADS
          && site_cols(&s->facts.shape, e->site) / site_head_cols(&s->facts.shape, e->site)
                 == p->n_heads;
    if ((v->role != ROLE_HEAD && !per_head) || !is_of(s, v, &p->ablation))
        return false;
    *out = per_head ? (struct head){ e->layer, e->head } : v->nodes.heads[0];
    return p->states[snapshot_at(p, *out)] == CELL_OUTSIDE;
}

// Which cell each variant is shown in, if any (SIZE_MAX), and how far it is.
static void place_variants(const struct sweep *s, struct snapshot *p, size_t *cells)
{
    p->total = s->run.variants.n;
    p->done = s->run.results.n_done;
    for (size_t v = 0; v < p->total; v++) {
        bool sampled;
        const struct live_effect *e = known(s, v, &sampled);
        struct head h;
        p->n_sampled += s->run.results.done[v] || (s->coarse.sample && s->coarse.results.done[v]);
        cells[v] = SIZE_MAX;
        if (!cell_of(s, p, &s->run.variants.items[v], &h))
            continue;
        cells[v] = snapshot_at(p, h);
        p->states[cells[v]] = !e ? CELL_WAITING : sampled ? CELL_SAMPLED : CELL_DONE;
    }
}

// q is for what is measured over the same rows: the finished cells, and patches that are none.
// shown: room for p->total.
static bool correct_cells(struct sweep *s, const struct snapshot *p, const size_t *cells,
                          size_t *shown, struct abl_err *err)
{
    size_t n = 0;
    for (size_t v = 0; v < p->total; v++)
        if (s->run.effects.items[v].made
            && (cells[v] != SIZE_MAX || s->run.variants.items[v].role == ROLE_PATCH))
            shown[n++] = v;
    return live_effects_correct(&s->run.effects, shown, n, err);
}

// What each kind says of each head that has finished under it, q over the heads of its own. shown:
// room for p->total.
static bool fill_kinds(struct sweep *s, struct snapshot *p, size_t *shown, struct abl_err *err)
{
    size_t n_cells = (size_t)p->n_layers * p->n_heads;
    if (!snapshot_kinds(p, &s->choice.kinds))
        return abl_no_memory(err);
    for (size_t k = 0; p->by_kind && k < p->kinds.n; k++) {
        size_t n = 0;
        for (size_t v = 0; v < p->total; v++) {
            const struct variant *one = &s->run.variants.items[v];
            if (one->role == ROLE_HEAD && s->run.effects.items[v].made
                && ablation_same(&one->how, &p->kinds.items[k]))
                shown[n++] = v;
        }
        if (!live_effects_correct(&s->run.effects, shown, n, err))
            return false;
        for (size_t i = 0; i < n; i++) {
            struct head h = s->run.variants.items[shown[i]].nodes.heads[0];
            p->by_kind[k * n_cells + snapshot_at(p, h)] = s->run.effects.items[shown[i]].delta;
        }
    }
    return true;
}

static void fill_cell(const struct sweep *s, struct snapshot *p, size_t v, size_t at)
{
    bool sampled;
    const struct live_effect *e = known(s, v, &sampled);
    if (!e)
        return;
    p->cells[at] = e->delta;
    p->values[at] = e->value;
    p->n_cells++;
}

// The finished cells by group of the rows. cells: of the variants.
static bool fill_forest(struct sweep *s, struct snapshot *p, const size_t *cells,
                        struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(s->session);
    size_t n_cells = (size_t)p->n_layers * p->n_heads, n = 0;
    struct forest *f = &p->forest;
    struct row_groups g;
    if (!measured.prompts->by)
        return true;
    struct heterogeneity **done = calloc(n_cells + 1, sizeof *done);
    bool ok = (done || abl_no_memory(err)) && forest_init(f, measured.prompts, n_cells, err)
              && row_groups_make(measured.prompts, measured.alpha, &g, err);
    if (ok) {
        f->of_prompts = g.of_prompts;
        for (size_t v = 0; ok && v < p->total; v++)
            if (cells[v] != SIZE_MAX && p->states[cells[v]] == CELL_DONE) {
                done[n] = &f->found[cells[v]];
                ok = row_groups_means(&g, &measured, &s->run.results, v, p->metric,
                                      f->means + cells[v] * f->n_groups, done[n++], err);
            }
        ok = ok && heterogeneity_correct(done, n, err);
        row_groups_release(&g);
    }
    free(done);
    return ok;
}

// What the finished cells come to by cluster, for whoever keeps the run to compare with.
static bool fill_by_cluster(const struct sweep *s, struct snapshot *p, const size_t *cells,
                            struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(s->session);
    size_t n_cells = (size_t)p->n_layers * p->n_heads;
    if (p->phase != RUN_DONE)
        return true;
    if (!cluster_sums_init(&measured, s->session->data->sha256, n_cells, &p->by_cluster, err))
        return false;
    for (size_t v = 0; v < p->total; v++)
        if (cells[v] != SIZE_MAX && p->states[cells[v]] == CELL_DONE)
            cluster_sums_take(&p->by_cluster, cells[v], &measured, &s->run.results, v, p->metric);
    return true;
}

static bool fill_cells(struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    static const struct estimate missing
        = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };
    size_t n = s->run.variants.n, *cells = malloc(2 * (n + 1) * sizeof *cells);
    if (!cells)
        return abl_no_memory(err);
    for (size_t i = 0; i < (size_t)p->n_layers * p->n_heads; i++)
        p->cells[i] = missing;
    place_variants(s, p, cells);
    bool ok = correct_cells(s, p, cells, cells + n, err) && fill_kinds(s, p, cells + n, err)
              && fill_forest(s, p, cells, err) && fill_by_cluster(s, p, cells, err);
    for (size_t v = 0; ok && v < n; v++)
        if (cells[v] != SIZE_MAX)
            fill_cell(s, p, v, cells[v]);
    free(cells);
    return ok && snapshot_rescale(p, err);
}

// Sets, heads given back and patched places; the controls of a set show as its percentile only.
static bool is_item(const struct sweep *s, const struct snapshot *p, const struct variant *v)
{
    return v->role != ROLE_CONTROL && v->role != ROLE_HEAD && v->role != ROLE_REPEAT
           && is_of(s, v, &p->ablation);
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
    bool sampled;
    const struct live_effect *e = known(s, v, &sampled);
    to->done = e != NULL;
    to->sampled = e && sampled;
    to->indented = one->role == ROLE_RESTORED;
    if (one->role == ROLE_PATCH)
        to->head = (struct head){ one->edits[0].layer, one->edits[0].head };
    if (e) {
        to->delta = e->delta;
        to->recovery = e->recovery;
        to->has_changed = e->has_changed;
        to->changed = e->changed;
    }
    to->has_recovery = one->role == ROLE_RESTORED || one->role == ROLE_PATCH;
    return name_item(one, to, err);
}

static void fill_part(const struct direct_part *p, const struct direct_estimate *e, struct item *to)
{
    to->done = true;
    to->delta = e->ld;
    to->indented = to->is_head = p->kind == DIRECT_HEAD;
    to->head = (struct head){ p->layer, p->head };
    if (p->kind == DIRECT_HEAD)
        snprintf(to->label, sizeof to->label, "head %" PRIu32 ":%" PRIu32, p->layer, p->head);
    else if (p->layer == NO_LAYER)
        snprintf(to->label, sizeof to->label, "%s", direct_kind_name(p->kind));
    else
        snprintf(to->label, sizeof to->label, "%s %" PRIu32, direct_kind_name(p->kind), p->layer);
}

// Items of variants, which number themselves in item_of (n variants).
static bool fill_items(const struct sweep *s, struct snapshot *p, size_t *item_of,
                       struct abl_err *err)
{
    size_t at = 0;
    for (size_t v = 0; v < s->run.variants.n; v++) {
        bool shown = is_item(s, p, &s->run.variants.items[v]);
        item_of[v] = shown ? at : SIZE_MAX;
        if (shown && !fill_item(s, v, &p->items[at++], err))
            return false;
    }
    return snapshot_put_maps(p, &s->run.variants, item_of, err);
}

static bool sweep_items(const struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    const struct lens *lens = s->has_readings ? s->readings.lens : NULL;
    size_t n = 0, *item_of = malloc((s->run.variants.n + 1) * sizeof *item_of);
    for (size_t v = 0; v < s->run.variants.n; v++)
        n += is_item(s, p, &s->run.variants.items[v]);
    bool ok = (item_of && snapshot_items(p, n + (lens ? lens->n_parts : 0))) || abl_no_memory(err);
    ok = ok && fill_items(s, p, item_of, err);
    free(item_of);
    if (!ok)
        return false;
    for (size_t i = 0; lens && i < lens->n_parts; i++)
        fill_part(&lens->parts[i], &s->lens.parts[i], &p->items[n + i]);
    for (size_t i = 0; i < p->n_items; i++)
        if (p->items[i].done && isfinite(p->items[i].delta.mean))
            p->items_scale = fmax(p->items_scale, fabs(p->items[i].delta.mean));
    return true;
}

// Of a set, and of its heads one by one where it is not what is kept.
static bool fill_joint(struct sweep *s, const struct measured_rows *measured, struct snapshot *p,
                       struct abl_err *err)
{
    const struct results *r = &s->set.results;
    struct head_set set = { s->marks.items, s->marks.n };
    if (s->marks.keep_only)
        return estimate_delta(measured, r, 0, p->metric, &p->joint.effect.joint, err);
    return joint_effect_make(measured, r, &set, &s->set.variants.items[0].how, p->metric,
                             &p->joint.effect, err);
}

static bool fill_snapshot(struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(s->session);
    p->has_facts = true;
    p->facts = s->facts;
    p->seconds = s->seconds;
    p->run = s->number;
    p->coarse_seconds = s->coarse.seconds;
    p->sample_rows = s->coarse.sample ? s->coarse.sample->prompts.n : 0;
    if (!estimate_intact(&measured, p->metric, &p->intact, err))
        return false;
    p->bar.least = least_effect(measured.min_effect, &p->intact);
    if (!measured_estimate(&s->run, s->session, p->metric, err)
        || !coarse_estimate(&s->coarse, s->session, p->metric, err) || !fill_cells(s, p, err)
        || !sweep_items(s, p, err))
        return false;
    return sweep_put_joint(s, p, err);
}

bool sweep_put_joint(struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    if (!s->set.ready)
        return true;
    struct measured_rows measured = session_measured_rows(s->session);
    p->has_joint = true;
    p->joint.marks = s->marks;
    return fill_joint(s, &measured, p, err);
}

bool sweep_snapshot(struct sweep *s, enum run_phase phase, struct snapshot **out,
                    struct abl_err *err)
{
    if (s->shows_opened)
        return sweep_opened_snapshot(s, phase, out, err);
    bool ready = s->session && s->run.ready;
    struct snapshot *p = ready ? snapshot_new(s->facts.shape.n_layers, s->facts.shape.n_heads)
                               : snapshot_new(0, 0);
    if (!p)
        return abl_no_memory(err);
    p->phase = phase;
    p->ablation = s->choice.ablation;
    p->experiment = s->choice.experiment;
    p->metric = s->choice.metric;
    p->bar.alpha = s->settings.alpha;
    if (ready && !fill_snapshot(s, p, err)) {
        snapshot_free(p);
        return false;
    }
    *out = p;
    return true;
}
