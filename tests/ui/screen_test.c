// What the explorer draws, compared character by character with stored screens that were looked at.
// ABLTUI_UPDATE_SCREENS=1 writes them anew.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/support/check.h"
#include "tests/support/screen.h"
#include "ui/action.h"
#include "ui/apply.h"
#include "ui/depth.h"
#include "ui/draw.h"
#include "ui/format.h"
#include "ui/keys.h"
#include "ui/picker.h"
#include "ui/view.h"

static void print_difference(const char *name, const char *found, const char *expected)
{
    for (int line = 1; *found || *expected; line++) {
        size_t f = strcspn(found, "\n"), e = strcspn(expected, "\n");
        if (f != e || memcmp(found, expected, f) != 0)
            print_error("%s line %d\n  found    |%.*s|\n  expected |%.*s|\n", name, line, (int)f,
                        found, (int)e, expected);
        found += f + (found[f] == '\n');
        expected += e + (expected[e] == '\n');
    }
}

static void expect_screen(const struct state *s, const char *name)
{
    char path[128];
    struct file_bytes stored;
    struct abl_err err;
    snprintf(path, sizeof path, "tests/fixtures/screens/%s.txt", name);
    char *found = screen_text(s);
    if (getenv("ABLTUI_UPDATE_SCREENS"))
        assert_true(file_write_atomic(path, found, strlen(found), &err));
    if (!file_read(path, 1 << 20, &stored, ABL_FAILED, &err))
        fail_msg("%s", err.text);
    bool same = strcmp(found, stored.data) == 0;
    if (!same)
        print_difference(name, found, stored.data);
    free(found);
    file_bytes_release(&stored);
    assert_true(same);
}

static void draws_a_finished_sweep_at_80x24(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    expect_screen(s, "sweep-80x24");
    state_free(s);
}

// The end of a prompt is what stays of it; the others keep the terminal's columns too.
static void a_row_that_is_too_long_keeps_its_end(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    apply_action(s, DO_NEXT_ROW, 0);
    char *text = screen_text(s);
    static const char line[] = "\n row 5 …or more than a year or two learns that its capital is"
                               " → Berlin / Madrid";
    if (!strstr(text, line))
        fail_msg("expected%s\non the screen:\n%s", line, text);
    free(text);
    state_free(s);
}

static void the_baseline_is_never_called_what_it_is_not(void **state)
{
    (void)state;
    struct state *s = screen_state(200, 60, 4, 8);
    s->snap->facts.baseline = "corrupt";
    char *text = screen_text(s);
    assert_non_null(strstr(text, "corrupt ld"));
    assert_null(strstr(text, "intact"));
    free(text);
    state_free(s);
}

static void draws_a_finished_sweep_at_160x50(void **state)
{
    (void)state;
    struct state *s = screen_state(160, 50, 12, 12);
    expect_screen(s, "sweep-160x50");
    state_free(s);
}

static void draws_intervals_into_cells_where_they_fit(void **state)
{
    (void)state;
    struct state *s = screen_state(200, 60, 4, 8);
    expect_screen(s, "sweep-200x60");
    state_free(s);
}

static void packs_two_layers_a_line_when_24x16_heads_meet_80x24_cells(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 24, 16);
    expect_screen(s, "medium-80x24");
    state_free(s);
}

// What stands in the first columns of a line on which nothing else is.
static void expect_cells(const char *text, uint32_t width, const char *expected)
{
    struct grid g = { 0 };
    struct abl_err err;
    struct buf out = { 0 };
    CHECK(grid_init(&g, width, 1, &err));
    grid_text(&g, (struct rect){ 0, 0, width, 1 }, 0, 0, (struct style){ .flags = 0 }, text);
    grid_dump(&g, &out);
    out.data[out.len - 1] = '\0'; // its line end
    assert_string_equal(out.data, expected);
    buf_release(&out);
    grid_release(&g);
}

