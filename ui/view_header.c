// The lines around the panes: what runs, how far it is, and which keys work.
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "ui/format.h"
#include "ui/keys.h"
#include "ui/presentation.h"
#include "ui/style.h"
#include "ui/text.h"

static uint32_t separator(struct grid *g, struct rect r, uint32_t x, uint32_t y)
{
    return x + grid_text(g, r, x, y, style_dim(), " · ");
}

// One of a line's facts, or nothing where it would be cut; the column behind it.
static uint32_t item(struct grid *g, struct rect r, uint32_t x, uint32_t y, struct style style,
                     const char *text)
{
    if (x + text_width(" · ") + text_width(text) > r.w)
        return x;
    x = separator(g, r, x, y);
    return x + grid_text(g, r, x, y, style, text);
}

// A name, which takes so many columns at most: what stands behind it is not pushed out of sight.
static uint32_t name(struct grid *g, struct rect r, uint32_t x, uint32_t most, const char *text)
{
    struct rect room = { r.x, r.y, x + most < r.w ? x + most : r.w, r.h };
    return x + grid_text(g, room, x, 0, style_bold(), text);
}

// "zero"; "zero at END"; "zero, 1 of 4" where the run has several kinds of ablation.
static void kind_name(const struct snapshot *p, char *out, size_t size)
{
    size_t at = 0;
    ablation_name(p->ablation, out, size);
    while (at < p->kinds.n && !ablation_same(&p->kinds.items[at], &p->ablation))
        at++;
    if (*p->facts.ablated_at)
        snprintf(out + strlen(out), size - strlen(out), " at %s", p->facts.ablated_at);
    if (p->kinds.n > 1)
        snprintf(out + strlen(out), size - strlen(out), ", %zu of %zu", at + 1, p->kinds.n);
}

// What is shown, which may be another run than the one that has just been asked for.
static void draw_run(struct grid *g, struct rect r, const struct state *s)
{
    char text[256];
    const struct facts *f = &s->snap->facts;
    uint32_t x = 1 + grid_text(g, r, 1, 0, style_accent(), "abltui");
    x += 2;
    x = name(g, r, x, 2 * r.w / 5, f->model);
    snprintf(text, sizeof text, "%s/%s", f->condition, f->split);
    x = name(g, r, separator(g, r, x, 0), r.w / 3, text);
    if (f->compat) {
        snprintf(text, sizeof text, "COMPAT %s", f->compat);
        x = item(g, r, x, 0, style_warn(), text);
    }
    if (f->whole_answers)
        x = item(g, r, x, 0, style_accent(), "whole answers");
    x = item(g, r, x, 0, style_plain(), f->device);
    if (presentation_of(s->snap->experiment)->named)
        x = item(g, r, x, 0, style_accent(), s->snap->experiment->name);
    if (s->snap->experiment->options & READS_ABLATION) {
        kind_name(s->snap, text, sizeof text);
        x = item(g, r, x, 0, style_plain(), text);
    }
    x = item(g, r, x, 0, style_plain(), format_effect(s->snap->metric, text, sizeof text));
    snprintf(text, sizeof text, "%zu rows", f->n_rows);
    x = item(g, r, x, 0, style_plain(), text);
    x = item(g, r, x, 0, style_plain(), f->clusters);
    if (f->n_clusters < LEAST_TESTED_CLUSTERS)
        item(g, r, x, 0, style_warn(), "too few to test");
    else if (f->scope)
        item(g, r, x, 0, style_warn(), f->scope);
}

// In place of the baseline: what the cells are then.
static void draw_minus(struct grid *g, struct rect r, const struct state *s)
{
    bool paired = saved_run_is_paired(&s->saved, s->snap);
    uint32_t x = 1 + grid_text(g, r, 1, 1, style_warn(), "this run MINUS ");
    x = x + grid_text(g, r, x, 1, style_bold(), s->saved.name);
    const char *how = paired                                           ? "the same rows, paired"
                      : s->saved.by_cluster.n && s->snap->by_cluster.n ? "other rows, not paired"
                                                                       : "means alone, not tested";
    item(g, r, x, 1, style_dim(), how);
}

// A text, or those of its words that fit before "…".
static void draw_words(struct grid *g, struct rect r, uint32_t x, uint32_t y, const char *text)
{
    if (x + text_width(text) <= r.w) {
        grid_text(g, r, x, y, style_dim(), text);
        return;
    }
    size_t len = x + 2 < r.w ? text_break(text, r.w - x - 2) : 0;
    if (len && text[len - 1] == ' ')
        grid_printf(g, r, x, y, style_dim(), "%.*s…", (int)len, text);
}

