#include "report/heatmap.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-svg.h>
#include <cairo.h>

#include "report/number.h"
#include "report/palette.h"
#include "report/png.h"

// All lengths in points; a PNG has PNG_SCALE pixels a point.
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
enum { PNG_SCALE = 2 };

static const double margin = 18, title_size = 14, text_size = 10.5, small_size = 9;
static const double bar_width = 14, bar_gap = 24, bar_text = 92;
static const struct rgb paper = { 255, 255, 255 }, ink = { 28, 30, 34 }, grey = { 104, 108, 116 },
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

static void set_colour(cairo_t *c, struct rgb colour)
{
    cairo_set_source_rgb(c, colour.r / 255.0, colour.g / 255.0, colour.b / 255.0);
}

enum weight_of_text { PLAIN, BOLD };

static void set_font(cairo_t *c, double size, enum weight_of_text weight)
{
    cairo_select_font_face(c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           weight == BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, size);
}

static double text_width(cairo_t *c, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    return e.x_advance;
}

// Text at x, y with `anchor` of its width (0 left, 0.5 middle, 1 right) at x and the middle of its
// digits at y.
static void put_text(cairo_t *c, double x, double y, double anchor, const char *text)
{
    cairo_text_extents_t digit;
    cairo_text_extents(c, "0", &digit);
    cairo_move_to(c, x - anchor * text_width(c, text), y - digit.y_bearing / 2);
    cairo_show_text(c, text);
}

enum { SIGNED_SIZE = NUMBER_SIZE + 4 };

// "+0.12", "−0.12" with a real minus sign, "0.00".
static void signed_text(double value, int decimals, char out[SIGNED_SIZE])
{
    char digits[NUMBER_SIZE];
    number_fixed(value, decimals, digits);
    bool zero = !digits[strspn(digits, "0.")];
    if (*digits == '-')
        snprintf(out, SIGNED_SIZE, "\xe2\x88\x92%s", digits + 1);
    else
        snprintf(out, SIGNED_SIZE, "%s%s", zero ? "" : "+", digits);
}

static size_t n_cells(const struct heatmap *m)
{
    return (size_t)m->n_layers * m->n_heads;
}