static void shows_what_a_terminal_would_obey_or_hide(void **state)
{
    (void)state;
    expect_cells("a\x1b[31mb", 14, "a\\u001b[31mb  ");
    expect_cells("a\x9b\xc2\x9b\nb", 17, "a<0x9B>\\u009b\\nb ");
    expect_cells("a\xe2\x80\xae\xe2\x80\x8b"
                 "b",
                 14, "a\\u202e\\u200bb");
    expect_cells("a\xe2\x80\xae\xe2\x80\x8b"
                 "b",
                 10, "a\\u202e\xe2\x80\xa6  "); // never half of one
    expect_cells("\xe6\x9d\xb1\x7f", 9, "\xe6\x9d\xb1\\u007f ");
}

static void marks_stand_on_their_letters(void **state)
{
    (void)state;
    expect_cells("e\xcc\x81g", 3, "e\xcc\x81g ");
    expect_cells("e\xcc\x81\xcc\x80\xcc\x82g", 3, "e\xcc\x81\xcc\x80g "); // two of them
    expect_cells("\xcc\x81"
                 "e",
                 8, "\\u0301e ");
    expect_cells("ee\xcc\x81", 2, "ee\xcc\x81");
}

static void expect_ascii(const struct state *s)
{
    char *text = screen_text(s);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80)
            fail_msg("at %ux%u, overlay %d, there is '%.3s'", s->width, s->height, s->overlay, c);
    assert_int_equal(strlen(text), (s->width + 1) * s->height); // wide characters leave no hole
    free(text);
}

static void draws_without_unicode(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = { { 80, 24 }, { 120, 40 }, { 200, 60 }, { 60, 20 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int overlay = OVERLAY_NONE; overlay <= OVERLAY_SEARCH; overlay++)
            for (unsigned mono = 0; mono <= LOOK_MONO; mono += LOOK_MONO) {
                struct state *s = screen_state(sizes[i][0], sizes[i][1], 24, 16);
                s->look = LOOK_ASCII | mono;
                s->snap->states[3] = CELL_WAITING;
                s->snap->phase = overlay % 2 ? RUN_RUNNING : RUN_DONE;
                state_say(s, true, "模型 “naïve” 🙂");
                apply_action(s, DO_OVERLAY, (uint32_t)overlay);
                expect_ascii(s);
                state_focus(s, PANE_LOG);
                expect_ascii(s);
                state_free(s);
            }
}

static void draws_the_same_screen_without_unicode(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    s->look = LOOK_ASCII;
    expect_screen(s, "ascii-80x24");
    state_free(s);
}

static void draws_the_joint_effect_of_marked_heads(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    apply_action(s, DO_MARK, 0);
    apply_action(s, DO_DOWN, 0);
    assert_true(apply_action(s, DO_MARK, 0) & EFFECT_JOINT);
    s->snap->has_joint = true;
    s->snap->joint
        = (struct joint){ .marks = s->marks,
                          .effect
                          = { .joint = { .mean = 3.5, .ci_lo = 3.25, .ci_hi = 3.75 },
                              .sum = { .mean = 4.0, .ci_lo = 3.5, .ci_hi = 4.5 },
                              .interaction = { .mean = -0.5, .ci_lo = -0.75, .ci_hi = -0.25 } } };
    expect_screen(s, "joint-80x24");
    state_free(s);
}

static void draws_what_is_left_where_only_the_marked_heads_are_kept(void **state)
{
    (void)state;
    struct state *s = screen_state(160, 50, 4, 8);
    apply_action(s, DO_MARK, 0);
    assert_true(apply_action(s, DO_KEEP_ONLY, 0) & EFFECT_JOINT);
    s->snap->has_joint = true;
    s->snap->intact.mean = 8;
    s->snap->joint
        = (struct joint){ .marks = s->marks,
                          .effect = { .joint = { .mean = -6, .ci_lo = -7, .ci_hi = -5 } } };
    char *text = screen_text(s);
    assert_non_null(strstr(text, "kept alone 1: 0:0"));
    assert_non_null(strstr(text, "+2.000, 25% of intact"));
    free(text);
    state_free(s);
}

static void draws_both_texts_and_marks_what_changed(void **state)
{
    (void)state;
    struct state *s = screen_state(120, 40, 4, 8);
    struct said_ask ask;
    struct said *said = calloc(1, sizeof *said);
    assert_non_null(said);
    state_focus(s, PANE_SAY);
    apply_action(s, DO_MARK, 0);
    assert_true(state_ask_say(s, &ask));
    assert_false(state_ask_say(s, &ask)); // once
    said->ask = ask;
    said->n = 2;
    said->lines[0] = (struct said_line){
        .texts = { { true, " Paris", 0.995, 0.4 }, { true, " Rome", 0.41, 0.001 } }, .changed = true
    };
    said->lines[1] = (struct said_line){ .texts = { { true, ".", 1, 1 }, { .there = false } } };
    said->n_changed = 1;
    said->whole = true;
    state_take_said(s, said);
    expect_screen(s, "say-120x40");
    apply_action(s, DO_DOWN, 0); // the marked head stays what is ablated
    assert_non_null(state_said(s));
    apply_action(s, DO_NEXT_ROW, 0);
    assert_null(state_said(s));
    state_free(s);
}

// The line of the head pane that begins with `name`; NULL: there is none. In `text`.
static const char *entry_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at && at[strlen(name)] == ' ' ? at + strlen(name) + strspn(at + strlen(name), " ")
                                         : NULL;
}

