#include "ui/heat.h"

#include <math.h>

enum {
    CELL_NUMBER = 5, // narrowest cell with a number: mark and four characters
    CELL_INTERVAL
    = 13, // narrowest one with an interval: frame, two numbers of five and a sign between them
    BARS = 12,
};

uint32_t heat_digits(uint32_t n)
{
    return n < 10 ? 1 : n < 100 ? 2 : n < 1000 ? 3 : 4;
}

// First of `shown` items out of n so that `at` lies in the middle, where there is room.
static uint32_t scrolled(uint32_t at, uint32_t shown, uint32_t n)
{
    uint32_t first = at > shown / 2 ? at - shown / 2 : 0;
    return first + shown > n ? n - shown : first;
}

static uint32_t at_most(uint32_t v, uint32_t limit)
{
    return v < limit ? v : limit;
}

// Pick the richest form that shows every head; width and height are those of the grid alone.
static void choose_mode(struct heat *h, uint32_t width, uint32_t height, uint32_t n_layers,
                        uint32_t n_heads, unsigned look)
{
    uint32_t roomy = width > BARS ? (width - BARS) / n_heads : 0;
    h->cell_h = 1;
    if (n_layers <= height && roomy >= CELL_NUMBER) {
        h->bars_w = BARS;
        h->mode = HEAT_NUMBERS;
        h->cell_w = at_most(roomy, CELL_INTERVAL);
        if (h->cell_w >= CELL_INTERVAL && HEAT_INTERVAL_H * n_layers + 2 <= height)
            h->cell_h = HEAT_INTERVAL_H;
        else if (h->cell_w >= HEAT_FRAMED && 3 * n_layers + 2 <= height)
            h->cell_h = 3;
    } else if (n_layers <= height && width / n_heads >= 2) {
        uint32_t w = width / n_heads;
        h->mode = w >= CELL_NUMBER ? HEAT_NUMBERS : HEAT_DIGITS;
        h->cell_w = at_most(w, CELL_INTERVAL);
    } else if (look) {
        h->mode = HEAT_DIGITS;
        h->cell_w = 2;
    } else {
        h->mode = HEAT_PACKED;
        h->cell_w = width / n_heads >= 2 ? 2 : 1;
    }
}

uint32_t heat_number_line(uint32_t cell_h)
{
    return (cell_h - 1) / 2;
}

uint32_t heat_number_room(const struct heat *h)
{
    uint32_t room = h->cell_w - (h->cell_w >= HEAT_FRAMED ? 2 : 1);
    return at_most(room, 6);
}

// Numbers of which even the largest has no two digits in its cell are shown in a unit that stands
// in the corner.
static int choose_exponent(const struct heat *h, double largest)
{
    bool small = largest > 0 && largest * pow(10, (int)heat_number_room(h) - 2) < 5;
    return h->mode == HEAT_NUMBERS && small ? (int)floor(log10(largest)) : 0;
}

struct heat heat_place(struct rect body, const struct state *s)
{
    const struct snapshot *p = s->snap;
    struct heat h = { .label_w = heat_digits(p->n_layers - 1) + 3 };
    uint32_t width = body.w > h.label_w ? body.w - h.label_w : 1;
    uint32_t height = body.h > 2 ? body.h - 2 : 1;
    choose_mode(&h, width, height, p->n_layers, p->n_heads, s->look);
    uint32_t per_line = h.mode == HEAT_PACKED ? 2 : 1;
    uint32_t lines = (p->n_layers + per_line - 1) / per_line;
    uint32_t shown = at_most(lines, height / h.cell_h);
    h.rows = shown * h.cell_h;
    h.first_layer = scrolled(s->cursor.layer / per_line, shown, lines) * per_line;
    h.n_layers = at_most(shown * per_line, p->n_layers - h.first_layer);
    h.n_heads = at_most(p->n_heads, width / h.cell_w);
    h.first_head = scrolled(s->cursor.head, h.n_heads, p->n_heads);
    h.head_bars = h.bars_w && h.rows + 2 <= height;
    h.exponent = choose_exponent(&h, p->largest);
    return h;
}

bool heat_hit(struct rect body, const struct state *s, uint32_t x, uint32_t y, struct head *out)
{
    if (!state_has_grid(s))
        return false;
    struct heat h = heat_place(body, s);
    if (x < body.x + h.label_w || y < body.y + 1)
        return false;
    uint32_t column = (x - body.x - h.label_w) / h.cell_w, line = (y - body.y - 1) / h.cell_h;
    // Packed: the first click takes the upper head, one on the selected cell the lower.
    uint32_t layer = line;
    if (h.mode == HEAT_PACKED) {
        layer = 2 * line;
        if (s->cursor.layer == h.first_layer + layer && s->cursor.head == h.first_head + column)
            layer++;
    }
    if (column >= h.n_heads || layer >= h.n_layers)
        return false;
    *out = (struct head){ h.first_layer + layer, h.first_head + column };
    return true;
}
