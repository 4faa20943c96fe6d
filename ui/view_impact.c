// The layer x head heatmap: numbers where they fit, else a signed digit, else two layers packed
// into a line.
//
//        0      1      2            0  1  2  3            0   4   8
//   L0 [+0.12] -0.03  +2e-5     L0[+9]-1  0  ·        L0 ▀▀▀▀▀▀▀▀▀▀▀
//   L1  +0.41 *-0.22  +0.01     L1 +2*-7 -1 +4        L2 ▀▀▀▴▀▀▀▀▀▀▀
//
// The cursor never inverts a cell, whose colour is a value: it has brackets or a frame and an
// underline. Where a cell has no column for a bracket, the sign becomes a triangle that points up
// for + and down for -.
#include "ui/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/palette.h"
#include "ui/format.h"
#include "ui/heat.h"
#include "ui/presentation.h"
#include "ui/style.h"
#include "ui/text.h"

static double relative(const struct snapshot *p, size_t at)
{
    return p->scale > 0 ? p->cells[at].mean / p->scale : 0;
}

static struct style heat_style(const struct state *s, size_t at)
{
    const struct snapshot *p = s->snap;
    struct style st = { 0 };
    if (!(s->look & LOOK_MONO))
        st = style_effect(relative(p, at), s->look);
    if (verdict_is_effect(&p->cells[at], p->bar))
        st.flags |= STYLE_BOLD;
    if (p->states[at] == CELL_SAMPLED)
        st.flags |= STYLE_DIM;
    return st;
}

// What stands in a cell, without mark and brackets.
static void cell_text(const struct heat *h, const struct snapshot *p, size_t at,
                      char out[FORMAT_SIZE])
{
    double effect = p->cells[at].mean, unit = pow(10, h->exponent);
    if (h->mode == HEAT_NUMBERS) {
        format_signed(effect / unit, p->largest / unit, heat_number_room(h), out);
        return;
    }
    long digit = lround(fmin(fabs(9 * relative(p, at)), 9));
    snprintf(out, FORMAT_SIZE, "%c%ld", !digit ? ' ' : effect < 0 ? '-' : '+', digit);
}

static bool is_cursor(const struct state *s, uint32_t layer, uint32_t head)
{
    return layer == s->cursor.layer && head == s->cursor.head;
}

static void put_cursor(struct grid *g, uint32_t x, uint32_t y)
{
    g->cursor_x = x;
    g->cursor_y = y;
    g->has_cursor = true;
}

// Lines around a cell of three or more lines; brackets in a lower one.
static void draw_frame(struct grid *g, struct rect box, struct style st)
{
    uint32_t right = box.w - 1, bottom = box.h - 1;
    if (box.h < 3) {
        grid_text(g, box, 0, 0, st, "[");
        grid_text(g, box, right, 0, st, "]");
        return;
    }
    for (uint32_t x = 1; x < right; x++) {
        grid_put(g, box.x + x, box.y, 0x2500, st);
        grid_put(g, box.x + x, box.y + bottom, 0x2500, st);
    }
    for (uint32_t y = 1; y < bottom; y++) {
        grid_put(g, box.x, box.y + y, 0x2502, st);
        grid_put(g, box.x + right, box.y + y, 0x2502, st);
    }
    grid_put(g, box.x, box.y, 0x250C, st);
    grid_put(g, box.x + right, box.y, 0x2510, st);
    grid_put(g, box.x, box.y + bottom, 0x2514, st);
    grid_put(g, box.x + right, box.y + bottom, 0x2518, st);
}

// The cursor's sign in a cell of two columns: what stands there says which way the effect goes.
static uint32_t pointer(char sign)
{
    return sign == '+' ? 0x25B4 : sign == '-' ? 0x25BE : 0x25B8;
}

// A cell of the grid: a box with a text that begins in column x of its line y.
struct heat_cell {
    struct rect box;
    struct head head;
    struct style style;
    uint32_t x, y;
    char text[FORMAT_SIZE];
};

