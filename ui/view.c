#include "ui/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ui/draw.h"
#include "ui/heat.h"
#include "ui/layout.h"
#include "ui/pane_name.h"
#include "ui/style.h"
#include "ui/text.h"

static void (*const draw_as[N_PANES])(struct grid *g, struct rect body, const struct state *s) = {
    [PANE_IMPACT] = draw_impact, [PANE_HEAD] = draw_head, [PANE_RANK] = draw_rank,
    [PANE_LOG] = draw_log,       [PANE_LIST] = draw_list, [PANE_OV] = draw_ov,
    [PANE_ATTN] = draw_attn,     [PANE_ROWS] = draw_rows, [PANE_COMPARE] = draw_compare,
    [PANE_SAY] = draw_say,
};

// " 1 impact" at column x: the focused pane's name stands out.
static uint32_t draw_tab(struct grid *g, struct rect r, uint32_t x, enum pane pane,
                         const struct state *s, bool shown)
{
    struct style st = s->focus == pane ? style_accent() : shown ? style_bold() : style_dim();
    x += grid_text(g, r, x, 0, style_plain(), " ");
    if (pane_is_numbered(pane))
        x += grid_printf(g, r, x, 0, style_dim(), "%d ", (int)pane + 1);
    return x + grid_text(g, r, x, 0, st, pane_name(pane));
}

static uint32_t tab_width(enum pane pane)
{
    char label[32];
    pane_label(pane, label, sizeof label);
    return 1 + text_width(label);
}

static const char more_tabs[] = " w more";

// The names of the corner's pane and of those without a place, side by side; where there is no room
// for all of them, the key that lists them.
static void draw_tabs(struct grid *g, const struct layout *l, const struct state *s)
{
    uint32_t all = 0;
    for (int i = 0; i < N_PANES; i++)
        if (i == (int)l->corner || !layout_has(l, (enum pane)i))
            all += tab_width((enum pane)i);
    struct rect r = l->tabs;
    uint32_t corner = l->panes[l->corner].x - r.x;
    uint32_t x = r.w < all + 2 ? 1 : r.w - all - 1 < corner ? r.w - all - 1 : corner + 1;
    bool fits = x + all < r.w;
    uint32_t room = fits ? r.w : r.w - (uint32_t)strlen(more_tabs) - 1, owed = tab_width(l->corner);
    grid_fill(g, (struct rect){ r.x + x - 1, r.y, r.w - x + 1, 1 }, 0x2500, style_dim());
    for (int i = 0; i < N_PANES; i++) {
        enum pane pane = (enum pane)i;
        bool here = pane == l->corner;
        owed = here ? 0 : owed;
        if ((here || !layout_has(l, pane)) && x + tab_width(pane) + owed <= room)
            x = draw_tab(g, r, x, pane, s, here);
    }
    if (!fits)
        x += grid_text(g, r, x, 0, style_dim(), more_tabs);
    grid_text(g, r, x, 0, style_plain(), " ");
}

static void draw_title(struct grid *g, struct rect r, enum pane pane, const struct state *s)
{
    grid_fill(g, (struct rect){ r.x, r.y, r.w, 1 }, 0x2500, style_dim());
    grid_text(g, r, draw_tab(g, r, 1, pane, s, true), 0, style_plain(), " ");
}

static void draw_pane(struct grid *g, struct rect r, enum pane pane, const struct state *s)
{
    draw_title(g, r, pane, s);
    if (pane == PANE_IMPACT && state_shows_difference(s)) {
        struct state differing = *s;
        differing.snap = s->difference;
        draw_as[pane](g, layout_body(r), &differing);
        return;
    }
    if (pane == PANE_IMPACT && state_map_item(s)) {
        draw_map(g, layout_body(r), s);
        return;
    }
    draw_as[pane](g, pane == PANE_IMPACT ? layout_body(r) : layout_text(r), s);
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
                   { 0x2192, 0x2192, '>' }, { 0x25B8, 0x25B8, '>' }, { 0x25C2, 0x25C2, '<' },
                   { 0x2581, 0x2584, '.' }, { 0x2585, 0x2587, ':' }, { 0x2588, 0x2590, '#' },
                   { 0x25CF, 0x25CF, 'o' }, { 0x00B7, 0x00B7, '.' }, { 0x2026, 0x2026, '~' },
                   { 0x0394, 0x0394, 'd' }, { 0x00D7, 0x00D7, 'x' } };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return (uint32_t)ranges[i].as;
    return c == 0 ? ' ' : c < 0x80 ? c : '?'; // 0: the second column of a wide character
}

void view_draw(const struct state *s, struct grid *g)
{
    grid_clear(g);
    struct layout l = state_layout(s);
    if (l.too_small) {
        draw_too_small(g, s);
        return;
    }
    draw_header(g, l.header, s);
    for (size_t i = 0; i < l.n_dividers; i++)
        grid_fill(g, l.dividers[i], 0x2502, style_dim());
    for (int pane = 0; pane < N_PANES; pane++)
        if (layout_has(&l, (enum pane)pane))
            draw_pane(g, l.panes[pane], (enum pane)pane, s);
    draw_tabs(g, &l, s);
    draw_progress(g, l.progress, s);
    draw_footer(g, l.footer, s);
    if (s->overlay != OVERLAY_NONE)
        draw_overlay(g, (struct rect){ 0, 0, s->width, s->height - 2 }, s);
    if (s->look & LOOK_ASCII)
        for (size_t i = 0; i < (size_t)g->width * g->height; i++)
            g->cells[i] = (struct cell){ .character = to_ascii(g->cells[i].character),
                                         .style = g->cells[i].style };
}

bool view_pane_at(const struct state *s, uint32_t x, uint32_t y, enum pane *out)
{
    struct layout l = state_layout(s);
    for (int i = 0; !l.too_small && s->overlay == OVERLAY_NONE && i < N_PANES; i++) {
        struct rect r = l.panes[i];
        *out = (enum pane)i;
        if (x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h)
            return true;
    }
    return false;
}

bool view_hit(const struct state *s, uint32_t x, uint32_t y, struct head *out)
{
    enum pane pane;
    struct layout l = state_layout(s);
    return view_pane_at(s, x, y, &pane) && pane == PANE_IMPACT && !state_map_item(s)
           && heat_hit(layout_body(l.panes[PANE_IMPACT]), s, x, y, out);
}
