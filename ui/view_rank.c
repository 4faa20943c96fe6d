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

static void draw_row(struct grid *g, struct rect r, uint32_t y, const struct state *s, size_t i)
{
    const struct snapshot *p = s->snap;
    struct head h = { s->order[i] / p->n_heads, s->order[i] % p->n_heads };
    const struct estimate *e = &p->cells[s->order[i]];
    bool here = h.layer == s->cursor.layer && h.head == s->cursor.head;
    struct style st = verdict_is_effect(e, p->bar) ? style_bold() : style_plain();
    struct style rest = style_dim();
    char name[32], number[FORMAT_SIZE], interval[2 * FORMAT_SIZE], q[FORMAT_SIZE];
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
    format_interval(e, interval);
    grid_printf(g, r, 0, y, rest, "%3zu", i + 1);
    grid_text(g, r, 4, y, st, name);
    grid_printf(g, r, 10, y, st, "%7s", number);
    if (r.w < 36) {
        format_probability(e->q, q);
        grid_printf(g, r, 19, y, rest, "q %s", q);
        return;
    }
    grid_text(g, r, 19, y, rest, interval);
    format_probability(e->q, q);
    if (r.w >= 44)
        grid_printf(g, r, r.w - 8, y, rest, "%8s", q);
}

static void draw_titles(struct grid *g, struct rect r, const struct state *s)
{
    char name[32];
    grid_text(g, r, 0, 0, style_dim(), "  #");
    grid_text(g, r, 4, 0, style_dim(), "head");
    format_effect(s->snap->metric, name, sizeof name);
    grid_text(g, r, 17 - text_width(name), 0, style_dim(), name);
    if (r.w >= 36)
        grid_printf(g, r, 19, 0, style_dim(), "%g%% CI of each", 100 * (1 - s->snap->bar.alpha));
    if (r.w >= 44)
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
