// The run that is shown beside the one that was kept: of another condition, model or ablation.
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ui/format.h"
#include "ui/style.h"

static double difference(const struct state *s, size_t at)
{
    return saved_run_change(&s->saved, s->snap, at);
}

// The place of the largest |difference| below `limit`, ties in reading order behind `after`;
// SIZE_MAX where there is none.
static size_t next_largest(const struct state *s, size_t n, double limit, size_t after)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        double d = fabs(difference(s, i));
        bool later = d < limit || (!(d > limit) && i > after);
        if (isfinite(d) && later && (best == SIZE_MAX || d > fabs(difference(s, best))))
            best = i;
    }
    return best;
}

static void draw_difference(struct grid *g, struct rect r, uint32_t y, const struct state *s,
                            size_t at)
{
    const struct snapshot *p = s->snap;
    char now[FORMAT_SIZE], kept[FORMAT_SIZE], both[FORMAT_SIZE];
    format_signed(p->cells[at].mean, p->largest, 6, now);
    format_signed(s->saved.cells[at], p->largest, 6, kept);
    format_signed(difference(s, at), p->largest, 6, both);
    bool here = at == snapshot_at(p, s->cursor);
    grid_printf(g, r, 0, y, here ? style_bold() : style_plain(), "%zu:%zu", at / p->n_heads,
                at % p->n_heads);
    grid_printf(g, r, 7, y, style_plain(), "%7s %7s", now, kept);
    grid_printf(g, r, 23, y, style_bold(), "%7s", both);
}

void draw_compare(struct grid *g, struct rect r, const struct state *s)
{
    static const char *const hints[]
        = { "K keeps the run that is shown.", "Then choose another condition (C),",
            "model (M) or ablation (a):", "here are both, and d shows their",
            "difference, intervals and q." };
    if (!state_has_grid(s) || r.h < 5)
        return;
    const struct snapshot *p = s->snap;
    if (!s->saved.cells) {
        for (uint32_t i = 0; i < sizeof hints / sizeof *hints; i++)
            grid_text(g, r, 0, i, style_dim(), hints[i]);
        return;
    }
    grid_printf(g, r, 0, 0, style_dim(), "kept: %s", s->saved.name);
    if (!saved_run_fits(&s->saved, p)) {
        grid_text(g, r, 0, 1, style_warn(), "other layers and heads");
        return;
    }
    size_t n = (size_t)p->n_layers * p->n_heads, at = SIZE_MAX;
    double limit = INFINITY;
    grid_text(g, r, 0, 1, style_dim(), "head       now    kept    diff");
    for (uint32_t y = 2; y < r.h; y++) {
        at = next_largest(s, n, limit, at == SIZE_MAX ? 0 : at);
        if (at == SIZE_MAX)
            break;
        limit = fabs(difference(s, at));
        draw_difference(g, r, y, s, at);
    }
}
