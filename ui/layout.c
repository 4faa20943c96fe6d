#include "ui/layout.h"

#include "ui/heat_form.h"

enum {
    HEADER_LINES = 3,
    LEAST_SIDE = 30, // columns beside the heatmap
    TALL = 34,       // lines of a column that the selected head shares with another pane
    HEAD_LINES = 20, // title included, like all of these
    OV_LINES = 13,
    TWIN_WIDTH = 75,   // columns beside the heatmap that hold two panes,
    SHARED_WIDTH = 93, // and below it
    LEAST_LOG = 4,
    LEAST_RANK = 8,
    LEAST_ROWS = 11,
    MAP_TITLE = 12, // columns of "─ 1 impact "
};

static uint32_t clamp(uint32_t v, uint32_t lo, uint32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// The first lines of r; r keeps the rest.
static struct rect take_lines(struct rect *r, uint32_t n)
{
    struct rect top = { r->x, r->y, r->w, n };
    r->y += n;
    r->h -= n;
    return top;
}

// The first columns of r, with a divider behind; r keeps the rest.
static struct rect take_columns(struct layout *l, struct rect *r, uint32_t n)
{
    struct rect left = { r->x, r->y, n, r->h };
    l->dividers[l->n_dividers++] = (struct rect){ r->x + n, r->y, 1, r->h };
    r->x += n + 1;
    r->w -= n + 1;
    return left;
}

// Columns and lines for the heatmap, title included: what its heads need, and no less than two
// fifths of the width.
static struct heat_size map_size(const struct layout_ask *ask, struct rect body)
{
    uint32_t side = larger(LEAST_SIDE, ask->width * 28 / 100);
    struct heat_size most = { body.w - 1 - side, body.h - 1 };
    if (ask->patches.w)
        return (struct heat_size){ clamp(ask->patches.w, body.w * 2 / 5, most.w),
                                   ask->patches.h + 1 };
    struct heat_shape shape = { ask->n_layers, ask->n_heads };
    struct heat_form form;
    if (!ask->n_layers || !ask->n_heads || !heat_form_choose(shape, most, ask->plain, &form))
        return (struct heat_size){ most.w, body.h };
    struct heat_size need = heat_form_size(&form, shape);
    if (form.cell_h > 1
        && need.h > body.h * 3 / 5) { // air between lines is no reason to hide panes
        form.cell_h = 1;
        form.cell_w = HEAT_FRAMED;
        need = heat_form_size(&form, shape);
    }
    return (struct heat_size){ clamp(need.w, body.w * 2 / 5, most.w), need.h + 1 };
}

// head | ov        head        corner
// rank | corner    (ov)
//                  corner
static struct rect place_beside(struct layout *l, struct rect r)
{
    bool tall = r.h >= TALL;
    if (r.w >= TWIN_WIDTH) {
        struct rect left = take_columns(l, &r, (r.w - 1) / 2);
        l->panes[PANE_HEAD] = tall ? take_lines(&left, HEAD_LINES) : left;
        if (tall) {
            l->panes[PANE_RANK] = left;
            l->panes[PANE_OV] = take_lines(&r, HEAD_LINES);
        }
    } else if (tall) {
        l->panes[PANE_HEAD] = take_lines(&r, HEAD_LINES);
        if (r.h >= OV_LINES + HEAD_LINES)
            l->panes[PANE_OV] = take_lines(&r, OV_LINES);
    }
    return r;
}

// Below the heatmap: the rank where the corner has the selected head, else attention and rows, and
// the log.
static void place_below(struct layout *l, struct rect r)
{
    bool has_head = layout_has(l, PANE_HEAD), wide = r.w >= SHARED_WIDTH;
    uint32_t log = r.h >= 2 * LEAST_RANK ? clamp(r.h / 4, 5, 8) : 0;
    struct rect upper = take_lines(&r, r.h - log);
    if (!has_head && upper.h >= LEAST_RANK)
        l->panes[PANE_RANK] = upper;
    else if (wide && log) {
        l->panes[PANE_ATTN] = take_columns(l, &upper, upper.w * 9 / 20);
        l->panes[PANE_ROWS] = upper;
    } else if (upper.h >= LEAST_ROWS) {
        if (wide)
            l->panes[PANE_LOG] = take_columns(l, &upper, upper.w / 2);
        l->panes[PANE_ROWS] = upper;
    } else {
        l->panes[PANE_LOG] = upper;
    }
    if (log)
        l->panes[PANE_LOG] = r;
}

// The corner's pane is the last used one that has no place.
static void place_corner(struct layout *l, const struct layout_ask *ask, struct rect r)
{
    size_t i = 0;
    while (i + 1 < N_PANES && (ask->recent[i] == PANE_IMPACT || layout_has(l, ask->recent[i])))
        i++;
    l->corner = ask->recent[i];
    l->panes[l->corner] = r;
    l->tabs = (struct rect){ r.x, r.y, r.w, 1 };
}

static void place_panes(struct layout *l, const struct layout_ask *ask, struct rect body)
{
    struct heat_size map = map_size(ask, body);
    struct rect left = take_columns(l, &body, map.w);
    bool alone = body.w < TWIN_WIDTH && body.h < TALL;
    struct rect corner = place_beside(l, body);
    if (left.h < map.h + LEAST_LOG)
        map.h = left.h;
    l->panes[PANE_IMPACT] = take_lines(&left, map.h);
    if (left.h)
        place_below(l, left);
    place_corner(l, ask, corner);
    if (alone) { // nothing else stands in the first line
        l->tabs.w += l->tabs.x - MAP_TITLE;
        l->tabs.x = MAP_TITLE;
    }
}

struct layout layout_compute(const struct layout_ask *ask)
{
    struct layout l = { .too_small = ask->width < MIN_WIDTH || ask->height < MIN_HEIGHT };
    if (l.too_small)
        return l;
    struct rect body = { 0, HEADER_LINES, ask->width, ask->height - HEADER_LINES - 2 };
    l.header = (struct rect){ 0, 0, ask->width, HEADER_LINES };
    l.progress = (struct rect){ 0, ask->height - 2, ask->width, 1 };
    l.footer = (struct rect){ 0, ask->height - 1, ask->width, 1 };
    if (ask->zoomed == N_PANES) {
        place_panes(&l, ask, body);
    } else {
        l.corner = ask->zoomed;
        l.panes[l.corner] = body;
        l.tabs = (struct rect){ 0, body.y, body.w, 1 };
    }
    return l;
}

struct rect layout_body(struct rect pane)
{
    if (pane.h < 1)
        return pane;
    return (struct rect){ pane.x, pane.y + 1, pane.w, pane.h - 1 };
}

struct rect layout_text(struct rect pane)
{
    struct rect r = layout_body(pane);
    return r.w > 2 ? (struct rect){ r.x + 1, r.y, r.w - 1, r.h } : r;
}
