#include "tests/support/png_pixels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cairo.h>
#include <cmocka.h>

struct reader {
    const struct buf *bytes;
    size_t at;
};

static cairo_status_t read_png(void *context, unsigned char *out, unsigned len)
{
    struct reader *r = context;
    if (r->bytes->len - r->at < len)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(out, r->bytes->data + r->at, len);
    r->at += len;
    return CAIRO_STATUS_SUCCESS;
}

size_t png_pixels(const struct buf *png, struct rgb colour)
{
    struct reader reader = { .bytes = png };
    cairo_surface_t *s = cairo_image_surface_create_from_png_stream(read_png, &reader);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    int w = cairo_image_surface_get_width(s), h = cairo_image_surface_get_height(s);
    int stride = cairo_image_surface_get_stride(s);
    const unsigned char *data = cairo_image_surface_get_data(s);
    uint32_t wanted = (uint32_t)colour.r << 16 | (uint32_t)colour.g << 8 | colour.b;
    size_t n = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + (ptrdiff_t)y * stride + (ptrdiff_t)x * 4, sizeof pixel);
            n += (pixel & 0xffffff) == wanted;
        }
    cairo_surface_destroy(s);
    return n;
}