static struct heat_cell place_cell(struct rect box, const struct heat *h, const struct state *s,
                                   struct head head)
{
    const struct snapshot *p = s->snap;
    size_t at = snapshot_at(p, head);
    struct heat_cell c
        = { .box = box, .head = head, .style = style_dim(), .y = heat_number_line(box.h) };
    if (cell_is_measured(p->states[at])) {
        c.style = heat_style(s, at);
        cell_text(h, p, at, c.text);
    } else {
        strcpy(c.text, p->states[at] == CELL_WAITING ? "·" : " ");
    }
    uint32_t len = text_width(c.text), after = h->cell_w >= HEAT_FRAMED ? 1 : 0;
    c.x = h->cell_w > len + after ? h->cell_w - len - after : 0;
    if (h->cell_w > HEAT_FRAMED)
        c.x -= (h->cell_w - HEAT_FRAMED) / 2;
    return c;
}

static struct style sign_style(struct style st)
{
    st.flags = (st.flags & ~(unsigned)(STYLE_UNDERLINE | STYLE_DIM)) | STYLE_BOLD;
    return st;
}

// The cursor's part in its cell and in the next one.
static void draw_cell_cursor(struct grid *g, const struct heat_cell *c, const struct state *s)
{
    struct style sign = sign_style(c->style);
    bool here = is_cursor(s, c->head.layer, c->head.head);
    bool after = c->head.head && is_cursor(s, c->head.layer, c->head.head - 1);
    if (here && c->box.w >= HEAT_FRAMED)
        draw_frame(g, c->box, sign);
    else if (here && c->box.w >= HEAT_BRACKETED)
        grid_text(g, c->box, 0, c->y, sign, "[");
    else if (here && !(s->look & LOOK_MONO))
        grid_put(g, c->box.x, c->box.y, pointer(*c->text), c->style);
    else if (after && c->box.w >= HEAT_BRACKETED && c->box.w < HEAT_FRAMED)
        grid_text(g, c->box, 0, c->y, sign, "]");
    if (here)
        put_cursor(g, c->box.x + (c->box.w > 2 ? c->x : 0), c->box.y + c->y);
}

// "-5.43…-4.50" below the number.
static void draw_cell_interval(struct grid *g, const struct heat_cell *c, const struct heat *h,
                               const struct state *s)
{
    const struct snapshot *p = s->snap;
    const struct estimate *e = &p->cells[snapshot_at(p, c->head)];
    char lo[FORMAT_SIZE], hi[FORMAT_SIZE];
    double unit = pow(10, h->exponent);
    if (h->cell_h < HEAT_INTERVAL_H || !cell_is_measured(p->states[snapshot_at(p, c->head)])
        || !isfinite(e->ci_lo))
        return;
    struct style st = c->style;
    st.flags &= (unsigned)STYLE_REVERSE;
    format_signed(e->ci_lo / unit, p->largest / unit, 5, lo);
    format_signed(e->ci_hi / unit, p->largest / unit, 5, hi);
    uint32_t len = text_width(lo) + 1 + text_width(hi);
    if (len + 2 <= c->box.w)
        grid_printf(g, c->box, c->box.w - 1 - len, c->y + 1, st, "%s…%s", lo, hi);
}

static void draw_cell(struct grid *g, struct rect box, const struct heat *h, const struct state *s,
                      struct head head)
{
    struct heat_cell c = place_cell(box, h, s, head);
    bool here = is_cursor(s, head.layer, head.head), marked = marks_has(&s->marks, head);
    if (here && s->look & LOOK_MONO)
        c.style.flags |= STYLE_REVERSE;
    grid_fill(g, box, ' ', c.style);
    if (box.w < HEAT_BRACKETED ? marked : here)
        c.style.flags |= STYLE_UNDERLINE;
    grid_text(g, box, c.x, c.y, c.style, c.text);
    draw_cell_interval(g, &c, h, s);
    draw_cell_cursor(g, &c, s);
    if (marked && c.x)
        grid_text(g, box, c.x - 1, c.y, c.style, "*");
}

