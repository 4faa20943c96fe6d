// Results that are no heads of the grid, a line each: sets, heads given back, patched places, parts
// of the logits.
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ui/format.h"
#include "ui/presentation.h"
#include "ui/style.h"
#include "ui/text.h"

// First line to show so that `at` is visible.
static size_t first_line(size_t at, size_t shown, size_t n)
{
    if (at < shown)
        return 0;
    size_t first = at - shown / 2;
    return first + shown > n ? n - shown : first;
}

// The number of a line, and how much of the bar it fills.
static double measure(const struct snapshot *p, const struct item *e, char out[FORMAT_SIZE])
{
    if (!e->done) {
        snprintf(out, FORMAT_SIZE, "·");
        return 0;
    }
    const char *about = e->sampled ? "~" : "";
    if (e->has_recovery && isfinite(e->recovery.ratio.mean)) {
        snprintf(out, FORMAT_SIZE, "%s%.0f%%%s", about, round(100 * e->recovery.ratio.mean) + 0.0,
                 e->recovery.small ? "?" : "");
        return e->recovery.ratio.mean;
    }
    char number[FORMAT_SIZE];
    format_number(e->delta.mean, number);
    snprintf(out, FORMAT_SIZE, "%s%.*s", about, FORMAT_SIZE - 2, number);
    return p->items_scale > 0 ? fabs(e->delta.mean) / p->items_scale : 0;
}

static void draw_item(struct grid *g, struct rect r, uint32_t y, const struct state *s, size_t i)
{
    enum { NUMBER = 8, BESIDE = NUMBER + 5 }; // number, and a short bar
    const struct snapshot *p = s->snap;
    const struct item *e = &p->items[i];
    char number[FORMAT_SIZE];
    double fraction = measure(p, e, number);
    uint32_t label_w = r.w < 3 * BESIDE ? r.w - BESIDE : r.w / 2, x = label_w + 1;
    struct rect name = { r.x, r.y + y, label_w, 1 };
    struct style st = i == s->item ? style_bold() : style_plain();
    if (i == s->item) {
        st.flags |= STYLE_REVERSE;
        grid_fill(g, name, ' ', st);
        if (s->focus == PANE_LIST) {
            g->cursor_x = r.x, g->cursor_y = r.y + y;
            g->has_cursor = true;
        }
    }
    grid_text(g, name, e->indented ? 2 : 0, 0, st, e->label);
    uint32_t bar = r.w > x + NUMBER ? r.w - x - NUMBER : 0;
    bool down = e->has_recovery ? fraction < 0 : e->delta.mean < 0;
    grid_bar(g, r, x, y, bar, fabs(fraction), down ? style_warn() : style_accent());
    grid_printf(g, r, r.w - NUMBER, y, style_plain(), "%*s", NUMBER, number);
}

static uint32_t entry(struct grid *g, struct rect r, uint32_t y, const char *name, double value,
                      const struct estimate *e)
{
    char number[FORMAT_SIZE], interval[2 * FORMAT_SIZE] = "";
    format_number(value, number);
    if (e)
        format_interval(e, interval);
    grid_text(g, r, 0, y, style_dim(), name);
    uint32_t x = 10 + grid_text(g, r, 10, y, style_bold(), number);
    grid_text(g, r, x + 1, y, style_dim(), interval);
    return y + 1;
}

// Of how many rows a patch tells, and what it does in those whose prompts differ there.
static uint32_t draw_changed(struct grid *g, struct rect r, uint32_t y, const struct item *e)
{
    const struct changed_effect *c = &e->changed;
    char delta[FORMAT_SIZE];
    format_number(c->delta.mean, delta);
    grid_text(g, r, 0, y, style_dim(), "rows");
    if (!c->delta.n || c->delta.n == e->delta.n)
        grid_printf(g, r, 10, y, style_bold(), "%" PRIu32 ", %s differ there", e->delta.n,
                    c->delta.n ? "all" : "none");
    else
        grid_printf(g, r, 10, y, style_bold(), "%" PRIu32 ", %" PRIu32 " differ: %s, %.0f%%",
                    e->delta.n, c->delta.n, delta, 100 * c->recovery);
    return y + 1;
}

// The selected line in full; as many lines as list_room leaves.
static void draw_selected(struct grid *g, struct rect r, const struct state *s)
{
    const struct snapshot *p = s->snap;
    const struct item *e = &p->items[s->item];
    char name[32];
    grid_text(g, r, 0, 0, style_bold(), e->label);
    if (!e->done) {
        grid_text(g, r, 0, 1, style_dim(), "not measured yet");
        return;
    }
    if (e->sampled)
        grid_printf(g, r, text_width(e->label) + 2, 0, style_dim(), "~ over %zu of %zu rows",
                    p->sample_rows, p->facts.n_rows);
    const char *effect = presentation_of(p->experiment)->item_effect;
    if (!effect)
        effect = format_effect(p->metric, name, sizeof name);
    uint32_t y = entry(g, r, 1, effect, e->delta.mean, &e->delta);
    if (!e->has_recovery)
        return;
    y = entry(g, r, y, "recovery", e->recovery.ratio.mean, &e->recovery.ratio);
    if (e->has_changed)
        y = draw_changed(g, r, y, e);
    y = entry(g, r, y, "damaged", e->recovery.damaged, NULL);
    y = entry(g, r, y, "patched", e->recovery.patched, NULL);
    y = entry(g, r, y, "reference", e->recovery.reference, NULL);
    if (e->recovery.small)
        grid_text(g, r, 0, y, style_warn(), "? damaged is hardly below reference");
}

void draw_list(struct grid *g, struct rect r, const struct state *s)
{
    enum { SELECTED = 8 };
    if (!state_has_grid(s) || r.h < 4)
        return;
    const struct snapshot *p = s->snap;
    if (!p->n_items) {
        size_t used = 0;
        const char *text = presentation_of(p->experiment)->empty_list;
        for (uint32_t y = 0; y < r.h && (used = text_break(text, r.w)); y++, text += used) {
            struct rect line = { r.x, r.y + y, r.w, 1 };
            char part[128];
            snprintf(part, sizeof part, "%.*s", (int)used, text);
            grid_text(g, line, 0, 0, style_dim(), part);
        }
        return;
    }
    uint32_t below = r.h > 2 * SELECTED ? SELECTED : r.h / 3;
    size_t shown = r.h - below - 1;
    if (shown > p->n_items)
        shown = p->n_items;
    size_t first = first_line(s->item, shown, p->n_items);
    for (size_t i = 0; i < shown; i++)
        draw_item(g, r, (uint32_t)i, s, first + i);
    draw_selected(g, (struct rect){ r.x, r.y + r.h - below, r.w, below }, s);
}