static void expect_direct(struct ablation how, enum metric m, const char *direct,
                          const char *indirect)
{
    struct state *s = screen_state(80, 24, 4, 8);
    struct snapshot *p = s->snap;
    assert_true(snapshot_items(p, 1));
    p->items[0] = (struct item){ .done = true, .is_head = true, .delta = { .mean = 2.5 } };
    p->cells[0].mean = -1.5;
    p->ablation = how;
    p->metric = m;
    char *text = screen_text(s);
    const char *own = entry_of(text, "direct"), *later = entry_of(text, "indirect");
    assert_non_null(own);
    assert_memory_equal(own, direct, strlen(direct));
    if (indirect) {
        assert_non_null(later);
        assert_memory_equal(later, indirect, strlen(indirect));
    } else {
        assert_null(later);
    }
    free(text);
    state_free(s);
}

// total = direct + indirect: an ablation by half takes half of what the head writes; by a mean,
// something else.
// What the head pane says of the head under the cursor, and whether its cell is bold.
static void expect_verdict(struct estimate e, enum metric m, double least, const char *said,
                           bool bold)
{
    struct state *s = screen_state(80, 24, 4, 8);
    struct grid g = { 0 };
    struct abl_err err;
    s->snap->metric = m;
    s->snap->bar.least = least;
    s->snap->cells[0] = e;
    char *text = screen_text(s);
    if (!strstr(text, said))
        fail_msg("expected \"%s\" on the screen:\n%s", said, text);
    CHECK(grid_init(&g, 80, 24, &err));
    view_draw(s, &g);
    bool is_bold = false;
    for (uint32_t x = 4; x < 10; x++) { // digits alone: brackets of the cursor always are
        const struct cell *c = &g.cells[80 * 5 + x];
        is_bold = is_bold || (c->character == '5' && c->style.flags & STYLE_BOLD);
    }
    if (is_bold != bold)
        fail_msg("\"%s\": the cell is %sbold", said, is_bold ? "" : "not ");
    free(text);
    grid_release(&g);
    state_free(s);
}

static void a_verdict_needs_a_test_and_size(void **state)
{
    (void)state;
    struct estimate e = { .mean = -0.5, .q = 0.01, .n = 40, .n_clusters = 6 };
    expect_verdict(e, METRIC_LD, 0.4, "it supports the target", true);
    expect_verdict(e, METRIC_LD, 0.6, "detectable, negligible", false);
    e.q = 0.05;
    expect_verdict(e, METRIC_LD, 0.4, "no effect beyond chance", false);
    e.q = NAN;
    expect_verdict(e, METRIC_KL, 0.0, "never below 0: not tested", false);
    e.n_clusters = 5;
    expect_verdict(e, METRIC_LD, 0.4, "too few clusters to test", false);
}