// Two layers in one line: the upper half is the foreground of ▀, the lower its background. A
// selected or marked head shows a sign that points at its half, on that half's colour.
static void draw_pair(struct grid *g, struct rect box, const struct state *s, struct head upper)
{
    const struct snapshot *p = s->snap;
    struct head pair[2] = { upper, { upper.layer + 1, upper.head } };
    struct color color[2] = { 0 };
    uint32_t sign = 0;
    int sign_half = 0;
    bool waiting = false;
    for (int i = 0; i < 2 && pair[i].layer < p->n_layers; i++) {
        size_t at = snapshot_at(p, pair[i]);
        if (cell_is_measured(p->states[at]))
            color[i] = heat_style(s, at).bg;
        waiting |= p->states[at] == CELL_WAITING;
        if (is_cursor(s, pair[i].layer, pair[i].head)) {
            sign = i ? 0x25BE : 0x25B4;
            sign_half = i;
        }
    }
    struct style st = { .fg = color[0], .bg = color[1] };
    uint32_t c = color[0].set ? 0x2580 : color[1].set ? 0x2584 : waiting ? 0xB7 : ' ';
    if (c == 0x2584)
        st = (struct style){ .fg = color[1] };
    else if (c == 0xB7)
        st = style_dim();
    grid_fill(g, box, c, st);
    bool up = marks_has(&s->marks, pair[0]), low = marks_has(&s->marks, pair[1]);
    uint32_t mark = up && low ? ':' : up ? '"' : low ? ',' : 0;
    if (!sign && !mark)
        return;
    struct color back = color[sign ? sign_half : up ? 0 : 1];
    struct style over = { .bg = back, .flags = STYLE_BOLD };
    if (back.set)
        over.fg = (struct color){ true, palette_ink(back.rgb) };
    if (mark)
        grid_put(g, box.x + box.w - 1, box.y, mark, over);
    if (sign)
        grid_put(g, box.x, box.y, sign, over);
    if (sign && box.w > 1)
        put_cursor(g, box.x, box.y);
}

// The last head's right bracket has no next cell to stand in.
static void close_last(struct grid *g, struct rect body, const struct heat *h,
                       const struct state *s)
{
    uint32_t x = h->label_w + h->n_heads * h->cell_w;
    bool last = s->cursor.head == h->first_head + h->n_heads - 1;
    if (last && x < body.w && h->cell_w >= HEAT_BRACKETED && h->cell_w < HEAT_FRAMED)
        grid_text(g, body, x, 1 + (s->cursor.layer - h->first_layer) * h->cell_h, style_bold(),
                  "]");
}

static void draw_cells(struct grid *g, struct rect body, const struct heat *h,
                       const struct state *s)
{
    uint32_t step = h->mode == HEAT_PACKED ? 2 : 1;
    for (uint32_t l = 0; l < h->n_layers; l += step)
        for (uint32_t i = 0; i < h->n_heads; i++) {
            struct head head = { h->first_layer + l, h->first_head + i };
            struct rect box = { body.x + h->label_w + i * h->cell_w,
                                body.y + 1 + l / step * h->cell_h, h->cell_w, h->cell_h };
            if (h->mode == HEAT_PACKED)
                draw_pair(g, box, s, head);
            else
                draw_cell(g, box, h, s, head);
        }
    if (h->mode != HEAT_PACKED)
        close_last(g, body, h, s);
}

// Numbers of layers; the cursor's stands out, and shows in packed lines instead of the even one.
// Where the cursor's sign is small an arrow points at its line.
static void draw_layer_labels(struct grid *g, struct rect body, const struct heat *h,
                              const struct state *s)
{
    uint32_t step = h->mode == HEAT_PACKED ? 2 : 1;
    for (uint32_t l = 0; l < h->n_layers; l += step) {
        uint32_t layer = h->first_layer + l;
        bool here = s->cursor.layer >= layer && s->cursor.layer < layer + step;
        uint32_t y = 1 + l / step * h->cell_h + heat_number_line(h->cell_h);
        struct style st = here ? style_accent() : style_dim();
        char text[16];
        int len = snprintf(text, sizeof text, "L%u", (unsigned)(here ? s->cursor.layer : layer));
        grid_text(g, body, h->label_w - 1 - (uint32_t)len, y, st, text);
        if (here && h->cell_w < HEAT_BRACKETED)
            grid_text(g, body, h->label_w - 1, y, st, "▸");
        if (here && h->cell_w == 1) // a block cursor would hide the cell's colours
            put_cursor(g, body.x + h->label_w - 2, body.y + y);
    }
}

