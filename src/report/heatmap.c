#include "report/heatmap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>

#include "report/drawing.h"
#include "report/number.h"
#include "report/palette.h"

// All lengths in points.
//
//   title
//   subtitle
//   l  0 [][][][][]  |#| +scale
//   a  1 [][][][][]  |#|
//   y  2 [][][][][]  |#| 0
//   e  3 [][][][][]  |#|
//   r  4 [][][][][]  |#| -scale
//        0 1 2 3 4   quantity
//           head     [] q < alpha, size ≥ least
static const double margin = DRAWING_MARGIN, title_size = 14, text_size = 10.5, small_size = 9;
static const double bar_width = 14, bar_gap = 24, bar_text = 92;
static const struct rgb paper = DRAWING_PAPER, ink = DRAWING_INK, grey = DRAWING_GREY,
                        empty = { 236, 237, 239 }, hatch = { 200, 203, 208 };

struct figure_layout {
    double cell_w, cell_h;
    double left, top; // of the grid
    double grid_w, grid_h;
    double width, height;
    double scale; // effect of the full colour
    double font;  // of the cells' text; 0: no room
    int decimals;
};

static double limit(double v, double lo, double hi)
{
    return fmin(fmax(v, lo), hi);
}

static const char *row_name(const struct heatmap *m, uint32_t i, char number[16])
{
    snprintf(number, 16, "%u", i);
    return m->rows ? m->rows[i] : number;
}

static const char *column_name(const struct heatmap *m, uint32_t i, char number[16])
{
    snprintf(number, 16, "%u", i);
    return m->columns ? m->columns[i] : number;
}

static size_t n_cells(const struct heatmap *m)
{
    return (size_t)m->n_layers * m->n_heads;
}

// Width of the widest cell text at a size and number of decimals.
static double widest(cairo_t *c, const struct heatmap *m, double size, int decimals)
{
    double width = 0;
    drawing_font(c, size, BOLD);
    for (size_t i = 0; i < n_cells(m); i++) {
        char text[SIGNED_SIZE];
        if (!m->cells[i].n)
            continue;
        drawing_signed(m->cells[i].mean, decimals, text);
        width = fmax(width, drawing_width(c, text));
    }
    return width;
}

// Decimals that show an effect of a hundredth of the scale, roughly.
static int usual_decimals(double scale)
{
    return scale >= 10 ? 1 : scale >= 0.1 ? 2 : 3;
}

// The most decimals, then the biggest letters, that fit every cell.
static void choose_cell_text(cairo_t *c, const struct heatmap *m, struct figure_layout *l)
{
    int best = usual_decimals(l->scale);
    for (int decimals = best; decimals >= best - 1; decimals--)
        for (double size = 10; size >= 6.5; size -= 0.5)
            if (widest(c, m, size, decimals) <= l->cell_w - 5) {
                l->font = size;
                l->decimals = decimals;
                return;
            }
    l->font = 0;
    l->decimals = best;
}

// Names, unlike numbers, may be wider than what they stand beside.
static void make_room_for_names(cairo_t *c, const struct heatmap *m, struct figure_layout *l)
{
    drawing_font(c, text_size, PLAIN);
    for (uint32_t i = 0; m->rows && i < m->n_layers; i++)
        l->left = fmax(l->left, margin + 26 + drawing_width(c, m->rows[i]));
    for (uint32_t i = 0; m->columns && i < m->n_heads; i++)
        l->cell_w = fmax(l->cell_w, 10 + drawing_width(c, m->columns[i]));
    drawing_font(c, small_size, PLAIN);
    for (uint32_t i = 0; m->below && i < m->n_heads; i++)
        l->cell_w = fmax(l->cell_w, 8 + drawing_width(c, m->below[i]));
}