// Thirty groups of every head; the head's own are at 0, but for one that stands out and one
// without an interval.
static void give_groups(struct snapshot *p)
{
    enum { GROUPS = 30 };
    const char *names[GROUPS];
    char text[GROUPS][16];
    for (int k = 0; k < GROUPS; k++) {
        snprintf(text[k], sizeof text[k], "form-%02d", k);
        names[k] = text[k];
    }
    struct prompts prompts = { .by = "template", .group_names = names, .n_groups = GROUPS };
    size_t n_cells = (size_t)p->n_layers * p->n_heads;
    struct abl_err err;
    CHECK(forest_init(&p->forest, &prompts, n_cells, &err));
    for (size_t i = 0; i < n_cells; i++) {
        p->forest.found[i] = (struct heterogeneity){
            .p = 0.0123, .q = 0.2, .without_lo = 2.75, .without_hi = 3.125
        };
        for (int k = 0; k < GROUPS; k++) {
            double mean = k == 3 ? -2 : 1;
            p->forest.means[i * GROUPS + (size_t)k]
                = (struct group_mean){ .mean = mean,
                                       .ci_lo = k == 4 ? (double)NAN : mean - 0.5,
                                       .ci_hi = k == 4 ? (double)NAN : mean + 0.5,
                                       .n = 5,
                                       .n_units = k == 4 ? 1 : 5 };
        }
    }
}

static void press(struct state *s, uint32_t key)
{
    const struct binding *b = key_find(s, key);
    if (b)
        apply_action(s, b->action, b->arg);
}

static void draws_the_groups_of_a_head(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    press(s, 'f');
    assert_int_equal(s->overlay, OVERLAY_NONE); // without groups there is nothing to show
    give_groups(s->snap);
    press(s, 'f');
    assert_int_equal(s->overlay, OVERLAY_FOREST);
    expect_screen(s, "groups-80x24");
    press(s, KEYCODE_DOWN);
    assert_int_equal(s->scroll, 1);
    press(s, KEYCODE_PAGE_DOWN);
    press(s, KEYCODE_PAGE_DOWN);
    press(s, KEYCODE_PAGE_DOWN);
    assert_int_equal(s->scroll, forest_scroll_limit(s)); // and no further
    char *text = screen_text(s);
    assert_non_null(strstr(text, "form-29"));
    assert_non_null(strstr(text, "all "));
    assert_null(strstr(text, "form-00"));
    free(text);
    press(s, 'f');
    assert_int_equal(s->overlay, OVERLAY_NONE);
    state_free(s);
}

static void draws_the_indirect_effect_where_there_is_one(void **state)
{
    (void)state;
    expect_direct((struct ablation){ .scale = 0 }, METRIC_LD, "+2.500", "+1.000");
    expect_direct((struct ablation){ .scale = 0.5f }, METRIC_LD, "+2.500", "-0.250");
    expect_direct((struct ablation){ .kind = ABLATE_MEAN }, METRIC_LD, "+2.500", NULL);
    expect_direct((struct ablation){ .scale = 0 }, METRIC_ENTROPY, "+2.500", NULL);
}

static void draws_the_help_of_what_is_valid_now(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    apply_action(s, DO_OVERLAY, OVERLAY_HELP);
    expect_screen(s, "help-80x24");
    state_free(s);
}

static const char failure[]
    = "no model "
      "'/home/someone/models/a-very-long-name-that-does-not-fit-into-any-line/and-goes-on': "
      "expected a "
      "folder with config.json, or one of the bundled models (tiny-gpt2)";

static void shows_all_of_a_failure_where_the_heatmap_would_be(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    struct snapshot *p = snapshot_new(0, 0);
    assert_non_null(p);
    p->experiment = s->choice.experiment;
    p->phase = RUN_FAILED;
    snprintf(p->err.text, sizeof p->err.text, "%s", failure);
    state_take_snapshot(s, p);
    state_say(s, true, "%s", failure);
    s->message[0] = '\0';
    expect_screen(s, "failure-80x24");
    state_free(s);
}