// Width of the widest cell text at a size and number of decimals.
static double widest(cairo_t *c, const struct heatmap *m, double size, int decimals)
{
    double width = 0;
    set_font(c, size, BOLD);
    for (size_t i = 0; i < n_cells(m); i++) {
        char text[SIGNED_SIZE];
        if (!m->cells[i].n)
            continue;
        signed_text(m->cells[i].mean, decimals, text);
        width = fmax(width, text_width(c, text));
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
    l->top = margin + 48;
    l->grid_w = l->cell_w * m->n_heads;
    l->grid_h = fmax(l->cell_h * m->n_layers, 1);
    l->width = l->left + l->grid_w + bar_gap + bar_width + bar_text + margin;
    l->height = l->top + fmax(l->grid_h, 150) + 44 + margin;
    choose_cell_text(c, m, l);
    return true;
}

// One line that shrinks, and at last is cut by the edge, rather than widening the figure.
static void put_line(cairo_t *c, const struct figure_layout *l, double y, double size,
                     enum weight_of_text weight, const char *text)
{
    set_font(c, size, weight);
    while (size > 8 && text_width(c, text) > l->width - 2 * margin)
        set_font(c, size -= 0.5, weight);
    put_text(c, margin, y, 0, text);
}

static void draw_missing(cairo_t *c, double x, double y, double w, double h)
{
    set_colour(c, empty);
    cairo_rectangle(c, x, y, w, h);
    cairo_fill(c);
    set_colour(c, hatch);
    cairo_set_line_width(c, 0.8);
    cairo_move_to(c, x + w / 2 - 4, y + h / 2 + 4);
    cairo_line_to(c, x + w / 2 + 4, y + h / 2 - 4);
    cairo_stroke(c);
}

static void frame(cairo_t *c, double x, double y, double w, double h)
{
    set_colour(c, ink);
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
    set_colour(c, colour);
    cairo_rectangle(c, x, y, w, h);
    cairo_fill(c);
    bool matters = verdict_is_effect(e, m->bar);
    if (matters)
        frame(c, x, y, w, h);
    if (l->font > 0) {
        char text[SIGNED_SIZE];
        signed_text(e->mean, l->decimals, text);
        set_font(c, l->font, matters ? BOLD : PLAIN);
        set_colour(c, palette_ink(colour));
        put_text(c, x + w / 2, y + h / 2, 0.5, text);
    }
}

static void draw_axes(cairo_t *c, const struct heatmap *m, const struct figure_layout *l)
{
    char text[16];
    set_colour(c, grey);
    set_font(c, text_size, PLAIN);
    for (uint32_t i = 0; i < m->n_layers; i++) {
        snprintf(text, sizeof text, "%u", i);
        put_text(c, l->left - 7, l->top + (i + 0.5) * l->cell_h, 1, text);
    }
    for (uint32_t i = 0; i < m->n_heads; i++) {
        snprintf(text, sizeof text, "%u", i);
        put_text(c, l->left + (i + 0.5) * l->cell_w, l->top + l->grid_h + 12, 0.5, text);
    }
    set_colour(c, ink);
    put_text(c, l->left + l->grid_w / 2, l->top + l->grid_h + 30, 0.5, "head");
    cairo_save(c);
    cairo_translate(c, margin + 4, l->top + l->grid_h / 2);
    cairo_rotate(c, -1.57079632679489661923);
    put_text(c, 0, 0, 0.5, "layer");
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
    put_text(c, x + bar_width + 7, y + 5.5, 0, text);
    for (size_t i = 0; i < n_cells(m); i++)
        if (!m->cells[i].n) {
            draw_missing(c, x, y + 17, bar_width, 11);
            set_colour(c, ink);
            put_text(c, x + bar_width + 7, y + 22.5, 0, "not run");
            return;
        }
}

// The colour bar, as high as the grid up to a limit, with numbers at its ends, quarters and middle.
static void draw_bar(cairo_t *c, const struct heatmap *m, const struct figure_layout *l)
{
    enum { STEPS = 64, TICKS = 5 };
    double x = l->left + l->grid_w + bar_gap, y = l->top + 18, h = limit(l->grid_h - 36, 84, 260);
    set_colour(c, ink);
    set_font(c, text_size, PLAIN);
    put_text(c, x, l->top + 4, 0, m->quantity);
    for (int i = 0; i < STEPS; i++) {
        set_colour(c, palette_diverging(1 - 2 * (i + 0.5) / STEPS));
        // Half a point of overlap, or the joints shine through.
        cairo_rectangle(c, x, y + h * i / STEPS, bar_width, h / STEPS + (i + 1 < STEPS ? 0.5 : 0));
        cairo_fill(c);
    }
    set_font(c, small_size, PLAIN);
    for (int i = 0; i < TICKS; i++) {
        char text[SIGNED_SIZE];
        double at = y + h * i / (TICKS - 1);
        signed_text(l->scale * (1 - 2.0 * i / (TICKS - 1)), usual_decimals(l->scale), text);
        set_colour(c, grey);
        cairo_set_line_width(c, 0.8);
        cairo_move_to(c, x + bar_width, at);
        cairo_line_to(c, x + bar_width + 3, at);
        cairo_stroke(c);
        set_colour(c, ink);
        put_text(c, x + bar_width + 7, at, 0, text);
    }
    draw_key(c, m, x, y + h + 14);
}

static void draw(cairo_t *c, const struct heatmap *m, const struct figure_layout *l)
{
    set_colour(c, paper);
    cairo_paint(c);
    set_colour(c, ink);
    put_line(c, l, margin + 6, title_size, BOLD, m->title);
    set_colour(c, grey);
    put_line(c, l, margin + 26, text_size, PLAIN, m->subtitle);
    for (uint32_t layer = 0; layer < m->n_layers; layer++)
        for (uint32_t head = 0; head < m->n_heads; head++)
            draw_cell(c, m, l, layer, head);
    draw_axes(c, m, l);
    draw_bar(c, m, l);
}

static bool cairo_failed(cairo_status_t status, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot draw the heatmap: %s", cairo_status_to_string(status));
}

static cairo_status_t append(void *context, const unsigned char *bytes, unsigned len)
{
    struct buf *out = context;
    buf_add(out, bytes, len);
    return out->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

// Letters that keep their size and place whatever the surface and the desktop's settings.
static cairo_t *open_context(cairo_surface_t *surface)
{
    cairo_t *c = cairo_create(surface);
    cairo_font_options_t *o = cairo_font_options_create();
    cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(o, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(c, o);
    cairo_font_options_destroy(o);
    return c;
}

// Sizes hang on the letters, so they are measured on a surface of their own.
static bool measure(const struct heatmap *m, struct figure_layout *l, struct abl_err *err)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *c = open_context(surface);
    bool ok = lay_out(c, m, l) || abl_no_memory(err);
    cairo_destroy(c);
    cairo_surface_destroy(surface);
    return ok;
}

bool heatmap_png(const struct heatmap *m, struct buf *out, struct abl_err *err)
{
    struct figure_layout l;
    if (!measure(m, &l, err))
        return false;
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)(PNG_SCALE * l.width), (int)(PNG_SCALE * l.height));
    cairo_t *c = open_context(surface);
    cairo_scale(c, PNG_SCALE, PNG_SCALE);
    draw(c, m, &l);
    cairo_status_t status = cairo_status(c);
    bool ok
        = status == CAIRO_STATUS_SUCCESS ? png_write(surface, out, err) : cairo_failed(status, err);
    cairo_destroy(c);
    cairo_surface_destroy(surface);
    return ok;
}

// cairo numbers the surfaces of a process and names the SVG's root group after its own: drop the
// number, so that a drawing does not depend on how many came before it.
static void add_without_surface_number(struct buf *out, const struct buf *svg)
{
    static const char id[] = "id=\"surface";
    const char *at = svg->data ? strstr(svg->data, id) : NULL;
    if (!at) {
        buf_add(out, svg->data, svg->len);
        return;
    }
    size_t head = (size_t)(at - svg->data) + strlen(id), tail = head;
    while (isdigit((unsigned char)svg->data[tail]))
        tail++;
    buf_add(out, svg->data, head);
    buf_add(out, svg->data + tail, svg->len - tail);
}

bool heatmap_svg(const struct heatmap *m, struct buf *out, struct abl_err *err)
{
    struct figure_layout l;
    struct buf svg = { 0 };
    if (!measure(m, &l, err))
        return false;
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(append, &svg, l.width, l.height);
    cairo_t *c = open_context(surface);
    draw(c, m, &l);
    cairo_status_t status = cairo_status(c);
    cairo_destroy(c);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    add_without_surface_number(out, &svg);
    buf_release(&svg);
    if (status == CAIRO_STATUS_SUCCESS && out->failed)
        status = CAIRO_STATUS_NO_MEMORY;
    return status == CAIRO_STATUS_SUCCESS || cairo_failed(status, err);
}