static void draw_baseline(struct grid *g, struct rect r, const struct state *s)
{
    char text[256];
    const struct facts *f = &s->snap->facts;
    const struct estimate *e = &f->intact_ld;
    char mean[FORMAT_SIZE], lo[FORMAT_SIZE], hi[FORMAT_SIZE];
    double largest = fmax(fabs(e->ci_lo), fabs(e->ci_hi));
    format_signed(e->mean, largest, 5, mean);
    format_signed(e->ci_lo, largest, 5, lo);
    format_signed(e->ci_hi, largest, 5, hi);
    uint32_t x = 1 + grid_printf(g, r, 1, 1, style_plain(), "%s ld %s", f->baseline, mean);
    if (isfinite(e->ci_lo))
        x += grid_printf(g, r, x, 1, style_dim(), " [%s, %s]", lo, hi);
    snprintf(text, sizeof text, "top-1 %.0f%%", 100 * f->accuracy);
    x = item(g, r, x, 1, style_plain(), text);
    if (f->n_warnings) {
        snprintf(text, sizeof text, "%zu warning%s (%d)", f->n_warnings,
                 f->n_warnings > 1 ? "s" : "", PANE_LOG + 1);
        x = item(g, r, x, 1, style_warn(), text);
    }
    if (f->n_dropped) {
        snprintf(text, sizeof text, "%zu row%s dropped (%d)", f->n_dropped,
                 f->n_dropped > 1 ? "s" : "", PANE_LOG + 1);
        x = item(g, r, x, 1, style_warn(), text);
    }
    snprintf(text, sizeof text, "BOS %s", f->bos);
    x = item(g, r, x, 1, style_dim(), text);
    if (f->shape.has_value_bias) {
        snprintf(text, sizeof text, "value bias %s",
                 value_bias_name(s->choice.ablation.value_bias));
        bool fits = x + text_width(" · ") + text_width(text) <= r.w;
        x = item(g, r, x, 1, style_dim(), fits ? text : strchr(text, 'b'));
    }
    if (f->n_warnings) {
        x = separator(g, r, x, 1);
        draw_words(g, r, x, 1, f->warning);
    }
}

// The selected row as the model reads it, and what it is asked between: the end of a long prompt,
// as that is where the answer comes.
static void draw_row_read(struct grid *g, struct rect r, const struct state *s)
{
    const struct detail_row *row = state_row(s);
    const char *bos = s->snap->facts.bos;
    if (!row)
        return;
    uint32_t x = 1 + grid_printf(g, r, 1, 2, style_dim(), "row %" PRIu32 " ", row->number);
    uint32_t answers = text_width(row->target) + text_width(row->foil) + text_width(" → / ");
    uint32_t room = r.w > x + answers ? r.w - x - answers : 0;
    bool cut = text_width(row->prompt) > room;
    if (s->snap->facts.has_bos && text_width(bos) + text_width(row->prompt) <= room)
        x += grid_text(g, r, x, 2, style_dim(), bos);
    if (cut && room)
        x += grid_text(g, r, x, 2, style_dim(), "…"), room--;
    x += grid_text(g, r, x, 2, style_plain(), text_ending(row->prompt, room));
    x += grid_text(g, r, x, 2, style_dim(), " →");
    x += grid_text(g, r, x, 2, style_accent(), row->target);
    x += grid_text(g, r, x, 2, style_dim(), " /");
    grid_text(g, r, x, 2, style_warn(), row->foil);
}

void draw_header(struct grid *g, struct rect r, const struct state *s)
{
    if (s->snap && s->snap->has_facts) {
        draw_run(g, r, s);
        if (state_shows_difference(s))
            draw_minus(g, r, s);
        else
            draw_baseline(g, r, s);
        draw_row_read(g, r, s);
        return;
    }
    uint32_t x = 3 + grid_text(g, r, 1, 0, style_accent(), "abltui");
    x += grid_text(g, r, x, 0, style_bold(), s->choice.model);
    item(g, r, x, 0, style_bold(), s->choice.data);
}

static uint32_t draw_phase(struct grid *g, struct rect r, const struct snapshot *p)
{
    static const char *const words[] = { [RUN_LOADING] = "loading",
                                         [RUN_RUNNING] = "running",
                                         [RUN_DONE] = "done",
                                         [RUN_CANCELLED] = "cancelled",
                                         [RUN_FAILED] = "failed" };
    enum run_phase phase = p ? p->phase : RUN_LOADING;
    bool bad = phase == RUN_FAILED || phase == RUN_CANCELLED;
    return 1 + grid_text(g, r, 1, 0, bad ? style_warn() : style_bold(), words[phase]);
}

