#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/heatmap.h"
#include "report/palette.h"
#include "tests/support/png_pixels.h"

// Lightness of CIE L*a*b* under D65, 0 to 100, from the sRGB standard.
static double lightness(struct rgb c)
{
    const double bytes[] = { c.r, c.g, c.b }, weights[] = { 0.2126729, 0.7151522, 0.0721750 };
    double y = 0.0;
    for (int i = 0; i < 3; i++) {
        double v = bytes[i] / 255.0;
        y += weights[i] * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
    return y > 216.0 / 24389.0 ? 116.0 * cbrt(y) - 16.0 : y * 24389.0 / 27.0;
}

typedef struct rgb palette(double t);

static palette *const palettes[] = { palette_diverging, palette_diverging_dark };

static void expect_even_slopes(palette *of)
{
    double zero = lightness(of(0.0)), end = lightness(of(1.0));
    for (int i = 0; i <= 20; i++) {
        double t = i / 20.0, even = zero + (end - zero) * t;
        double up = lightness(of(t)), down = lightness(of(-t));
        if (!(fabs(up - even) < 2.5))
            fail_msg("lightness at %g is %.2f, an even slope gives %.2f", t, up, even);
        if (!(fabs(up - down) < 4.0))
            fail_msg("lightness at +-%g differs: %.2f, %.2f", t, up, down);
    }
}

static void lightness_runs_evenly_and_alike_on_both_sides(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        expect_even_slopes(palettes[i]);
    assert_true(lightness(palette_diverging(0)) > 90 && lightness(palette_diverging_dark(0)) < 20);
}

// How colours look without one kind of cone: matrices over linear light of Machado, Oliveira and
// Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009.
static const double without[][3][3] = { { { 0.152286, 1.052583, -0.204868 },
                                          { 0.114503, 0.786281, 0.099216 },
                                          { -0.003882, -0.048116, 1.051998 } },
                                        { { 0.367322, 0.860646, -0.227968 },
                                          { 0.280085, 0.672501, 0.047413 },
                                          { -0.011820, 0.042940, 0.968881 } },
                                        { { 1.255528, -0.076749, -0.178779 },
                                          { -0.078411, 0.930809, 0.147602 },
                                          { 0.004733, 0.691367, 0.303900 } } };

static void seen(const double m[3][3], struct rgb c, double out[3])
{
    const double linear[] = { pow(c.r / 255.0, 2.2), pow(c.g / 255.0, 2.2), pow(c.b / 255.0, 2.2) };
    for (int i = 0; i < 3; i++) {
        double v = m[i][0] * linear[0] + m[i][1] * linear[1] + m[i][2] * linear[2];
        out[i] = 255.0 * pow(fmin(fmax(v, 0.0), 1.0), 1 / 2.2);
    }
}

static void signs_differ_to_the_colour_blind(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++)
        for (size_t kind = 0; kind < 3; kind++) {
            double low[3], high[3], sum = 0;
            seen(without[kind], palettes[p](-1), low);
            seen(without[kind], palettes[p](1), high);
            for (int i = 0; i < 3; i++)
                sum += (low[i] - high[i]) * (low[i] - high[i]);
            if (!(sqrt(sum) > 80))
                fail_msg("palette %zu, kind %zu: the ends are %.0f apart, expected 80", p, kind,
                         sqrt(sum));
        }
}

static void blue_lowers_and_orange_raises(void **state)
{
    (void)state;
    struct rgb low = palette_diverging(-1.0), high = palette_diverging(1.0);
    assert_true(low.b > low.r && low.b > low.g);
    assert_true(high.r > high.g && high.g > high.b);
    struct rgb white = palette_diverging(0.0);
    assert_true(white.r > 235 && white.g > 235 && white.b > 235);
}

static void values_out_of_range_are_cut_and_missing_ones_neutral(void **state)
{
    (void)state;
    struct rgb a = palette_diverging(1.0), b = palette_diverging(INFINITY);
    assert_memory_equal(&a, &b, sizeof a);
    a = palette_diverging(-1.0), b = palette_diverging(-7.0);
    assert_memory_equal(&a, &b, sizeof a);
    a = palette_diverging(0.0), b = palette_diverging(NAN);
    assert_memory_equal(&a, &b, sizeof a);
}

static void text_stands_out_from_every_colour(void **state)
{
    (void)state;
    for (int i = -20; i <= 20; i++) {
        for (size_t p = 0; p < 2; p++) {
            struct rgb colour = palettes[p](i / 20.0);
            double contrast = fabs(lightness(palette_ink(colour)) - lightness(colour));
            if (!(contrast > 40.0))
                fail_msg("ink and colour at %g differ by %.1f in lightness, expected 40", i / 20.0,
                         contrast);
        }
    }
}

static void full_colour_lies_at_the_99th_percentile(void **state)
{
    (void)state;
    double values[102], scratch[102];
    // magnitudes 0 … 100
    for (int i = 0; i <= 100; i++)
        values[i] = i % 2 ? -i : i;
    values[101] = NAN;
    assert_true(fabs(palette_scale(values, 102, scratch) - 99.0) < 1e-12);
    assert_true(palette_scale(values + 7, 1, scratch) == 7.0);
    assert_true(palette_scale(values + 101, 1, scratch) == 0.0);
    assert_true(palette_scale(values, 0, scratch) == 0.0);
}

enum { LAYERS = 3, HEADS = 5 };