static void shows_the_beginning_of_a_long_message_and_all_of_it_in_the_log(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    for (int i = 0; i < 8; i++)
        state_say(s, i % 2, "message %d: %s", i, failure);
    state_focus(s, PANE_LOG);
    s->log.back = 3;
    expect_screen(s, "log-80x24");
    state_free(s);
}

static void says_what_is_still_being_looked_for(void **state)
{
    (void)state;
    struct catalog c = { 0 };
    struct state *s = screen_state(80, 24, 4, 8);
    picker_take_catalog(s, &c, 1u << CATALOG_MODELS);
    apply_action(s, DO_OVERLAY, OVERLAY_DEVICE);
    char *text = screen_text(s);
    assert_non_null(strstr(text, "looking for devices…"));
    free(text);
    apply_action(s, DO_OVERLAY, OVERLAY_MODEL);
    text = screen_text(s);
    assert_non_null(strstr(text, "no models found"));
    free(text);
    state_free(s);
}

static void says_what_it_needs_when_the_terminal_is_small(void **state)
{
    (void)state;
    struct state *s = screen_state(60, 20, 4, 8);
    char *text = screen_text(s);
    assert_non_null(strstr(text, "80x24"));
    assert_non_null(strstr(text, "60x20"));
    free(text);
    state_free(s);
}

static void every_size_is_drawn_without_leaving_the_grid(void **state)
{
    (void)state;
    for (uint32_t w = 1; w < 220; w += 13)
        for (uint32_t h = 1; h < 70; h += 7) {
            struct state *s = screen_state(w, h, 24, 16);
            free(screen_text(s)); // the sanitizer run watches
            state_free(s);
        }
}

static void a_click_hits_the_head_that_is_drawn_there(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    struct grid g = { 0 };
    struct abl_err err;
    struct head hit;
    assert_true(grid_init(&g, 80, 24, &err));
    apply_action(s, DO_SELECT, 2u << 16 | 5);
    view_draw(s, &g);
    assert_true(g.has_cursor);
    assert_true(view_hit(s, g.cursor_x, g.cursor_y, &hit));
    assert_int_equal(hit.layer, 2);
    assert_int_equal(hit.head, 5);
    assert_false(view_hit(s, 79, 23, &hit));
    grid_release(&g);
    state_free(s);
}

static bool same_rgb(struct color c, struct rgb expected)
{
    return c.set && c.rgb.r == expected.r && c.rgb.g == expected.g && c.rgb.b == expected.b;
}

static void draw_at(struct state *s, struct grid *g, uint32_t layer, uint32_t head)
{
    struct abl_err err;
    assert_true(grid_init(g, s->width, s->height, &err));
    apply_action(s, DO_SELECT, layer << 16 | head);
    view_draw(s, g);
}

// Whatever form the heatmap takes, a cell under the cursor keeps the colour of its effect, and one
// sees the cursor.
static void the_cursor_does_not_change_the_colour_of_a_head(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height, n_layers, n_heads;
    } screens[] = { { 200, 60, 4, 8 },  { 160, 50, 12, 12 }, { 80, 24, 4, 8 },
                    { 80, 24, 12, 12 }, { 80, 24, 16, 20 },  { 80, 24, 24, 16 } };
    for (size_t i = 0; i < sizeof screens / sizeof *screens; i++)
        for (uint32_t layer = 0; layer < 3; layer++) {
            uint32_t head = 2 + layer, n_heads = screens[i].n_heads;
            struct state *s
                = screen_state(screens[i].width, screens[i].height, screens[i].n_layers, n_heads);
            struct grid there = { 0 }, away = { 0 };
            draw_at(s, &away, 3, 0);
            draw_at(s, &there, layer, head);
            double mean = s->snap->cells[layer * n_heads + head].mean;
            const struct cell *c = grid_at(&there, there.cursor_x, there.cursor_y);
            if (c->style.flags & STYLE_REVERSE
                || !same_rgb(c->style.bg, palette_diverging(mean / s->snap->scale)))
                fail_msg("screen %zu, head %u:%u: the colour under the cursor is not its effect's",
                         i, layer, head);
            assert_false(cell_equal(c, grid_at(&away, there.cursor_x, there.cursor_y)));
            grid_release(&there);
            grid_release(&away);
            state_free(s);
        }
}