// What a run's variants are.
static const char *unit(const struct snapshot *p)
{
    return presentation_of(p->experiment)->unit;
}

// "37/144 heads ███▌      61/s  ETA 0:02", or of a coarse pass "37/144 heads, 10 of 160 rows ███▌"
static uint32_t draw_running(struct grid *g, struct rect r, uint32_t x, const struct snapshot *p)
{
    enum { BAR = 16 };
    bool coarse = p->n_sampled && !p->done;
    double seconds = p->seconds - p->coarse_seconds;
    double rate = seconds > 0 ? (double)p->done / seconds : 0;
    size_t n = coarse ? p->n_sampled : p->done;
    x += grid_printf(g, r, x, 0, style_plain(), "%zu/%zu %s", n, p->total, unit(p));
    if (coarse)
        x += grid_printf(g, r, x, 0, style_dim(), ", %zu of %zu rows", p->sample_rows,
                         p->facts.n_rows);
    x++;
    grid_fill(g, (struct rect){ r.x + x, r.y, BAR, 1 }, 0x2500, style_dim());
    grid_bar(g, r, x, 0, BAR, p->total ? (double)n / (double)p->total : 0, style_accent());
    x += BAR + 1;
    if (rate > 0) {
        unsigned long left = (unsigned long)ceil((double)(p->total - p->done) / rate);
        x += grid_printf(g, r, x, 0, style_dim(), "%.3g/s  ETA %lu:%02lu", rate, left / 60,
                         left % 60);
    }
    return x;
}

// A text or, where it is too long, its beginning and where the rest is.
static uint32_t draw_beginning(struct grid *g, struct rect r, uint32_t x, struct style style,
                               const char *text)
{
    static const char rest[] = " 4: all of it";
    uint32_t end = x + text_width(text);
    if (end <= r.w || r.w < x + sizeof rest)
        return grid_text(g, r, x, 0, style, text);
    struct rect cut = { r.x, r.y, r.w - (uint32_t)strlen(rest), r.h };
    uint32_t used = grid_text(g, cut, x, 0, style, text);
    return used + grid_text(g, r, x + used, 0, style_bold(), rest);
}

static uint32_t draw_status(struct grid *g, struct rect r, const struct state *s)
{
    const struct snapshot *p = s->snap;
    uint32_t x = draw_phase(g, r, p) + 1;
    if (!p)
        return x;
    switch (p->phase) {
    case RUN_LOADING:
        return x
               + grid_printf(g, r, x, 0, style_plain(), "%s, %s", s->choice.model, s->choice.data);
    case RUN_RUNNING:
        return draw_running(g, r, x, p);
    case RUN_DONE:
        return x
               + grid_printf(g, r, x, 0, style_dim(), "%zu %s in %.1f s", p->done, unit(p),
                             p->seconds);
    case RUN_CANCELLED:
        return x
               + grid_printf(g, r, x, 0, style_dim(), "after %zu of %zu %s; R goes on", p->done,
                             p->total, unit(p));
    case RUN_FAILED:
        return x + draw_beginning(g, r, x, style_plain(), p->err.text);
    }
    return x;
}

// How the run stands, then the message. A long one takes the place of the details, unless it is
// about no mistake and they tell how far a run is.
void draw_progress(struct grid *g, struct rect r, const struct state *s)
{
    uint32_t width = text_width(s->message);
    enum run_phase phase = s->snap ? s->snap->phase : RUN_LOADING;
    bool under_way = phase == RUN_LOADING || phase == RUN_RUNNING;
    uint32_t x = width && phase == RUN_FAILED ? r.w : draw_status(g, r, s) + 3;
    if (width && x + width > r.w && (s->message_is_error || !under_way)) {
        grid_fill(g, r, ' ', style_plain());
        x = draw_phase(g, r, s->snap) + (phase == RUN_FAILED ? 1 : 3);
    }
    draw_beginning(g, r, x, s->message_is_error ? style_warn() : style_plain(), s->message);
}

void draw_footer(struct grid *g, struct rect r, const struct state *s)
{
    size_t n;
    const struct binding *all = key_bindings(&n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        char key[16];
        if (!all[i].footer || !key_is_valid(&all[i], s))
            continue;
        key_label(all[i].key, s->look, key, sizeof key);
        if (x + text_width(key) + 1 + text_width(all[i].footer) + 1 > r.w)
            continue;
        x += grid_text(g, r, x, 0, style_bold(), key) + 1;
        x += grid_text(g, r, x, 0, style_dim(), all[i].footer) + 2;
    }
}
