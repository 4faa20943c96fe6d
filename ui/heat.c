#include "ui/heat.h"

#include <math.h>

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

// Cells with numbers spread over what is left of the room.
static void choose_form(struct heat *h, struct heat_size room, struct heat_shape shape,
                        unsigned look)
{
    enum { WIDEST = 13 };
    struct heat_form f;
    heat_form_choose(shape, room, look & LOOK_PLAIN, &f);
    h->mode = f.mode;
    h->cell_w = f.cell_w;
    h->cell_h = f.cell_h;
    h->bars_w = f.bars_w;
    if (f.mode == HEAT_NUMBERS)
        h->cell_w = at_most((room.w - h->label_w - f.bars_w) / shape.n_heads, WIDEST);
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
    struct heat h = { .label_w = heat_label_w(p->n_layers) };
    uint32_t width = body.w > h.label_w ? body.w - h.label_w : 1;
    uint32_t height = body.h > 2 ? body.h - 2 : 1;
    choose_form(&h, (struct heat_size){ body.w, body.h },
                (struct heat_shape){ p->n_layers, p->n_heads }, s->look);
    uint32_t per_line = h.mode == HEAT_PACKED ? 2 : 1;
    uint32_t lines = (p->n_layers + per_line - 1) / per_line;
    uint32_t shown = at_most(lines, height / h.cell_h);
    h.rows = shown * h.cell_h;
    h.first_layer = scrolled(s->cursor.layer / per_line, shown, lines) * per_line;
    h.n_layers = at_most(shown * per_line, p->n_layers - h.first_layer);
    h.n_heads = at_most(p->n_heads, width / h.cell_w);
    h.first_head = scrolled(s->cursor.head, h.n_heads, p->n_heads);
    h.head_bars = h.bars_w && h.rows + 1 <= height;
    h.exponent = choose_exponent(&h, p->largest);
    uint32_t used = h.label_w + h.n_heads * h.cell_w;
    if (h.mode != HEAT_NUMBERS && used + HEAT_TOP_W <= body.w)
        h.top_x = used + 1;
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
