// The forest figure: what stands in it, and that it is the same for the same effects.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cairo.h>
#include <cmocka.h>

#include "report/forest_figure.h"
#include "report/palette.h"

enum { GROUPS = 4, PANELS = 2, CELLS = PANELS * (GROUPS + 1) };

static const char *const groups[GROUPS]
    = { "one", "two", "a name that is longer than others", "4" };

// The first panel is below 0 everywhere, the second above; one group has no interval.
static struct forest_figure example(struct estimate cells[CELLS])
{
    for (int i = 0; i < CELLS; i++) {
        double mean = i <= GROUPS ? -1.0 - i : 0.5 * i;
        cells[i] = (struct estimate){ .mean = mean, .ci_lo = mean - 0.25, .ci_hi = mean + 0.25 };
    }
    cells[1].ci_lo = cells[1].ci_hi = NAN;
    return (struct forest_figure){ .title = "tiny · facts · by template",
                                   .subtitle = "20 rows in 4 clusters by template",
                                   .quantity = "Δ ld (logits)",
                                   .n_panels = PANELS,
                                   .n_groups = GROUPS,
                                   .panels = { "0:1 · groups differ: p 0.0100", "1:2" },
                                   .groups = groups,
                                   .cells = cells };
}

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

// Pixels of exactly the colour of a sign.
static size_t count_sign(const struct forest_figure *f, double sign)
{
    struct buf png = { 0 };
    struct abl_err err;
    if (!forest_png(f, &png, &err))
        fail_msg("%s", err.text);
    struct reader reader = { .bytes = &png };
    cairo_surface_t *s = cairo_image_surface_create_from_png_stream(read_png, &reader);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    int w = cairo_image_surface_get_width(s), h = cairo_image_surface_get_height(s);
    int stride = cairo_image_surface_get_stride(s);
    const unsigned char *data = cairo_image_surface_get_data(s);
    struct rgb c = palette_diverging(sign);
    uint32_t wanted = (uint32_t)c.r << 16 | (uint32_t)c.g << 8 | c.b;
    size_t n = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + (ptrdiff_t)y * stride + (ptrdiff_t)x * 4, sizeof pixel);
            n += (pixel & 0xffffff) == wanted;
        }
    cairo_surface_destroy(s);
    buf_release(&png);
    return n;
}

static void effects_have_the_colour_of_their_sign(void **state)
{
    (void)state;
    struct estimate cells[CELLS];
    struct forest_figure f = example(cells);
    assert_true(count_sign(&f, -1) > 500 && count_sign(&f, 1) > 500);
    f.n_panels = 1; // the one below 0
    size_t all = count_sign(&f, -1);
    assert_true(all > 500 && count_sign(&f, 1) == 0);
    cells[0].mean = NAN; // a group that has none is not drawn
    assert_true(count_sign(&f, -1) < all);
}

static void the_same_figure_gives_the_same_bytes(void **state)
{
    (void)state;
    struct estimate cells[CELLS];
    struct forest_figure f = example(cells);
    struct buf a = { 0 }, b = { 0 };
    struct abl_err err;
    assert_true(forest_svg(&f, &a, &err) && forest_svg(&f, &b, &err));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_non_null(strstr(a.data, "</svg>"));
    buf_release(&a);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_have_the_colour_of_their_sign),
        cmocka_unit_test(the_same_figure_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
