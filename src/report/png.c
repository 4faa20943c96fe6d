#include "report/png.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/size.h"

// cairo's pixels are words 0x..RRGGBB.
static void pack_row(const unsigned char *from, size_t n, unsigned char *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t pixel;
        memcpy(&pixel, from + i * sizeof pixel, sizeof pixel);
        *to++ = (unsigned char)(pixel >> 16);
        *to++ = (unsigned char)(pixel >> 8);
        *to++ = (unsigned char)pixel;
    }
}

static bool write_pixels(png_image *image, const unsigned char *pixels, struct buf *out,
                         struct abl_err *err)
{
    png_alloc_size_t len = PNG_IMAGE_PNG_SIZE_MAX(*image);
    char *file = malloc(len);
    if (!file)
        return abl_no_memory(err);
    bool ok = png_image_write_to_memory(image, file, &len, 0, pixels, 0, NULL) != 0;
    if (ok)
        buf_add(out, file, len);
    free(file);
    return ok ? !out->failed || abl_no_memory(err)
              : abl_fail(err, ABL_FAILED, "cannot write a PNG: %s", image->message);
}

bool png_write(cairo_surface_t *surface, struct buf *out, struct abl_err *err)
{
    cairo_surface_flush(surface);
    const unsigned char *data = cairo_image_surface_get_data(surface);
    size_t width = (size_t)cairo_image_surface_get_width(surface), bytes;
    size_t height = (size_t)cairo_image_surface_get_height(surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    if (!data || !size_mul(width * 3, height, &bytes))
        return abl_fail(err, ABL_FAILED, "cannot draw a picture of %zu x %zu pixels", width,
                        height);
    unsigned char *pixels = malloc(size_max(bytes, 1));
    if (!pixels)
        return abl_no_memory(err);
    for (size_t y = 0; y < height; y++)
        pack_row(data + y * stride, width, pixels + y * width * 3);
    png_image image = { .version = PNG_IMAGE_VERSION,
                        .width = (png_uint_32)width,
                        .height = (png_uint_32)height,
                        .format = PNG_FORMAT_RGB,
                        .flags = PNG_IMAGE_FLAG_FAST };
    bool ok = write_pixels(&image, pixels, out, err);
    free(pixels);
    return ok;
}
