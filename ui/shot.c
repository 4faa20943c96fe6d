#include "ui/shot.h"

#include <string.h>

#include <cairo-svg.h>
#include <cairo.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/jobs.h"
#include "report/png.h"

// A cell in the units of the figure; the font is as large as fits.
static const double cell_w = 8, cell_h = 17, font_size = 13.3, baseline = 13;

// What "the terminal's own" colours are in a picture.
static const struct rgb default_fg = { 0xd8, 0xdc, 0xe2 }, default_bg = { 0x12, 0x15, 0x1a };

enum { SECONDS = 30 };

enum format { FORMAT_TEXT, FORMAT_ANSI, FORMAT_SVG, FORMAT_PNG };

static bool find_format(const char *path, enum format *out, struct abl_err *err)
{
    static const struct {
        const char *ending;
        enum format format;
    } formats[] = { { ".txt", FORMAT_TEXT },
                    { ".ans", FORMAT_ANSI },
                    { ".svg", FORMAT_SVG },
                    { ".png", FORMAT_PNG } };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(dot, formats[i].ending) == 0) {
            *out = formats[i].format;
            return true;
        }
    return abl_fail(err, ABL_USAGE,
                    "unknown kind of screenshot '%s': expected a name ending in "
                    ".txt, .ans, .svg or .png",
                    path);
}

bool shot_check_path(const char *path, struct abl_err *err)
{
    enum format ignored;
    return find_format(path, &ignored, err);
}

static void ansi_color(struct buf *out, int base, struct color c)
{
    if (c.set)
        buf_printf(out, ";%d;2;%d;%d;%d", base, c.rgb.r, c.rgb.g, c.rgb.b);
}

static void ansi_style(struct buf *out, const struct style *s)
{
    buf_str(out, "\033[0");
    buf_str(out, s->flags & STYLE_BOLD ? ";1" : "");
    buf_str(out, s->flags & STYLE_DIM ? ";2" : "");
    buf_str(out, s->flags & STYLE_UNDERLINE ? ";4" : "");
    buf_str(out, s->flags & STYLE_REVERSE ? ";7" : "");
    ansi_color(out, 38, s->fg);
    ansi_color(out, 48, s->bg);
    buf_char(out, 'm');
}

static bool same_style(const struct cell *a, const struct cell *b)
{
    struct cell x = { .style = a->style }, y = { .style = b->style };
    return cell_equal(&x, &y);
}

static void dump_ansi(const struct grid *g, struct buf *out)
{
    for (uint32_t y = 0; y < g->height; y++) {
        const struct cell *before = NULL;
        for (uint32_t x = 0; x < g->width; x++) {
            const struct cell *c = grid_at(g, x, y);
            char text[CELL_BYTES];
            if (!c->character)
                continue;
            if (!before || !same_style(before, c))
                ansi_style(out, &c->style);
            buf_add(out, text, cell_print(c, text));
            before = c;
        }
        buf_str(out, "\033[0m\n");
    }
}

static void set_color(cairo_t *cr, struct rgb c, double alpha)
{
    cairo_set_source_rgba(cr, c.r / 255.0, c.g / 255.0, c.b / 255.0, alpha);
}

// Block elements are drawn as rectangles, so that they meet without seams; the part of the cell
// from the corner.
static bool draw_block(cairo_t *cr, uint32_t c, double x, double y)
{
    double w = cell_w, h = cell_h, top = 0;
    if (c == 0x2580) // upper half
        h /= 2;
    else if (c >= 0x2581 && c <= 0x2588) { // lower eighths
        double part = (double)(c - 0x2580) / 8;
        top = h * (1 - part);
        h *= part;
    } else if (c >= 0x2589 && c <= 0x258f) // left eighths
        w *= (double)(0x2590 - c) / 8;
    else
        return false;
    cairo_rectangle(cr, x, y + top, w, h);
    cairo_fill(cr);
    return true;
}

static void cell_colors(const struct style *s, struct rgb *fg, struct rgb *bg)
{
    *fg = s->fg.set ? s->fg.rgb : default_fg;
    *bg = s->bg.set ? s->bg.rgb : default_bg;
    if (s->flags & STYLE_REVERSE) {
        struct rgb swap = *fg;
        *fg = *bg;
        *bg = swap;
    }
}

