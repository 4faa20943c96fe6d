// The selected head in full, and the marked set.
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/kinds_verdict.h"
#include "experiments/lens.h"
#include "ui/choice.h"
#include "ui/format.h"
#include "ui/style.h"
#include "ui/text.h"

// Lines from the top of a rectangle down.
struct lines {
    struct grid *g;
    struct rect r;
    uint32_t y;
};

enum { VALUE_COLUMN = 13 };

static void line(struct lines *l, struct style style, const char *text)
{
    grid_text(l->g, l->r, 0, l->y++, style, text);
}

static void entry(struct lines *l, const char *name, struct style style, const char *value)
{
    grid_text(l->g, l->r, 0, l->y, style_dim(), name);
    grid_text(l->g, l->r, VALUE_COLUMN, l->y++, style, value);
}

// Interval and mean on an axis symmetric about zero:   ├──●──┤        │
static void draw_ci(struct lines *l, const struct estimate *e, double bound)
{
    uint32_t w = l->r.w, middle = (w - 1) / 2;
    if (w < 9 || !isfinite(e->ci_lo) || !isfinite(e->ci_hi) || !(bound > 0))
        return;
    double half = (double)middle;
    uint32_t lo = (uint32_t)lround(half + half * fmax(e->ci_lo / bound, -1));
    uint32_t hi = (uint32_t)lround(half + half * fmin(e->ci_hi / bound, 1));
    uint32_t at = (uint32_t)lround(half + half * fmin(fmax(e->mean / bound, -1), 1));
    for (uint32_t x = 0; x <= 2 * middle; x++) {
        bool inside = x >= lo && x <= hi;
        uint32_t c = x == at ? 0x25CF : inside ? 0x2501 : x == middle ? 0x2502 : 0x2500;
        grid_put(l->g, l->r.x + x, l->r.y + l->y, c,
                 inside || x == at ? style_accent() : style_dim());
    }
    l->y++;
}

// One sentence that says what the numbers mean.
static const char *reading(const struct snapshot *p, const struct estimate *e)
{
    static const char *const sides[] = { [SIDE_SUPPORTS] = "it supports the target",
                                         [SIDE_OPPOSES] = "it suppresses the target",
                                         [SIDE_SURER] = "it makes the model surer",
                                         [SIDE_LESS_SURE] = "it makes the model less sure",
                                         [SIDE_NONE] = "it shapes the prediction" };
    switch (verdict_of(e, p->bar)) {
    case VERDICT_TOO_FEW:
        return "too few clusters to test";
    case VERDICT_UNTESTED:
        return metric_is_signed(p->metric) ? "not tested" : "never below 0: not tested";
    case VERDICT_CHANCE:
        return "no effect beyond chance";
    case VERDICT_NEGLIGIBLE:
        return "detectable, negligible";
    case VERDICT_EFFECT:
        break;
    }
    return sides[effect_side(e, p->metric)];
}

// What the kinds of ablation say together, folded.
static void draw_kinds(struct lines *l, const struct snapshot *p, size_t at)
{
    struct kind_effect effects[MAX_ABLATIONS];
    char names[MAX_ABLATIONS][32];
    struct buf text = { 0 };
    for (size_t k = 0; k < p->kinds.n; k++) {
        ablation_name(p->kinds.items[k], names[k], sizeof names[k]);
        effects[k].kind = names[k];
        effects[k].e = &p->by_kind[k * p->n_layers * p->n_heads + at];
    }
    kinds_verdict(effects, p->kinds.n, p->metric, p->bar, &text);
    const char *rest = text.failed || !text.len ? "" : text.data;
    for (size_t n; (n = text_break(rest, l->r.w)) && l->y < l->r.h; rest += n) {
        char part[256];
        snprintf(part, sizeof part, "%.*s", (int)n, rest);
        line(l, style_plain(), part);
    }
    buf_release(&text);
}