static void the_cursor_is_inverted_where_there_is_no_colour(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 12, 12);
    struct grid g = { 0 };
    s->look = LOOK_MONO;
    draw_at(s, &g, 1, 1);
    assert_true(grid_at(&g, g.cursor_x, g.cursor_y)->style.flags & STYLE_REVERSE);
    grid_release(&g);
    state_free(s);
}

static void expect_signed(double value, double largest, uint32_t width, const char *expected)
{
    char found[FORMAT_SIZE];
    format_signed(value, largest, width, found);
    if (strcmp(found, expected) != 0)
        print_error("%g beside %g in %u columns: found '%s', expected '%s'\n", value, largest,
                    width, found, expected);
    assert_string_equal(found, expected);
}

static void a_small_number_is_not_a_signed_zero(void **state)
{
    (void)state;
    expect_signed(0.12, 3, 4, "+0.1");
    expect_signed(0.02, 3, 4, "+.02");
    expect_signed(-0.004, 3, 4, "≈0");
    expect_signed(-0.0004, 3, 6, "-.0004");
    expect_signed(0, 3, 4, " 0.0");
    expect_signed(-0.0, 3, 6, " 0.000");
    expect_signed(2e-5, 2e-5, 5, "+2e-5");
    expect_signed(-2e-5, 4e-5, 6, "-2e-5");
    expect_signed(2e-5, 2e-5, 4, "≈0");
    expect_signed(2e-5, 0.05, 6, "≈0");
    expect_signed(-0.0123, 0.05, 6, "-.0123");
    expect_signed(9.9996, 3, 6, "+10.00");
    expect_signed(123456, 123456, 5, "+1e5");
    expect_signed(-12.345, 40, 5, "-12.3");
}

static void expect_number(double value, const char *expected)
{
    char found[FORMAT_SIZE];
    format_number(value, found);
    assert_string_equal(found, expected);
}

static void a_number_by_itself_keeps_digits_that_count(void **state)
{
    (void)state;
    expect_number(0, "0");
    expect_number(-0.0, "0");
    expect_number(2.14e-5, "+2.1e-5");
    expect_number(-0.00213, "-0.0021");
    expect_number(0.0123, "+0.012");
    expect_number(-1.2345, "-1.234");
    expect_number(123.456, "+123.5");
    expect_number(2.5e9, "+2.50e9");
}