static void draw_cell(cairo_t *cr, const struct cell *c, double x, double y)
{
    struct rgb fg, bg;
    char text[CELL_BYTES];
    cell_colors(&c->style, &fg, &bg);
    if (c->style.bg.set || c->style.flags & STYLE_REVERSE) {
        set_color(cr, bg, 1);
        cairo_rectangle(cr, x, y, cell_w, cell_h);
        cairo_fill(cr);
    }
    set_color(cr, fg, c->style.flags & STYLE_DIM ? 0.6 : 1);
    if (c->style.flags & STYLE_UNDERLINE) {
        cairo_rectangle(cr, x, y + cell_h - 2, cell_w, 1);
        cairo_fill(cr);
    }
    if (c->character <= ' ' || draw_block(cr, c->character, x, y))
        return;
    cell_print(c, text);
    cairo_select_font_face(cr, "DejaVu Sans Mono", CAIRO_FONT_SLANT_NORMAL,
                           c->style.flags & STYLE_BOLD ? CAIRO_FONT_WEIGHT_BOLD
                                                       : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_move_to(cr, x, y + baseline);
    cairo_show_text(cr, text);
}

static void draw_grid(cairo_t *cr, const struct grid *g)
{
    set_color(cr, default_bg, 1);
    cairo_paint(cr);
    cairo_set_font_size(cr, font_size);
    for (uint32_t y = 0; y < g->height; y++)
        for (uint32_t x = 0; x < g->width; x++)
            draw_cell(cr, grid_at(g, x, y), x * cell_w, y * cell_h);
}

static cairo_status_t append(void *context, const unsigned char *data, unsigned len)
{
    struct buf *b = context;
    buf_add(b, data, len);
    return b->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static bool draw_here(const struct grid *g, enum format format, struct buf *out,
                      struct abl_err *err)
{
    double w = g->width * cell_w, h = g->height * cell_h;
    cairo_surface_t *surface = format == FORMAT_SVG
                                   ? cairo_svg_surface_create_for_stream(append, out, w, h)
                                   : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)w, (int)h);
    cairo_t *cr = cairo_create(surface);
    draw_grid(cr, g);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    bool ok
        = format == FORMAT_SVG || status != CAIRO_STATUS_SUCCESS || png_write(surface, out, err);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return abl_fail(err, ABL_FAILED, "cannot draw the screen: %s",
                        cairo_status_to_string(status));
    return ok;
}

// A grid on its way to the process that draws it; its cells follow.
struct packed {
    enum format format;
    uint32_t width, height;
};

static bool draw_packed(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    struct packed p;
    struct grid g = { 0 };
    struct buf out = { 0 };
    memcpy(&p, in->data, sizeof p);
    bool ok = grid_init(&g, p.width, p.height, err);
    if (ok) {
        memcpy(g.cells, in->data + sizeof p, in->len - sizeof p);
        ok = draw_here(&g, p.format, &out, err) && job_put(to, &out, err);
    }
    grid_release(&g);
    buf_release(&out);
    return ok;
}

// Fonts and drawing are others' code, which must not end the session.
static bool draw_figure(const struct grid *g, struct jobs *jobs, enum format format,
                        struct buf *out, struct abl_err *err)
{
    struct packed p = { format, g->width, g->height };
    struct buf in = { 0 };
    struct job *job;
    buf_add(&in, &p, sizeof p);
    buf_add(&in, g->cells, (size_t)g->width * g->height * sizeof *g->cells);
    bool ok = job_begin(jobs, draw_packed, &in, SECONDS, &job, err) && job_next(job, out, err);
    job_end(job);
    buf_release(&in);
    return ok || abl_fail_in(err, "the screen cannot be drawn");
}

bool shot_write(const struct grid *g, struct jobs *jobs, const char *path, struct abl_err *err)
{
    struct buf out = { 0 };
    enum format format = FORMAT_TEXT;
    if (!find_format(path, &format, err))
        return false;
    bool ok = true;
    if (format == FORMAT_TEXT)
        grid_dump(g, &out);
    else if (format == FORMAT_ANSI)
        dump_ansi(g, &out);
    else
        ok = draw_figure(g, jobs, format, &out, err);
    if (ok && out.failed)
        ok = abl_no_memory(err);
    ok = ok && file_write_atomic(path, out.data, out.len, err);
    buf_release(&out);
    return ok;
}