static struct heatmap example(struct estimate cells[LAYERS * HEADS])
{
    for (int i = 0; i < LAYERS * HEADS; i++)
        cells[i] = (struct estimate){ .mean = 0.1 * (i - 7), .q = i == 14 ? 0.001 : 0.5, .n = 6 };
    return (struct heatmap){ .title = "tiny · facts · zero ablation · ld",
                             .subtitle = "6 rows in 3 clusters",
                             .quantity = "Δ ld (logits)",
                             .n_layers = LAYERS,
                             .n_heads = HEADS,
                             .cells = cells,
                             .bar = { .alpha = 0.05 } };
}

static struct buf png_of(const struct heatmap *m)
{
    struct buf out = { 0 };
    struct abl_err err = { 0 };
    if (!heatmap_png(m, &out, &err))
        fail_msg("%s", err.text);
    return out;
}

static void every_cell_has_the_colour_of_its_effect(void **state)
{
    (void)state;
    struct estimate cells[LAYERS * HEADS];
    struct heatmap m = example(cells);
    struct buf png = png_of(&m);
    double values[LAYERS * HEADS], scratch[LAYERS * HEADS];
    for (int i = 0; i < LAYERS * HEADS; i++)
        values[i] = cells[i].mean;
    double scale = palette_scale(values, LAYERS * HEADS, scratch);
    for (int i = 0; i < LAYERS * HEADS; i++) {
        size_t n = png_pixels(&png, palette_diverging(cells[i].mean / scale));
        if (n < 500) // most of a cell of 62 x 36 points, less its text
            fail_msg("cell %d: %zu pixels of its colour", i, n);
    }
    buf_release(&png);
}

static void a_cell_that_was_not_run_has_no_colour_of_the_scale(void **state)
{
    (void)state;
    struct estimate cells[LAYERS * HEADS];
    struct heatmap m = example(cells);
    cells[3].n = 0;
    cells[4].mean = NAN;
    struct buf whole = png_of(&m);
    assert_true(png_pixels(&whole, (struct rgb){ 236, 237, 239 }) > 2000);
    buf_release(&whole);
}

// Recoveries have no q; what frames them is the effect that they are of.
static void a_map_of_positions_frames_what_is_judged(void **state)
{
    (void)state;
    static const char *const rows[] = { "0", "1", "2" };
    static const char *const columns[] = { "subject:last", "diff", "END", "-3", "all" };
    static const char *const below[] = { "34/168", "1/1", "0/20", "", "168/168" };
    const struct rgb ink = { 28, 30, 34 };
    struct estimate cells[LAYERS * HEADS], judged[LAYERS * HEADS];
    struct heatmap m = example(cells);
    m.rows = rows, m.columns = columns, m.below = below;
    m.judged = judged;
    for (int i = 0; i < LAYERS * HEADS; i++) {
        judged[i] = cells[i];
        judged[i].q = 0.5;
        judged[i].n_clusters = 6;
    }
    struct buf plain = png_of(&m);
    judged[3].q = judged[4].q = 0.001;
    struct buf framed = png_of(&m);
    size_t before = png_pixels(&plain, ink), after = png_pixels(&framed, ink);
    if (after < before + 400)
        fail_msg("%zu pixels of ink with two frames, %zu without", after, before);
    struct buf svg = { 0 };
    struct abl_err err;
    assert_true(heatmap_svg(&m, &svg, &err));
    buf_release(&svg);
    buf_release(&plain);
    buf_release(&framed);
}

static void the_same_heatmap_gives_the_same_bytes(void **state)
{
    (void)state;
    struct estimate cells[LAYERS * HEADS];
    struct heatmap m = example(cells);
    struct buf a = png_of(&m), b = png_of(&m), c = { 0 }, d = { 0 };
    struct abl_err err;
    assert_true(heatmap_svg(&m, &c, &err) && heatmap_svg(&m, &d, &err));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_int_equal(c.len, d.len);
    assert_memory_equal(c.data, d.data, c.len);
    assert_non_null(strstr(c.data, "<svg"));
    assert_non_null(strstr(c.data, "</svg>"));
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
    buf_release(&d);
}

static void draws_the_smallest_and_the_emptiest(void **state)
{
    (void)state;
    struct estimate cells[LAYERS * HEADS];
    struct heatmap m = example(cells);
    for (int i = 0; i < LAYERS * HEADS; i++)
        cells[i] = (struct estimate){ .mean = NAN };
    struct buf png = png_of(&m);
    buf_release(&png);
    m.n_layers = m.n_heads = 1;
    cells[0] = (struct estimate){ .mean = 0.0, .q = NAN, .n = 1 };
    char title[400];
    memset(title, 'w', sizeof title - 1);
    title[sizeof title - 1] = '\0';
    m.title = title;
    png = png_of(&m);
    buf_release(&png);
    cells[0].mean = -123456.789;
    png = png_of(&m);
    buf_release(&png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lightness_runs_evenly_and_alike_on_both_sides),
        cmocka_unit_test(signs_differ_to_the_colour_blind),
        cmocka_unit_test(blue_lowers_and_orange_raises),
        cmocka_unit_test(values_out_of_range_are_cut_and_missing_ones_neutral),
        cmocka_unit_test(text_stands_out_from_every_colour),
        cmocka_unit_test(full_colour_lies_at_the_99th_percentile),
        cmocka_unit_test(every_cell_has_the_colour_of_its_effect),
        cmocka_unit_test(a_cell_that_was_not_run_has_no_colour_of_the_scale),
        cmocka_unit_test(a_map_of_positions_frames_what_is_judged),
        cmocka_unit_test(the_same_heatmap_gives_the_same_bytes),
        cmocka_unit_test(draws_the_smallest_and_the_emptiest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
