// The heads in order.
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ui/format.h"
#include "ui/style.h"
#include "ui/text.h"

// First row to show so that `at` is visible, the list standing still as long as that goes.
static size_t first_row(size_t at, size_t shown, size_t n)
{
    if (at < shown)
        return 0;
    size_t first = at - shown / 2;
    return first + shown > n ? n - shown : first;
}

enum { NARROW = 36, WITH_Q = 44 }; // columns from which on there is room for more

// Columns of the place in the order.
static uint32_t place_w(const struct state *s)
{
    return s->n_order < 1000 ? 3 : 4;
}

static void draw_interval(struct grid *g, struct rect r, uint32_t y, struct style st,
                          const struct snapshot *p, const struct estimate *e)
{
    char lo[FORMAT_SIZE], hi[FORMAT_SIZE], interval[2 * FORMAT_SIZE];
    if (r.w >= NARROW) {
        format_interval(e, interval);
        grid_text(g, r, 19, y, st, interval);
        return;
    }
    format_signed(e->ci_lo, p->largest, 5, lo);
    format_signed(e->ci_hi, p->largest, 5, hi);
    grid_printf(g, r, 18, y, st, "%s…%s", lo, hi);
}

static void draw_row(struct grid *g, struct rect r, uint32_t y, const struct state *s, size_t i)
{
    const struct snapshot *p = s->snap;
    struct head h = { s->order[i] / p->n_heads, s->order[i] % p->n_heads };
    const struct estimate *e = &p->cells[s->order[i]];
    bool here = h.layer == s->cursor.layer && h.head == s->cursor.head;
    struct style st = verdict_is_effect(e, p->bar) ? style_bold() : style_plain();
    struct style rest = style_dim();
    char name[32], number[FORMAT_SIZE], q[FORMAT_SIZE];
    uint32_t x = place_w(s);
    if (here) {
        st.flags |= STYLE_REVERSE;
        rest = st;
        grid_fill(g, (struct rect){ r.x, r.y + y, r.w, 1 }, ' ', st);
        if (s->focus == PANE_RANK) {
            g->cursor_x = r.x, g->cursor_y = r.y + y;
            g->has_cursor = true;
        }
    }
    snprintf(name, sizeof name, "%" PRIu32 ":%" PRIu32 "%s", h.layer, h.head,
             marks_has(&s->marks, h) ? "*" : "");
    format_number(e->mean, number);
    if (p->states[s->order[i]] == CELL_SAMPLED)
        st.flags |= STYLE_DIM;
    grid_printf(g, r, 0, y, rest, "%*zu", (int)x, i + 1);
    grid_text(g, r, x + 1, y, st, name);
    grid_text(g, r, 17 - text_width(number), y, st, number);
    draw_interval(g, r, y, rest, p, e);
    if (r.w < WITH_Q)
        return;
    format_probability(e->q, q);
    grid_printf(g, r, r.w - 8, y, rest, "%8s", q);
}

static void draw_titles(struct grid *g, struct rect r, const struct state *s)
{
    char name[32];
    uint32_t x = place_w(s);
    grid_printf(g, r, 0, 0, style_dim(), "%*s", (int)x, "#");
    grid_text(g, r, x + 1, 0, style_dim(), "head");
    format_effect(s->snap->metric, name, sizeof name);
    grid_text(g, r, 17 - text_width(name), 0, style_dim(), name);
    grid_printf(g, r, r.w < NARROW ? 18 : 19, 0, style_dim(), "%g%% CI of each",
                100 * (1 - s->snap->bar.alpha));
    if (r.w >= WITH_Q)
        grid_text(g, r, r.w - 8, 0, style_dim(), "q (grid)");
}

void draw_rank(struct grid *g, struct rect r, const struct state *s)
{
    if (!state_has_grid(s) || r.h < 2)
        return;
    draw_titles(g, r, s);
    size_t shown = r.h - 1, at = 0, cursor = snapshot_at(s->snap, s->cursor);
    if (shown > s->n_order)
        shown = s->n_order;
    while (at < s->n_order && s->order[at] != cursor)
        at++;
    size_t first = at < s->n_order ? first_row(at, shown, s->n_order) : 0;
    for (size_t i = 0; i < shown; i++)
        draw_row(g, r, (uint32_t)i + 1, s, first + i);
}