static bool lay_out(cairo_t *c, const struct heatmap *m, struct figure_layout *l)
{
    double *values = malloc(2 * n_cells(m) * sizeof *values);
    if (!values)
        return false;
    for (size_t i = 0; i < n_cells(m); i++)
        values[i] = m->cells[i].n ? m->cells[i].mean : NAN;
    *l = (struct figure_layout){ .scale = palette_scale(values, n_cells(m), values + n_cells(m)) };
    free(values);
    l->cell_w = limit(floor(760.0 / m->n_heads), 27, 62);
    l->cell_h = limit(floor(0.6 * l->cell_w), 19, 36);
    l->left = margin + 40;
    make_room_for_names(c, m, l);
    l->top = margin + 48;
    l->grid_w = l->cell_w * m->n_heads;
    l->grid_h = fmax(l->cell_h * m->n_layers, 1);
    l->width = l->left + l->grid_w + bar_gap + bar_width + bar_text + margin;
    l->height = l->top + fmax(l->grid_h, 150) + (m->below ? 58 : 44) + margin;
    choose_cell_text(c, m, l);
    return true;
}

static void draw_missing(cairo_t *c, double x, double y, double w, double h)
{
    drawing_colour(c, empty);
    cairo_rectangle(c, x, y, w, h);
    cairo_fill(c);
    drawing_colour(c, hatch);
    cairo_set_line_width(c, 0.8);
    cairo_move_to(c, x + w / 2 - 4, y + h / 2 + 4);
    cairo_line_to(c, x + w / 2 + 4, y + h / 2 - 4);
    cairo_stroke(c);
}

static void frame(cairo_t *c, double x, double y, double w, double h)
{
    drawing_colour(c, ink);
    cairo_set_line_width(c, 1.5);
    cairo_rectangle(c, x + 0.75, y + 0.75, w - 1.5, h - 1.5);
    cairo_stroke(c);
}

static void draw_cell(cairo_t *c, const struct heatmap *m, const struct figure_layout *l,
                      uint32_t layer, uint32_t head)
{
    const struct estimate *e = &m->cells[(size_t)layer * m->n_heads + head];
    double x = l->left + head * l->cell_w + 0.5, y = l->top + layer * l->cell_h + 0.5;
    double w = l->cell_w - 1, h = l->cell_h - 1; // a point of paper between cells
    if (!e->n || isnan(e->mean)) {
        draw_missing(c, x, y, w, h);
        return;
    }
    struct rgb colour = palette_diverging(l->scale > 0 ? e->mean / l->scale : 0);
    drawing_colour(c, colour);
    cairo_rectangle(c, x, y, w, h);
    cairo_fill(c);
    bool matters = verdict_is_effect(m->judged ? m->judged + (e - m->cells) : e, m->bar);
    if (matters)
        frame(c, x, y, w, h);
    if (l->font > 0) {
        char text[SIGNED_SIZE];
        drawing_signed(e->mean, l->decimals, text);
        drawing_font(c, l->font, matters ? BOLD : PLAIN);
        drawing_colour(c, palette_ink(colour));
        drawing_text(c, x + w / 2, y + h / 2, 0.5, text);
    }
}

static void draw_axes(cairo_t *c, const struct heatmap *m, const struct figure_layout *l)
{
    char number[16];
    double below = l->top + l->grid_h + 12;
    drawing_colour(c, grey);
    drawing_font(c, text_size, PLAIN);
    for (uint32_t i = 0; i < m->n_layers; i++)
        drawing_text(c, l->left - 7, l->top + (i + 0.5) * l->cell_h, 1, row_name(m, i, number));
    for (uint32_t i = 0; i < m->n_heads; i++)
        drawing_text(c, l->left + (i + 0.5) * l->cell_w, below, 0.5, column_name(m, i, number));
    drawing_font(c, small_size, PLAIN);
    for (uint32_t i = 0; m->below && i < m->n_heads; i++)
        drawing_text(c, l->left + (i + 0.5) * l->cell_w, below + 13, 0.5, m->below[i]);
    drawing_font(c, text_size, PLAIN);
    drawing_colour(c, ink);
    drawing_text(c, l->left + l->grid_w / 2, below + (m->below ? 32 : 18), 0.5,
                 m->columns ? "position, rows that differ there / rows" : "head");
    cairo_save(c);
    cairo_translate(c, margin + 4, l->top + l->grid_h / 2);
    cairo_rotate(c, -1.57079632679489661923);
    drawing_text(c, 0, 0, 0.5, "layer");
    cairo_restore(c);
}