// What the head itself writes towards the answer, and what later parts do about its loss.
static void draw_direct(struct lines *l, const struct snapshot *p, size_t at)
{
    struct head h = { (uint32_t)(at / p->n_heads), (uint32_t)(at % p->n_heads) };
    const struct item *direct = snapshot_direct(p, h);
    char number[FORMAT_SIZE];
    if (!direct)
        return;
    format_number(direct->delta.mean, number);
    entry(l, "direct", style_bold(), number);
    const char *place = *p->facts.ablated_at ? p->facts.ablated_at : NULL;
    double indirect = p->cells[at].mean + lens_taken(&p->ablation, place) * direct->delta.mean;
    if (p->metric != METRIC_LD || isnan(indirect))
        return;
    format_number(indirect, number);
    entry(l, "indirect", style_plain(), number);
}

static void draw_effect(struct lines *l, const struct snapshot *p, size_t at)
{
    const struct estimate *e = &p->cells[at];
    char name[32], text[96], number[FORMAT_SIZE];
    format_number(e->mean, number);
    snprintf(text, sizeof text, "%s %s", number, metric_info(p->metric)->unit);
    entry(l, format_effect(p->metric, name, sizeof name), style_bold(), text);
    format_interval(e, text);
    snprintf(name, sizeof name, "%g%% CI/cell", 100 * (1 - p->bar.alpha));
    entry(l, name, style_plain(), text);
    draw_ci(l, e, p->largest);
    format_probability(e->p, number);
    entry(l, "p", style_plain(), number);
    format_probability(e->q, number);
    entry(l, "q/grid", verdict_is_effect(e, p->bar) ? style_bold() : style_plain(), number);
    if (p->forest.n_groups && p->states[at] == CELL_DONE) {
        format_probability(p->forest.found[at].p, number);
        snprintf(text, sizeof text, "p %s (f)", number);
        entry(l, "groups", style_plain(), text);
    }
    format_number(p->values[at], number);
    entry(l, "ablated", style_plain(), number);
    format_number(p->intact.mean, number);
    entry(l, p->facts.baseline, style_plain(), number);
    draw_direct(l, p, at);
    snprintf(text, sizeof text, "%" PRIu32 " / %" PRIu32, e->n, e->n_clusters);
    entry(l, "rows/clust.", style_plain(), text);
    if (p->states[at] == CELL_SAMPLED)
        line(l, style_dim(), "a sample of the rows: the rest follows");
    else if (p->by_kind)
        draw_kinds(l, p, at);
    else
        line(l, style_plain(), reading(p, e));
}

static const char *reading_of_difference(const struct estimate *e, struct verdict_bar bar)
{
    static const char *const texts[] = { [VERDICT_TOO_FEW] = "too few clusters to test",
                                         [VERDICT_UNTESTED] = "not tested",
                                         [VERDICT_CHANCE] = "no difference beyond chance",
                                         [VERDICT_NEGLIGIBLE] = "the runs differ, negligibly",
                                         [VERDICT_EFFECT] = "the runs differ" };
    return texts[verdict_of(e, bar)];
}

// The head in this run and in the kept one, and what lies between them.
static void draw_change(struct lines *l, const struct state *s, size_t at)
{
    const struct snapshot *p = s->difference;
    const struct estimate *e = &p->cells[at];
    char number[FORMAT_SIZE], text[2 * FORMAT_SIZE], name[32];
    format_number(s->snap->cells[at].mean, number);
    entry(l, "this run", style_plain(), number);
    format_number(s->saved.cells[at], number);
    entry(l, "kept run", style_plain(), number);
    format_number(e->mean, number);
    entry(l, "difference", style_bold(), number);
    format_interval(e, text);
    snprintf(name, sizeof name, "%g%% CI/cell", 100 * (1 - p->bar.alpha));
    entry(l, name, style_plain(), text);
    draw_ci(l, e, p->largest);
    format_probability(e->p, number);
    entry(l, "p", style_plain(), number);
    format_probability(e->q, number);
    entry(l, "q/grid", verdict_is_effect(e, p->bar) ? style_bold() : style_plain(), number);
    line(l, style_plain(), reading_of_difference(e, p->bar));
}

