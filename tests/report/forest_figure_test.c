// The forest figure: what stands in it, and that it is the same for the same effects.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/forest_figure.h"
#include "report/palette.h"
#include "tests/support/png_pixels.h"

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

// Pixels of exactly the colour of a sign.
static size_t count_sign(const struct forest_figure *f, double sign)
{
    struct buf png = { 0 };
    struct abl_err err;
    if (!forest_png(f, &png, &err))
        fail_msg("%s", err.text);
    size_t n = png_pixels(&png, palette_diverging(sign));
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