// What frames and grey cells mean; the latter only where there are some.
static void draw_key(cairo_t *c, const struct heatmap *m, double x, double y)
{
    char level[NUMBER_SIZE], text[NUMBER_SIZE + 40];
    number_format(m->bar.alpha, level);
    int len = snprintf(text, sizeof text, "q < %s", level);
    if (m->bar.least > 0)
        snprintf(text + len, sizeof text - (size_t)len, ", size ≥ %.2g", m->bar.least);
    frame(c, x, y, bar_width, 11);
    drawing_text(c, x + bar_width + 7, y + 5.5, 0, text);
    for (size_t i = 0; i < n_cells(m); i++)
        if (!m->cells[i].n) {
            draw_missing(c, x, y + 17, bar_width, 11);
            drawing_colour(c, ink);
            drawing_text(c, x + bar_width + 7, y + 22.5, 0, m->columns ? "no rows" : "not run");
            return;
        }
}

// The colour bar, as high as the grid up to a limit, with numbers at its ends, quarters and middle.
static void draw_bar(cairo_t *c, const struct heatmap *m, const struct figure_layout *l)
{
    enum { STEPS = 64, TICKS = 5 };
    double x = l->left + l->grid_w + bar_gap, y = l->top + 18, h = limit(l->grid_h - 36, 84, 260);
    drawing_colour(c, ink);
    drawing_font(c, text_size, PLAIN);
    drawing_text(c, x, l->top + 4, 0, m->quantity);
    for (int i = 0; i < STEPS; i++) {
        drawing_colour(c, palette_diverging(1 - 2 * (i + 0.5) / STEPS));
        // Half a point of overlap, or the joints shine through.
        cairo_rectangle(c, x, y + h * i / STEPS, bar_width, h / STEPS + (i + 1 < STEPS ? 0.5 : 0));
        cairo_fill(c);
    }
    drawing_font(c, small_size, PLAIN);
    for (int i = 0; i < TICKS; i++) {
        char text[SIGNED_SIZE];
        double at = y + h * i / (TICKS - 1);
        drawing_signed(l->scale * (1 - 2.0 * i / (TICKS - 1)), usual_decimals(l->scale), text);
        drawing_colour(c, grey);
        cairo_set_line_width(c, 0.8);
        cairo_move_to(c, x + bar_width, at);
        cairo_line_to(c, x + bar_width + 3, at);
        cairo_stroke(c);
        drawing_colour(c, ink);
        drawing_text(c, x + bar_width + 7, at, 0, text);
    }
    draw_key(c, m, x, y + h + 14);
}

static void draw(cairo_t *c, const struct heatmap *m, const struct figure_layout *l)
{
    drawing_colour(c, paper);
    cairo_paint(c);
    drawing_colour(c, ink);
    drawing_line(c, l->width, margin + 6, title_size, BOLD, m->title);
    drawing_colour(c, grey);
    drawing_line(c, l->width, margin + 26, text_size, PLAIN, m->subtitle);
    for (uint32_t layer = 0; layer < m->n_layers; layer++)
        for (uint32_t head = 0; head < m->n_heads; head++)
            draw_cell(c, m, l, layer, head);
    draw_axes(c, m, l);
    draw_bar(c, m, l);
}

// Sizes hang on the letters, so they are measured on a surface of their own.
static bool measure(const struct heatmap *m, struct figure_layout *l, struct abl_err *err)
{
    cairo_t *c = drawing_ruler();
    bool ok = lay_out(c, m, l) || abl_no_memory(err);
    drawing_ruler_free(c);
    return ok;
}

struct laid_out {
    const struct heatmap *map;
    const struct figure_layout *layout;
};

static void draw_laid_out(cairo_t *c, const void *what)
{
    const struct laid_out *x = what;
    draw(c, x->map, x->layout);
}

static bool make(const struct heatmap *m, drawing_writer *write, struct buf *out,
                 struct abl_err *err)
{
    struct figure_layout l;
    if (!measure(m, &l, err))
        return false;
    struct laid_out x = { m, &l };
    return write(&(struct drawing){ l.width, l.height, draw_laid_out, &x }, out, err);
}

bool heatmap_png(const struct heatmap *m, struct buf *out, struct abl_err *err)
{
    return make(m, drawing_png, out, err);
}

bool heatmap_svg(const struct heatmap *m, struct buf *out, struct abl_err *err)
{
    return make(m, drawing_svg, out, err);
}
