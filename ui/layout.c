#include "ui/layout.h"

enum {
    HEADER_LINES = 3,
    SMALL_SIDE = 32,   // columns of the right pane where only one fits
    LARGE_WIDTH = 120, // from here on every pane is shown at once
    LARGE_HEIGHT = 36,
    HEAD_LINES = 21, // title included
};

static uint32_t clamp(uint32_t v, uint32_t lo, uint32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

// header   | impact | head  |
//          |        | side  |
//          |  log   |       |
// progress, footer
static void place_large(struct layout *l, struct rect left, struct rect right, enum pane side)
{
    uint32_t log = clamp(left.h / 6, 5, 9);
    l->panes[PANE_IMPACT] = (struct rect){ left.x, left.y, left.w, left.h - log };
    l->panes[PANE_LOG] = (struct rect){ left.x, left.y + left.h - log, left.w, log };
    l->panes[PANE_HEAD] = (struct rect){ right.x, right.y, right.w, HEAD_LINES };
    enum pane corner = side > PANE_LOG ? side : PANE_RANK;
    l->panes[corner]
        = (struct rect){ right.x, right.y + HEAD_LINES, right.w, right.h - HEAD_LINES };
}

struct layout layout_compute(uint32_t width, uint32_t height, enum pane side)
{
    struct layout l = { .too_small = width < MIN_WIDTH || height < MIN_HEIGHT };
    if (l.too_small)
        return l;
    uint32_t body = height - HEADER_LINES - 2;
    bool large = width >= LARGE_WIDTH && height >= LARGE_HEIGHT;
    uint32_t side_width = large ? clamp(width / 3, 46, 64) : clamp(width * 2 / 5, SMALL_SIDE, 44);
    struct rect left = { 0, HEADER_LINES, width - side_width - 1, body };
    struct rect right = { width - side_width, HEADER_LINES, side_width, body };
    l.header = (struct rect){ 0, 0, width, HEADER_LINES };
    l.divider = (struct rect){ left.w, HEADER_LINES, 1, body };
    l.progress = (struct rect){ 0, height - 2, width, 1 };
    l.footer = (struct rect){ 0, height - 1, width, 1 };
    if (large) {
        place_large(&l, left, right, side);
    } else {
        l.panes[PANE_IMPACT] = left;
        l.panes[side] = right;
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
    return r.w > 2 ? (struct rect){ r.x + 1, r.y, r.w - 2, r.h } : r;
}
