#include "report/drawing.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <cairo-svg.h>

#include "report/png.h"

enum { PNG_SCALE = 2 };

void drawing_colour(cairo_t *c, struct rgb colour)
{
    cairo_set_source_rgb(c, colour.r / 255.0, colour.g / 255.0, colour.b / 255.0);
}

void drawing_font(cairo_t *c, double size, enum weight_of_text weight)
{
    cairo_select_font_face(c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           weight == BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, size);
}

double drawing_width(cairo_t *c, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    return e.x_advance;
}

void drawing_text(cairo_t *c, double x, double y, double anchor, const char *text)
{
    cairo_text_extents_t digit;
    cairo_text_extents(c, "0", &digit);
    cairo_move_to(c, x - anchor * drawing_width(c, text), y - digit.y_bearing / 2);
    cairo_show_text(c, text);
}

void drawing_signed(double value, int decimals, char out[SIGNED_SIZE])
{
    char digits[NUMBER_SIZE];
    number_fixed(value, decimals, digits);
    bool zero = !digits[strspn(digits, "0.")];
    if (*digits == '-')
        snprintf(out, SIGNED_SIZE, "\xe2\x88\x92%s", digits + 1);
    else
        snprintf(out, SIGNED_SIZE, "%s%s", zero ? "" : "+", digits);
}

void drawing_line(cairo_t *c, double width, double y, double size, enum weight_of_text weight,
                  const char *text)
{
    drawing_font(c, size, weight);
    while (size > 8 && drawing_width(c, text) > width - 2 * DRAWING_MARGIN)
        drawing_font(c, size -= 0.5, weight);
    drawing_text(c, DRAWING_MARGIN, y, 0, text);
}

static bool cairo_failed(cairo_status_t status, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot draw the figure: %s", cairo_status_to_string(status));
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

cairo_t *drawing_ruler(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *c = open_context(surface);
    cairo_surface_destroy(surface); // c holds it
    return c;
}

void drawing_ruler_free(cairo_t *c)
{
    cairo_destroy(c);
}

bool drawing_png(const struct drawing *d, struct buf *out, struct abl_err *err)
{
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)(PNG_SCALE * d->width), (int)(PNG_SCALE * d->height));
    cairo_t *c = open_context(surface);
    cairo_scale(c, PNG_SCALE, PNG_SCALE);
    d->draw(c, d->what);
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

bool drawing_svg(const struct drawing *d, struct buf *out, struct abl_err *err)
{
    struct buf svg = { 0 };
    cairo_surface_t *surface
        = cairo_svg_surface_create_for_stream(append, &svg, d->width, d->height);
    cairo_t *c = open_context(surface);
    d->draw(c, d->what);
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
