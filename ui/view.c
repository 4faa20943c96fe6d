#include "ui/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ui/draw.h"
#include "ui/heat.h"
#include "ui/layout.h"
#include "ui/style.h"
#include "ui/text.h"

static const struct {
    const char *name;
    void (*draw)(struct grid *g, struct rect body, const struct state *s);
} panes[N_PANES] = {
    [PANE_IMPACT] = { "impact", draw_impact },    [PANE_HEAD] = { "head", draw_head },
    [PANE_RANK] = { "rank", draw_rank },          [PANE_LOG] = { "log", draw_log },
    [PANE_LIST] = { "recover", draw_list },       [PANE_OV] = { "ov", draw_ov },
    [PANE_ATTN] = { "attn", draw_attn },          [PANE_ROWS] = { "rows", draw_rows },
    [PANE_COMPARE] = { "compare", draw_compare },
};

// "── 1 impact ────": the focused pane's name stands out.
static uint32_t draw_tab(struct grid *g, struct rect r, uint32_t x, enum pane pane, bool named,
                         const struct state *s, bool shown)
{
    struct style st = s->focus == pane ? style_accent() : shown ? style_bold() : style_dim();
    x += grid_text(g, r, x, 0, style_plain(), " ");
    x += grid_printf(g, r, x, 0, named ? style_dim() : st, "%d", (int)pane + 1);
    if (named)
        x += grid_printf(g, r, x, 0, st, " %s", panes[pane].name);
    return x;
}

// Whether a pane can stand where another one stands now.
static bool shares_place(enum pane pane, enum pane other, bool small)
{
    bool corner = other == PANE_RANK || other > PANE_LOG;
    if (pane == other)
        return true;
    return pane != PANE_IMPACT && other != PANE_IMPACT
           && (small || (corner && pane != PANE_HEAD && pane != PANE_LOG));
}

// The titles of the panes that share a place stand side by side; where their names do not fit, only
// numbers of those that are not shown.
static void draw_title(struct grid *g, struct rect r, enum pane pane, const struct state *s,
                       bool small)
{
    uint32_t x = 1, width = 1;
    for (int other = 0; other < N_PANES; other++)
        if (shares_place(pane, (enum pane)other, small))
            width += 3 + text_width(panes[other].name);
    grid_fill(g, (struct rect){ r.x, r.y, r.w, 1 }, 0x2500, style_dim());
    for (int other = 0; other < N_PANES; other++)
        if (shares_place(pane, (enum pane)other, small))
            x = draw_tab(g, r, x, (enum pane)other, other == (int)pane || width < r.w, s,
                         other == (int)pane);
    grid_text(g, r, x, 0, style_plain(), " ");
}

static void draw_pane(struct grid *g, struct rect r, enum pane pane, const struct state *s,
                      bool shared)
{
    draw_title(g, r, pane, s, shared);
    if (pane == PANE_IMPACT && state_shows_difference(s)) {
        struct state differing = *s;
        differing.snap = s->difference;
        panes[pane].draw(g, layout_body(r), &differing);
        return;
    }
    panes[pane].draw(g, pane == PANE_IMPACT ? layout_body(r) : layout_text(r), s);
}

static void draw_too_small(struct grid *g, const struct state *s)
{
    struct rect screen = { 0, 0, s->width, s->height };
    char text[96];
    snprintf(text, sizeof text, "terminal is %" PRIu32 "x%" PRIu32 "; abltui needs %dx%d", s->width,
             s->height, MIN_WIDTH, MIN_HEIGHT);
    uint32_t w = text_width(text), middle = s->height / 2;
    grid_text(g, screen, w < s->width ? (s->width - w) / 2 : 0, middle, style_bold(), text);
    if (middle + 1 < s->height)
        grid_text(g, screen, s->width > 20 ? s->width / 2 - 10 : 0, middle + 1, style_dim(),
                  "enlarge it or press q");
}

// What a terminal without Unicode shows instead.
static uint32_t to_ascii(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        char as;
    } ranges[] = { { 0x2500, 0x2500, '-' }, { 0x2501, 0x2501, '=' }, { 0x2502, 0x2502, '|' },
                   { 0x250C, 0x2518, '+' }, { 0x256D, 0x2570, '+' }, { 0x2193, 0x2193, 'v' },
                   { 0x2248, 0x2248, '~' }, { 0x25B4, 0x25B4, '^' }, { 0x25BE, 0x25BE, 'v' },
                   { 0x2192, 0x2192, '>' }, { 0x25B8, 0x25B8, '>' }, { 0x2581, 0x2584, '.' },
                   { 0x2585, 0x2587, ':' }, { 0x2588, 0x2590, '#' }, { 0x25CF, 0x25CF, 'o' },
                   { 0x00B7, 0x00B7, '.' }, { 0x2026, 0x2026, '~' }, { 0x0394, 0x0394, 'd' },
                   { 0x00D7, 0x00D7, 'x' } };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return (uint32_t)ranges[i].as;
    return c == 0 ? ' ' : c < 0x80 ? c : '?'; // 0: the second column of a wide character
}

void view_draw(const struct state *s, struct grid *g)
{
    grid_clear(g);
    struct layout l = layout_compute(s->width, s->height, s->side);
    if (l.too_small) {
        draw_too_small(g, s);
        return;
    }
    draw_header(g, l.header, s);
    bool shared = !l.panes[PANE_LOG].w || !l.panes[PANE_HEAD].w; // a small screen
    grid_fill(g, l.divider, 0x2502, style_dim());
    for (int pane = 0; pane < N_PANES; pane++)
        if (l.panes[pane].w)
            draw_pane(g, l.panes[pane], (enum pane)pane, s, shared);
    draw_progress(g, l.progress, s);
    draw_footer(g, l.footer, s);
    if (s->overlay != OVERLAY_NONE)
        draw_overlay(g, (struct rect){ 0, 0, s->width, s->height - 2 }, s);
    if (s->look & LOOK_ASCII)
        for (size_t i = 0; i < (size_t)g->width * g->height; i++)
            g->cells[i] = (struct cell){ .character = to_ascii(g->cells[i].character),
                                         .style = g->cells[i].style };
}

bool view_hit(const struct state *s, uint32_t x, uint32_t y, struct head *out)
{
    struct layout l = layout_compute(s->width, s->height, s->side);
    struct rect r = l.panes[PANE_IMPACT];
    bool inside = x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h;
    return !l.too_small && inside && s->overlay == OVERLAY_NONE
           && heat_hit(layout_body(r), s, x, y, out);
}
