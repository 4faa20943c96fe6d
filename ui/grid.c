#include "ui/grid.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "ui/text.h"

bool grid_init(struct grid *g, uint32_t width, uint32_t height, struct abl_err *err)
{
    size_t n;
    if (!size_mul(width, height, &n))
        return abl_no_memory(err);
    struct cell *cells = calloc(size_max(n, 1), sizeof *cells);
    if (!cells)
        return abl_no_memory(err);
    free(g->cells);
    *g = (struct grid){ .width = width, .height = height, .cells = cells };
    grid_clear(g);
    return true;
}

void grid_release(struct grid *g)
{
    free(g->cells);
    *g = (struct grid){ 0 };
}

void grid_clear(struct grid *g)
{
    size_t n = (size_t)g->width * g->height;
    for (size_t i = 0; i < n; i++)
        g->cells[i] = (struct cell){ .character = ' ' };
    g->has_cursor = false;
}

struct cell *grid_at(const struct grid *g, uint32_t x, uint32_t y)
{
    return &g->cells[(size_t)y * g->width + x];
}

static bool color_equal(struct color a, struct color b)
{
    if (!a.set || !b.set)
        return a.set == b.set;
    return a.rgb.r == b.rgb.r && a.rgb.g == b.rgb.g && a.rgb.b == b.rgb.b;
}

bool cell_equal(const struct cell *a, const struct cell *b)
{
    return a->character == b->character && memcmp(a->marks, b->marks, sizeof a->marks) == 0
           && a->style.flags == b->style.flags && color_equal(a->style.fg, b->style.fg)
           && color_equal(a->style.bg, b->style.bg);
}

size_t cell_print(const struct cell *c, char out[CELL_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    if (c->character)
        len = text_put(c->character, out);
    for (size_t i = 0; c->character && i < CELL_MARKS && c->marks[i]; i++)
        len += text_put(c->marks[i], out + len);
    return len;
}

void grid_put(struct grid *g, uint32_t x, uint32_t y, uint32_t character, struct style style)
{
    if (x >= g->width || y >= g->height)
        return;
    if (character && !printable_character(character))
        character = '?';
    *grid_at(g, x, y) = (struct cell){ .character = character, .style = style };
}

// More marks than a cell holds are left out.
static void put_mark(struct grid *g, uint32_t x, uint32_t y, uint32_t mark)
{
    if (x >= g->width || y >= g->height)
        return;
    struct cell *c = grid_at(g, x, y);
    for (size_t i = 0; i < CELL_MARKS; i++)
        if (!c->marks[i]) {
            c->marks[i] = mark;
            return;
        }
}

static void put_shown(struct grid *g, uint32_t x, uint32_t y, struct style style,
                      const struct printable *shown, uint32_t width)
{
    if (shown->escaped) {
        for (size_t i = 0; i < shown->len; i++)
            grid_put(g, x + (uint32_t)i, y, (unsigned char)shown->text[i], style);
        return;
    }
    grid_put(g, x, y, shown->character, style);
    if (width == 2)
        grid_put(g, x + 1, y, 0, style);
}

static uint32_t put_clipped(struct grid *g, uint32_t x, uint32_t y, uint32_t room,
                            struct style style, const char *text)
{
    uint32_t used = 0, width, base = 0; // base: the cell that marks stand on
    bool fits = text_width(text) <= room;
    uint32_t limit = fits ? room : room - 1;
    struct printable shown;
    while (*text) {
        text += text_next(text, &shown, &width);
        if (!width && !used) { // a mark on nothing
            printable_escape(shown.character, &shown);
            width = (uint32_t)shown.len;
        }
        if (used + width > limit)
            break;
        if (!width) {
            put_mark(g, x + base, y, shown.character);
            continue;
        }
        base = used;
        put_shown(g, x + used, y, style, &shown, width);
        used += width;
    }
    if (!fits)
        grid_put(g, x + used++, y, 0x2026, style);
    return used;
}

uint32_t grid_text(struct grid *g, struct rect r, uint32_t x, uint32_t y, struct style style,
                   const char *text)
{
    if (x >= r.w || y >= r.h || !*text)
        return 0;
    return put_clipped(g, r.x + x, r.y + y, r.w - x, style, text);
}

uint32_t grid_printf(struct grid *g, struct rect r, uint32_t x, uint32_t y, struct style style,
                     const char *format, ...)
{
    char text[1536];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return grid_text(g, r, x, y, style, text);
}

void grid_fill(struct grid *g, struct rect r, uint32_t character, struct style style)
{
    for (uint32_t y = 0; y < r.h; y++)
        for (uint32_t x = 0; x < r.w; x++)
            grid_put(g, r.x + x, r.y + y, character, style);
}

void grid_bar(struct grid *g, struct rect r, uint32_t x, uint32_t y, uint32_t width,
              double fraction, struct style style)
{
    static const uint32_t eighths[]
        = { ' ', 0x258F, 0x258E, 0x258D, 0x258C, 0x258B, 0x258A, 0x2589 };
    double cut = fraction > 0 ? fmin(fraction, 1) : 0;
    uint32_t filled = (uint32_t)lround(cut * 8 * width);
    for (uint32_t i = 0; i < width && x + i < r.w; i++) {
        uint32_t left = filled > 8 * i ? filled - 8 * i : 0;
        if (left)
            grid_put(g, r.x + x + i, r.y + y, left >= 8 ? 0x2588 : eighths[left], style);
    }
}

void grid_dump(const struct grid *g, struct buf *out)
{
    char text[CELL_BYTES];
    for (uint32_t y = 0; y < g->height; y++) {
        for (uint32_t x = 0; x < g->width; x++)
            buf_add(out, text, cell_print(grid_at(g, x, y), text));
        buf_char(out, '\n');
    }
}