static void an_interval_shows_on_which_side_of_zero_it_ends(void **state)
{
    (void)state;
    static const struct {
        struct estimate e;
        const char *expected;
    } cases[] = { { { .ci_lo = 0.4224, .ci_hi = 0.8221 }, "[+0.422, +0.822]" },
                  { { .ci_lo = 2e-5, .ci_hi = 0.8221 }, "[+2e-5, +0.822]" },
                  { { .ci_lo = -2e-5, .ci_hi = 3e-5 }, "[-2e-5, +3e-5]" },
                  { { .ci_lo = 0.00184, .ci_hi = 0.00236 }, "[+.0018, +.0024]" },
                  { { .ci_lo = 0, .ci_hi = 0 }, "[0, 0]" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char found[2 * FORMAT_SIZE];
        format_interval(&cases[i].e, found);
        assert_string_equal(found, cases[i].expected);
    }
}

static void a_colour_becomes_the_nearest_that_the_terminal_has(void **state)
{
    (void)state;
    static const struct {
        struct rgb rgb;
        int in_8, in_16, in_256, direct; // xterm's numbers
    } cases[] = { { { 0, 0, 0 }, 0, 0, 16, 8 },
                  { { 255, 255, 255 }, 7, 15, 231, 0xffffff },
                  { { 255, 0, 0 }, 1, 9, 196, 0xff0000 },
                  { { 95, 135, 175 }, -1, -1, 67, 0x5f87af },
                  { { 238, 238, 238 }, 7, -1, 255, 0xeeeeee } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct color c = { true, cases[i].rgb };
        if (cases[i].in_8 >= 0)
            assert_int_equal(depth_color(DEPTH_8, c), cases[i].in_8);
        if (cases[i].in_16 >= 0)
            assert_int_equal(depth_color(DEPTH_16, c), cases[i].in_16);
        assert_int_equal(depth_color(DEPTH_256, c), cases[i].in_256);
        assert_int_equal(depth_color(DEPTH_DIRECT, c), cases[i].direct);
        assert_int_equal(depth_color(DEPTH_MONO, c), -1);
    }
    assert_int_equal(depth_color(DEPTH_DIRECT, (struct color){ 0 }), -1);
}

static void direct_colours_are_looked_for_where_colorterm_promises_them(void **state)
{
    (void)state;
    char name[32];
    assert_true(depth_direct_entry("xterm-256color", name, sizeof name));
    assert_string_equal(name, "xterm-direct");
    assert_true(depth_direct_entry("alacritty", name, sizeof name));
    assert_string_equal(name, "alacritty-direct");
    assert_false(depth_direct_entry("a-terminal-with-a-very-long-name", name, sizeof name));
    assert_true(depth_colorterm("truecolor"));
    assert_true(depth_colorterm("24bit"));
    assert_false(depth_colorterm(NULL));
    assert_false(depth_colorterm("yes"));
}

static void small_effects_share_a_unit(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    struct abl_err err;
    for (size_t i = 0; i < 32; i++)
        s->snap->cells[i].mean *= 1e-4;
    assert_true(snapshot_rescale(s->snap, &err));
    expect_screen(s, "small-80x24");
    state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_a_finished_sweep_at_80x24),
        cmocka_unit_test(a_row_that_is_too_long_keeps_its_end),
        cmocka_unit_test(the_baseline_is_never_called_what_it_is_not),
        cmocka_unit_test(draws_a_finished_sweep_at_160x50),
        cmocka_unit_test(draws_intervals_into_cells_where_they_fit),
        cmocka_unit_test(packs_two_layers_a_line_when_24x16_heads_meet_80x24_cells),
        cmocka_unit_test(shows_what_a_terminal_would_obey_or_hide),
        cmocka_unit_test(marks_stand_on_their_letters),
        cmocka_unit_test(draws_without_unicode),
        cmocka_unit_test(draws_the_same_screen_without_unicode),
        cmocka_unit_test(draws_the_joint_effect_of_marked_heads),
        cmocka_unit_test(draws_what_is_left_where_only_the_marked_heads_are_kept),
        cmocka_unit_test(draws_both_texts_and_marks_what_changed),
        cmocka_unit_test(a_verdict_needs_a_test_and_size),
        cmocka_unit_test(draws_the_groups_of_a_head),
        cmocka_unit_test(draws_the_indirect_effect_where_there_is_one),
        cmocka_unit_test(draws_the_help_of_what_is_valid_now),
        cmocka_unit_test(shows_all_of_a_failure_where_the_heatmap_would_be),
        cmocka_unit_test(shows_the_beginning_of_a_long_message_and_all_of_it_in_the_log),
        cmocka_unit_test(says_what_is_still_being_looked_for),
        cmocka_unit_test(says_what_it_needs_when_the_terminal_is_small),
        cmocka_unit_test(every_size_is_drawn_without_leaving_the_grid),
        cmocka_unit_test(a_click_hits_the_head_that_is_drawn_there),
        cmocka_unit_test(a_colour_becomes_the_nearest_that_the_terminal_has),
        cmocka_unit_test(direct_colours_are_looked_for_where_colorterm_promises_them),
        cmocka_unit_test(the_cursor_does_not_change_the_colour_of_a_head),
        cmocka_unit_test(the_cursor_is_inverted_where_there_is_no_colour),
        cmocka_unit_test(a_small_number_is_not_a_signed_zero),
        cmocka_unit_test(small_effects_share_a_unit),
        cmocka_unit_test(a_number_by_itself_keeps_digits_that_count),
        cmocka_unit_test(an_interval_shows_on_which_side_of_zero_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