static void draw_selected(struct lines *l, const struct state *s)
{
    const struct snapshot *p = state_shows_difference(s) ? s->difference : s->snap;
    size_t at = snapshot_at(p, s->cursor), rank = snapshot_rank(p, s->cursor);
    char text[96];
    snprintf(text, sizeof text, "layer %" PRIu32 "  head %" PRIu32 "%s", s->cursor.layer,
             s->cursor.head, marks_has(&s->marks, s->cursor) ? "  *" : "");
    uint32_t x = grid_text(l->g, l->r, 0, l->y, style_bold(), text);
    if (rank)
        grid_printf(l->g, l->r, x + 2, l->y, style_dim(), "#%zu of %zu", rank, p->n_cells);
    l->y++;
    if (cell_is_measured(p->states[at]) && p == s->difference)
        draw_change(l, s, at);
    else if (cell_is_measured(p->states[at]))
        draw_effect(l, p, at);
    else
        line(l, style_dim(),
             p->states[at] == CELL_WAITING ? "not measured yet" : "not part of this run");
}

static void joint_entry(struct lines *l, const char *name, const struct estimate *e,
                        struct style style)
{
    char number[FORMAT_SIZE], interval[2 * FORMAT_SIZE];
    format_number(e->mean, number);
    format_interval(e, interval);
    grid_text(l->g, l->r, 0, l->y, style_dim(), name);
    uint32_t x = VALUE_COLUMN - 1;
    uint32_t wide = x + text_width(number) + 1 + text_width(interval);
    grid_text(l->g, l->r, x, l->y, style, number);
    if (wide <= l->r.w) {
        grid_text(l->g, l->r, x + text_width(number) + 1, l->y++, style_dim(), interval);
    } else {
        l->y++;
        grid_text(l->g, l->r, x, l->y++, style_dim(), interval);
    }
}

static bool joint_is_current(const struct state *s)
{
    return s->snap->has_joint && marks_same(&s->snap->joint.marks, &s->marks);
}

// What is left where all other heads are ablated, also as a share of the intact run's.
static void draw_kept(struct lines *l, const struct snapshot *p)
{
    const struct estimate *joint = &p->joint.effect.joint;
    double intact = p->intact.mean, left = intact + joint->mean;
    char number[FORMAT_SIZE], text[2 * FORMAT_SIZE];
    joint_entry(l, "joint", joint, style_bold());
    format_number(left, number);
    if (p->metric == METRIC_LD && fabs(intact) > 1e-3)
        snprintf(text, sizeof text, "%s, %.0f%% of intact", number, 100 * left / intact);
    else
        snprintf(text, sizeof text, "%s", number);
    entry(l, "left", style_bold(), text);
}

static void draw_marked(struct lines *l, const struct state *s)
{
    char text[256];
    size_t len = (size_t)snprintf(
        text, sizeof text, "%s %zu:", s->marks.keep_only ? "kept alone" : "marked", s->marks.n);
    for (size_t i = 0; i < s->marks.n && len < sizeof text - 24; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, " %" PRIu32 ":%" PRIu32,
                                s->marks.items[i].layer, s->marks.items[i].head);
    line(l, style_bold(), text);
    if (!marks_are_set(&s->marks))
        line(l, style_dim(), "mark another to ablate both");
    else if (!joint_is_current(s))
        line(l, style_dim(), s->joint_asked ? "measuring the set…" : "not measured: R goes on");
    else if (s->marks.keep_only)
        draw_kept(l, s->snap);
    else {
        const struct joint_effect *j = &s->snap->joint.effect;
        joint_entry(l, "joint", &j->joint, style_bold());
        joint_entry(l, "sum singles", &j->sum, style_plain());
        joint_entry(l, "interaction", &j->interaction, style_bold());
    }
}

void draw_head(struct grid *g, struct rect r, const struct state *s)
{
    if (!state_has_grid(s))
        return;
    struct lines l = { .g = g, .r = r };
    draw_selected(&l, s);
    if (!s->marks.n)
        return;
    if (l.y + 8 <= r.h)
        l.y++;
    draw_marked(&l, s);
}