struct stretch {
    uint32_t x, len;
};

static struct stretch head_label(const struct heat *h, uint32_t head)
{
    uint32_t len = heat_digits(head), pad = h->cell_w > len ? (h->cell_w - len) / 2 : 0;
    if (h->cell_w == 3) // above the digit, not the sign
        pad = 3 - len;
    return (struct stretch){ h->label_w + (head - h->first_head) * h->cell_w + pad, len };
}

// Numbers of heads, thinned out where they would touch.
static void draw_head_labels(struct grid *g, struct rect body, const struct heat *h,
                             const struct state *s)
{
    uint32_t last = h->first_head + h->n_heads - 1;
    uint32_t step = h->cell_w > heat_digits(last) ? 1 : h->cell_w > 1 ? 4 : 8;
    struct stretch mine = head_label(h, s->cursor.head);
    for (uint32_t head = h->first_head; head <= last; head++) {
        struct stretch at = head_label(h, head);
        bool here = head == s->cursor.head;
        bool touches = at.x <= mine.x + mine.len && mine.x <= at.x + at.len;
        if (!here && (head % step || touches))
            continue;
        grid_printf(g, body, at.x, 0, here ? style_accent() : style_dim(), "%u", (unsigned)head);
    }
}

// Mean |effect| of a layer's (head's) finished cells.
static double mean_size(const struct snapshot *p, uint32_t index, bool of_layer)
{
    double sum = 0;
    uint32_t n = 0, len = of_layer ? p->n_heads : p->n_layers;
    for (uint32_t i = 0; i < len; i++) {
        struct head head = of_layer ? (struct head){ index, i } : (struct head){ i, index };
        size_t at = snapshot_at(p, head);
        if (cell_is_measured(p->states[at]) && isfinite(p->cells[at].mean)) {
            sum += fabs(p->cells[at].mean);
            n++;
        }
    }
    return n ? sum / n : 0;
}

static double largest_mean(const struct snapshot *p, bool of_layer)
{
    double largest = 0;
    for (uint32_t i = 0; i < (of_layer ? p->n_layers : p->n_heads); i++)
        largest = fmax(largest, mean_size(p, i, of_layer));
    return largest;
}

static void draw_bars(struct grid *g, struct rect body, const struct heat *h,
                      const struct snapshot *p)
{
    uint32_t x = h->label_w + h->n_heads * h->cell_w + 2;
    double layers = largest_mean(p, true), heads = largest_mean(p, false);
    if (!(layers > 0))
        return;
    grid_text(g, body, x, 0, style_dim(), "mean |Δ|");
    for (uint32_t l = 0; l < h->n_layers; l++)
        grid_bar(g, body, x, 1 + l * h->cell_h + heat_number_line(h->cell_h), h->bars_w - 3,
                 mean_size(p, h->first_layer + l, true) / layers, style_dim());
    if (!h->head_bars)
        return;
    for (uint32_t i = 0; i < h->n_heads; i++) {
        double part = mean_size(p, h->first_head + i, false) / heads;
        long eighths = lround(8 * part);
        struct rect box
            = { body.x + h->label_w + i * h->cell_w + 1, body.y + 1 + h->rows, h->cell_w - 2, 1 };
        if (eighths > 0)
            grid_fill(g, box, 0x2580 + (uint32_t)eighths, style_dim());
    }
}

