#include "report/forest_figure.h"

#include <math.h>

#include <cairo.h>

#include "report/drawing.h"

// All lengths in points.
//
//   title
//   subtitle
//               0:2  p 0.0007      0:1  p 0.02
//   capital-1     --o--  |           -o-  |
//   capital-2      --o---|--        --o---|
//   all             -o-  |            o   |
//              -5        0        -2      0      quantity
static const double title_size = 14, text_size = 10.5, small_size = 9;
static const double line_height = 15, panel_width = 230, panel_gap = 26, most_name = 180;
static const struct rgb paper = DRAWING_PAPER, ink = DRAWING_INK, grey = DRAWING_GREY,
                        pale = { 222, 224, 228 };

struct forest_layout {
    double name_width, top, bottom; // of the lines of groups and of all rows
    double width, height;
};

static struct forest_layout lay_out(cairo_t *c, const struct forest_figure *f)
{
    struct forest_layout l = { .top = DRAWING_MARGIN + 68 };
    drawing_font(c, text_size, PLAIN);
    for (uint32_t k = 0; k < f->n_groups; k++)
        l.name_width = fmax(l.name_width, drawing_width(c, f->groups[k]));
    l.name_width = fmin(fmax(l.name_width, 24), most_name);
    l.bottom = l.top + line_height * (f->n_groups + 1);
    l.width = 2 * DRAWING_MARGIN + l.name_width + f->n_panels * (panel_gap + panel_width);
    l.height = l.bottom + 40 + DRAWING_MARGIN;
    return l;
}

// The values at the ends of a panel's axis: all its intervals, and 0.
struct axis {
    double lo, hi, left; // left: in the figure
};

static double at(struct axis a, double value)
{
    double share = a.hi > a.lo ? (value - a.lo) / (a.hi - a.lo) : 0.5;
    return a.left + share * panel_width;
}

static struct axis axis_of(const struct estimate *cells, uint32_t n, double left)
{
    struct axis a = { 0, 0, left };
    for (uint32_t k = 0; k < n; k++) { // fmin and fmax pass over NaN
        a.lo = fmin(a.lo, fmin(cells[k].mean, cells[k].ci_lo));
        a.hi = fmax(a.hi, fmax(cells[k].mean, cells[k].ci_hi));
    }
    return a;
}

static void stroke(cairo_t *c, double x, double y, double to_x, double to_y, double width)
{
    cairo_set_line_width(c, width);
    cairo_move_to(c, x, y);
    cairo_line_to(c, to_x, to_y);
    cairo_stroke(c);
}

// A mean in its interval: a dot of a group, a diamond of all rows.
static void draw_estimate(cairo_t *c, struct axis a, const struct estimate *e, double y, bool all)
{
    if (!isfinite(e->mean))
        return;
    double x = at(a, e->mean), r = all ? 5 : 3;
    drawing_colour(c, palette_diverging(e->mean < 0 ? -1 : 1));
    if (isfinite(e->ci_lo) && isfinite(e->ci_hi))
        stroke(c, at(a, e->ci_lo), y, at(a, e->ci_hi), y, all ? 2.5 : 1.5);
    if (all) {
        cairo_move_to(c, x - r, y);
        cairo_line_to(c, x, y - r);
        cairo_line_to(c, x + r, y);
        cairo_line_to(c, x, y + r);
        cairo_close_path(c);
    } else
        cairo_arc(c, x, y, r, 0, 6.28318530717958647692);
    cairo_fill(c);
}

static void draw_ends(cairo_t *c, const struct forest_layout *l, struct axis a)
{
    char text[SIGNED_SIZE];
    double size = fmax(fabs(a.lo), fabs(a.hi));
    int decimals = size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
    drawing_colour(c, grey);
    drawing_font(c, small_size, PLAIN);
    double zero = at(a, 0), end = a.left + panel_width, apart = 34;
    drawing_signed(0, 0, text);
    drawing_text(c, zero, l->bottom + 8, 0.5, text);
    drawing_signed(a.lo, decimals, text);
    if (zero - a.left > apart)
        drawing_text(c, a.left, l->bottom + 8, 0, text);
    drawing_signed(a.hi, decimals, text);
    if (end - zero > apart)
        drawing_text(c, end, l->bottom + 8, 1, text);
}

static void draw_panel(cairo_t *c, const struct forest_figure *f, const struct forest_layout *l,
                       uint32_t panel)
{
    uint32_t n = f->n_groups + 1;
    const struct estimate *cells = f->cells + (size_t)panel * n;
    double left = DRAWING_MARGIN + l->name_width + panel_gap + panel * (panel_width + panel_gap);
    struct axis a = axis_of(cells, n, left);
    drawing_colour(c, ink);
    drawing_font(c, text_size, BOLD);
    drawing_text(c, left + panel_width / 2, l->top - 14, 0.5, f->panels[panel]);
    drawing_colour(c, grey);
    stroke(c, at(a, 0), l->top, at(a, 0), l->bottom, 0.8);
    drawing_colour(c, pale);
    stroke(c, left, l->bottom, left + panel_width, l->bottom, 0.8);
    for (uint32_t k = 0; k < n; k++)
        draw_estimate(c, a, &cells[k], l->top + (k + 0.5) * line_height, k + 1 == n);
    draw_ends(c, l, a);
    drawing_font(c, text_size, PLAIN);
    drawing_colour(c, ink);
    drawing_text(c, left + panel_width / 2, l->bottom + 26, 0.5, f->quantity);
}

// A name, cut where the panels begin.
static void draw_name(cairo_t *c, const struct forest_layout *l, uint32_t k, const char *name)
{
    cairo_save(c);
    cairo_rectangle(c, 0, l->top, DRAWING_MARGIN + l->name_width + panel_gap / 2,
                    l->bottom - l->top);
    cairo_clip(c);
    drawing_text(c, DRAWING_MARGIN, l->top + (k + 0.5) * line_height, 0, name);
    cairo_restore(c);
}

struct laid_out {
    const struct forest_figure *figure;
    const struct forest_layout *layout;
};

static void draw(cairo_t *c, const void *what)
{
    const struct laid_out *x = what;
    const struct forest_figure *f = x->figure;
    const struct forest_layout *l = x->layout;
    drawing_colour(c, paper);
    cairo_paint(c);
    drawing_colour(c, ink);
    drawing_line(c, l->width, DRAWING_MARGIN + 6, title_size, BOLD, f->title);
    drawing_colour(c, grey);
    drawing_line(c, l->width, DRAWING_MARGIN + 26, text_size, PLAIN, f->subtitle);
    drawing_colour(c, ink);
    drawing_font(c, text_size, PLAIN);
    for (uint32_t k = 0; k < f->n_groups; k++)
        draw_name(c, l, k, f->groups[k]);
    drawing_font(c, text_size, BOLD);
    draw_name(c, l, f->n_groups, "all");
    for (uint32_t i = 0; i < f->n_panels; i++)
        draw_panel(c, f, l, i);
}

static bool make(const struct forest_figure *f, drawing_writer *write, struct buf *out,
                 struct abl_err *err)
{
    cairo_t *ruler = drawing_ruler();
    struct forest_layout l = lay_out(ruler, f);
    drawing_ruler_free(ruler);
    struct laid_out x = { f, &l };
    return write(&(struct drawing){ l.width, l.height, draw, &x }, out, err);
}

bool forest_svg(const struct forest_figure *f, struct buf *out, struct abl_err *err)
{
    return make(f, drawing_svg, out, err);
}

bool forest_png(const struct forest_figure *f, struct buf *out, struct abl_err *err)
{
    return make(f, drawing_png, out, err);
}