// Beside cells without numbers: the heads that rank first, "12:3  -1.23" a line.
static void draw_top(struct grid *g, struct rect body, const struct heat *h, const struct state *s)
{
    const struct snapshot *p = s->snap;
    if (s->n_order && !state_shows_difference(s))
        grid_text(g, body, h->top_x, 0, style_dim(), "   by rank");
    for (uint32_t i = 0; i < h->rows && i < s->n_order && !state_shows_difference(s); i++) {
        size_t at = s->order[i];
        char number[FORMAT_SIZE], name[32];
        struct head head = { (uint32_t)(at / p->n_heads), (uint32_t)(at % p->n_heads) };
        bool here = is_cursor(s, head.layer, head.head);
        snprintf(name, sizeof name, "%u:%u", (unsigned)head.layer, (unsigned)head.head);
        format_signed(p->cells[at].mean, p->largest, 5, number);
        grid_printf(g, body, h->top_x, i + 1, here ? style_accent() : style_dim(), "%5s", name);
        grid_text(g, body, h->top_x + 6, i + 1,
                  verdict_is_effect(&p->cells[at], p->bar) ? style_bold() : style_plain(), number);
    }
}

// A part of the legend, whole or not at all; the column of the next.
static uint32_t legend_entry(struct grid *g, struct rect body, uint32_t x, uint32_t y,
                             const char *text)
{
    if (x + text_width(text) > body.w)
        return x;
    return x + grid_text(g, body, x, y, style_dim(), text) + 2;
}

// "-0.53 <colours> +0.53  bold q<0.05  * marked"
static void draw_legend(struct grid *g, struct rect body, uint32_t y, const struct heat *h,
                        const struct state *s)
{
    enum { STEPS = 13 };
    const struct snapshot *p = s->snap;
    char number[FORMAT_SIZE];
    uint32_t x = 1;
    if (!(p->scale > 0)) {
        bool none = p->phase == RUN_DONE && !p->n_cells;
        grid_printf(g, body, x, y, style_dim(),
                    none ? "no single heads in this run: its results are in %d" : "· waiting",
                    (int)presentation_of(p->experiment)->pane + 1);
        return;
    }
    format_signed(-p->scale, p->scale, 5, number);
    x += grid_text(g, body, x, y, style_dim(), number) + 1;
    if (s->look & LOOK_MONO) {
        x += grid_text(g, body, x, y, style_plain(), "-9 … 0 … +9") + 1;
    } else {
        for (uint32_t i = 0; i < STEPS; i++) {
            struct style st = style_effect((2.0 * i - (STEPS - 1)) / (STEPS - 1), s->look);
            grid_put(g, body.x + x++, body.y + y, ' ', (struct style){ .bg = st.bg });
        }
        x++;
    }
    format_signed(p->scale, p->scale, 5, number);
    x += grid_text(g, body, x, y, style_dim(), number) + 2;
    if (h->mode == HEAT_PACKED) {
        legend_entry(g, body, x, y, "▀ two layers a line");
        return;
    }
    char text[64];
    snprintf(text, sizeof text, "bold q<%g", p->bar.alpha);
    x = legend_entry(g, body, x, y, text);
    if (p->bar.least > 0) {
        snprintf(text, sizeof text, "and ≥%.2g", p->bar.least);
        x = legend_entry(g, body, x - 1, y, text);
    }
    x = legend_entry(g, body, x, y, h->cell_w < 3 ? "_ marked" : "* marked");
    snprintf(text, sizeof text, "below: %g%% CI", 100 * (1 - p->bar.alpha));
    if (h->cell_h == HEAT_INTERVAL_H)
        x = legend_entry(g, body, x, y, text);
    snprintf(text, sizeof text, "dim: %zu of %zu rows", p->sample_rows, p->facts.n_rows);
    if (p->n_sampled > p->done)
        legend_entry(g, body, x, y, text);
}

void draw_impact(struct grid *g, struct rect r, const struct state *s)
{
    if (!state_has_grid(s)) {
        draw_no_grid(g, r, s);
        return;
    }
    struct heat h = heat_place(r, s);
    if (h.exponent)
        grid_printf(g, r, 0, 0, style_bold(), "×1e%d", h.exponent);
    draw_head_labels(g, r, &h, s);
    draw_layer_labels(g, r, &h, s);
    draw_cells(g, r, &h, s);
    if (h.top_x)
        draw_top(g, r, &h, s);
    if (h.bars_w)
        draw_bars(g, r, &h, s->snap);
    uint32_t below = 1 + h.rows + (h.head_bars ? 1 : 0);
    draw_legend(g, r, below + 1 < r.h ? below + 1 : r.h - 1, &h, s);
}
