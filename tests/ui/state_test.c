// Layout, key table, and what actions do to the explorer's state.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "tests/support/screen.h"
#include "ui/action.h"
#include "ui/apply.h"
#include "ui/catalog.h"
#include "ui/command.h"
#include "ui/help.h"
#include "ui/choose.h"
#include "ui/keys.h"
#include "ui/layout.h"
#include "ui/log.h"
#include "ui/picker.h"
#include "ui/text.h"

static void cover(unsigned char *seen, uint32_t width, uint32_t height, struct rect r)
{
    assert_true(r.x + r.w <= width && r.y + r.h <= height);
    for (uint32_t y = r.y; y < r.y + r.h; y++)
        for (uint32_t x = r.x; x < r.x + r.w; x++)
            seen[y * width + x]++;
}

// Of a model that the screen has to hold.
static struct layout layout_of(uint32_t w, uint32_t h, uint32_t n_layers, uint32_t n_heads,
                               enum pane zoomed)
{
    static const enum pane recent[N_PANES]
        = { PANE_HEAD, PANE_RANK, PANE_OV,      PANE_ROWS,  PANE_ATTN,
            PANE_LIST, PANE_LOG,  PANE_COMPARE, PANE_IMPACT };
    return layout_compute(&(struct layout_ask){ .width = w,
                                                .height = h,
                                                .n_layers = n_layers,
                                                .n_heads = n_heads,
                                                .recent = recent,
                                                .zoomed = zoomed });
}

static const uint32_t shapes[][2]
    = { { 0, 0 }, { 1, 1 }, { 4, 8 }, { 12, 12 }, { 24, 16 }, { 32, 32 }, { 80, 64 }, { 200, 2 } };

enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void expect_cover(uint32_t w, uint32_t h, const struct layout *l)
{
    unsigned char *seen = calloc(w * h, 1);
    struct rect around[] = { l->header, l->progress, l->footer };
    assert_false(l->too_small);
    for (size_t i = 0; i < 3; i++)
        cover(seen, w, h, around[i]);
    for (size_t i = 0; i < l->n_dividers; i++)
        cover(seen, w, h, l->dividers[i]);
    for (size_t i = 0; i < N_PANES; i++)
        cover(seen, w, h, l->panes[i]);
    for (uint32_t i = 0; i < w * h; i++)
        if (seen[i] != 1)
            fail_msg("%ux%u: cell %u,%u is covered %d times", w, h, i % w, i / w, seen[i]);
    free(seen);
}

static void panes_cover_every_screen_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (uint32_t w = 80; w <= 320; w += i == 2 ? 1 : 7)
            for (uint32_t h = 24; h <= 100; h += 3) {
                struct layout l = layout_of(w, h, shapes[i][0], shapes[i][1], N_PANES);
                expect_cover(w, h, &l);
                l = layout_of(w, h, shapes[i][0], shapes[i][1], PANE_ROWS);
                expect_cover(w, h, &l);
                assert_int_equal(l.panes[PANE_ROWS].w, w);
            }
    assert_true(layout_of(79, 24, 4, 8, N_PANES).too_small);
    assert_true(layout_of(80, 23, 4, 8, N_PANES).too_small);
}

static void expect_panes(uint32_t w, uint32_t h, uint32_t n_layers, uint32_t n_heads,
                         unsigned expected)
{
    struct layout l = layout_of(w, h, n_layers, n_heads, N_PANES);
    unsigned found = 0;
    for (int i = 0; i < N_PANES; i++)
        found |= layout_has(&l, (enum pane)i) ? 1u << i : 0;
    if (found != expected)
        fail_msg("%ux%u with %ux%u heads: panes %x, expected %x", w, h, n_layers, n_heads, found,
                 expected);
}

// Impact and head are always there; who else is depends on the screen and the model.
static void larger_screens_show_more_panes(void **state)
{
    (void)state;
    enum {
        SMALL = WHERE_IMPACT | WHERE_HEAD,
        RANKED = SMALL | WHERE_RANK,
        LOGGED = RANKED | WHERE_LOG,
        MOST = LOGGED | WHERE_OV | WHERE_ATTN | WHERE_ROWS,
    };
    expect_panes(80, 24, 4, 8, RANKED);
    expect_panes(80, 24, 24, 16, SMALL | WHERE_LOG);
    expect_panes(80, 24, 32, 32, SMALL);
    expect_panes(120, 40, 4, 8, LOGGED | WHERE_ROWS);
    expect_panes(120, 40, 24, 16, LOGGED);
    expect_panes(120, 40, 32, 32, RANKED);
    expect_panes(160, 45, 4, 8, MOST);
    expect_panes(160, 45, 24, 16, LOGGED | WHERE_ROWS);
    expect_panes(160, 45, 32, 32, LOGGED);
    expect_panes(200, 60, 4, 8, MOST | WHERE_LIST);
    expect_panes(200, 60, 24, 16, MOST);
    expect_panes(200, 60, 32, 32, MOST | WHERE_LIST);
}

static void no_key_has_two_meanings_in_one_place(void **state)
{
    (void)state;
    size_t n;
    const struct binding *b = key_bindings(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (b[i].key == b[j].key && b[i].where & b[j].where)
                fail_msg("key 0x%x is bound twice (rows %zu and %zu)", b[i].key, i, j);
}

static void every_action_explains_itself_once(void **state)
{
    (void)state;
    size_t n;
    const struct binding *b = key_bindings(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (b[i].help && b[j].help && b[i].where & b[j].where)
                assert_string_not_equal(b[i].help, b[j].help);
}

static unsigned press(struct state *s, uint32_t key)
{
    const struct binding *b = key_find(s, key);
    return b ? apply_action(s, b->action, b->action == DO_TYPE ? key : b->arg) : 0;
}

static void type(struct state *s, const char *text)
{
    for (; *text; text++)
        press(s, (uint32_t)*text);
}

static void the_cursor_stays_in_the_grid(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    for (int i = 0; i < 20; i++)
        press(s, 'l');
    assert_int_equal(s->cursor.head, 7);
    press(s, 'G');
    assert_int_equal(s->cursor.layer, 3);
    press(s, 'j');
    assert_int_equal(s->cursor.layer, 3);
    press(s, 'g');
    press(s, '0');
    assert_int_equal(s->cursor.layer, 0);
    assert_int_equal(s->cursor.head, 0);
    state_free(s);
}

static void a_mark_asks_for_the_joint_effect(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    assert_true(press(s, ' ') & EFFECT_JOINT);
    press(s, 'l');
    assert_true(press(s, ' ') & EFFECT_JOINT);
    assert_int_equal(s->marks.n, 2);
    assert_true(marks_has(&s->marks, (struct head){ 0, 1 }));
    assert_true(press(s, ' ') & EFFECT_JOINT);
    assert_int_equal(s->marks.n, 1);
    press(s, 'u');
    assert_int_equal(s->marks.n, 2);
    state_free(s);
}

static void marks_are_kept_inverted_ranked_and_named(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    assert_int_equal(press(s, 'c'), 0); // nothing is marked
    press(s, ' ');
    assert_true(press(s, 'c') & EFFECT_JOINT);
    assert_true(s->marks.keep_only && marks_are_set(&s->marks));
    press(s, 'W');
    type(s, "one");
    assert_int_equal(press(s, '\n'), 0);
    assert_true(press(s, 'I') & EFFECT_JOINT);
    assert_int_equal(s->marks.n, 31);
    assert_false(marks_has(&s->marks, s->cursor));
    assert_true(press(s, 'X') & EFFECT_JOINT);
    assert_int_equal(s->marks.n, 0);
    assert_false(s->marks.keep_only);
    press(s, '*');
    type(s, "3");
    assert_true(press(s, '\n') & EFFECT_JOINT);
    assert_int_equal(s->marks.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_in_range(snapshot_rank(s->snap, s->marks.items[i]), 1, 3);
    press(s, ':');
    type(s, "set one");
    assert_true(press(s, '\n') & EFFECT_JOINT);
    assert_true(s->marks.n == 1 && s->marks.keep_only);
    press(s, 'u');
    assert_int_equal(s->marks.n, 3);
    struct buf text = { 0 };
    choose_sets_text(s, &text);
    assert_string_equal(text.data, "0:0 # one, kept alone\n");
    buf_release(&text);
    press(s, ':');
    type(s, "sets out.txt");
    assert_true(press(s, '\n') & EFFECT_SETS);
    assert_string_equal(s->sets_path, "out.txt");
    press(s, ':');
    type(s, "set two");
    assert_int_equal(press(s, '\n'), 0);
    assert_true(s->message_is_error);
    state_free(s);
}

static void a_new_ablation_starts_a_run_and_can_be_undone(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    press(s, 's');
    assert_int_equal(s->overlay, OVERLAY_SCALE);
    press(s, 0x15); // Ctrl-U: forget what the prompt offers
    type(s, "0.25");
    assert_true(press(s, '\n') & EFFECT_RUN);
    assert_true(s->choice.ablation.scale == 0.25f);
    assert_int_equal(s->overlay, OVERLAY_NONE);
    assert_true(press(s, 'u') & EFFECT_RUN);
    assert_true(s->choice.ablation.scale == 0.0f);
    state_free(s);
}

// The metric shown first is looked at, too; looking at one twice adds nothing.
static void who_looks_through_metrics_is_told(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    command_apply(s, "metric ld");
    assert_null(strstr(s->message, "metrics looked at"));
    command_apply(s, "metric prob");
    assert_non_null(strstr(s->message, "2 metrics looked at"));
    command_apply(s, "metric ld");
    command_apply(s, "metric rank");
    assert_non_null(strstr(s->message, "3 metrics looked at"));
    state_free(s);
}

static void a_new_run_measures_the_marked_set_again(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    press(s, ' ');
    assert_false(press(s, 'a') & EFFECT_JOINT); // one head is no set
    press(s, 'l');
    press(s, ' ');
    assert_true(press(s, 'a') & EFFECT_JOINT);
    assert_true(press(s, 'R') & EFFECT_JOINT);
    press(s, ':');
    type(s, "data logic");
    assert_true(press(s, '\n') & EFFECT_JOINT);
    assert_true(s->joint_asked);
    s->snap->phase = RUN_RUNNING;
    assert_true(press(s, 'x') & EFFECT_CANCEL);
    assert_false(s->joint_asked);
    state_free(s);
}

static void a_cancelled_run_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    assert_int_equal(press(s, 'R'), EFFECT_RERUN);
    s->snap->phase = RUN_CANCELLED;
    assert_int_equal(press(s, 'R'), EFFECT_RUN);
    assert_int_equal(command_apply(s, "rerun"), EFFECT_RERUN);
    state_free(s);
}

static void a_bad_scale_is_a_message_and_no_run(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    press(s, 's');
    press(s, 0x15);
    type(s, "half");
    assert_false(press(s, '\n') & EFFECT_RUN);
    assert_true(s->message_is_error);
    state_free(s);
}

static void search_goes_to_a_head(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    press(s, '/');
    type(s, "3:5");
    press(s, '\n');
    assert_int_equal(s->cursor.layer, 3);
    assert_int_equal(s->cursor.head, 5);
    state_free(s);
}

static void commands_do_what_keys_do(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    assert_true(command_apply(s, "data logic") & EFFECT_RUN);
    assert_string_equal(s->choice.data, "logic");
    assert_true(command_apply(s, "export out") & EFFECT_EXPORT);
    assert_string_equal(s->export_path, "out");
    assert_true(command_apply(s, "quit") & EFFECT_QUIT);
    assert_int_equal(command_apply(s, "qiut"), 0);
    assert_true(s->message_is_error);
    state_free(s);
}

static void places_are_typed_as_a_shell_would_have_them(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *home, *meant; // meant NULL: refused
    } cases[] = { { "out", "/home/me", "out" },
                  { "~", "/home/me", "/home/me" },
                  { "~/", "/home/me", "/home/me" },
                  { "~/a b/c", "/home/me", "/home/me/a b/c" },
                  { " \t~/x ", "/home/me/", "/home/me/x" },
                  { "a~/b", "/home/me", "a~/b" },
                  { "./~", "/home/me", "./~" },
                  { "", "/home/me", "" },
                  { " ", "/home/me", NULL },
                  { "\t ", "/home/me", NULL },
                  { "~you/x", "/home/me", NULL },
                  { "~/x", NULL, NULL },
                  { "~/x", "", NULL } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[MAX_TYPED];
        struct abl_err err = { 0 };
        strcpy(text, cases[i].typed);
        bool ok = typed_place(text, sizeof text, cases[i].home, &err);
        if (ok != (cases[i].meant != NULL) || (ok && strcmp(text, cases[i].meant) != 0))
            fail_msg("'%s' is '%s' (%s), not '%s'", cases[i].typed, text, err.text,
                     cases[i].meant ? cases[i].meant : "refused");
    }
}

static void marks_outside_a_smaller_model_are_dropped(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 12, 12), *small = screen_state(80, 24, 4, 8);
    apply_action(s, DO_SELECT, 11u << 16 | 11);
    press(s, ' ');
    struct snapshot *snap = small->snap;
    small->snap = NULL;
    assert_true(state_take_snapshot(s, snap));
    assert_int_equal(s->marks.n, 0);
    assert_int_equal(s->cursor.layer, 3);
    assert_int_equal(s->cursor.head, 7);
    state_free(s);
    state_free(small);
}

static void text_is_folded_at_blanks_and_long_words_anywhere(void **state)
{
    (void)state;
    assert_int_equal(text_break("", 10), 0);
    assert_int_equal(text_break("all of it", 10), 9);
    assert_int_equal(text_break("not all of it", 9), 8);
    assert_int_equal(text_break("just fits  here", 9), 11); // blanks at the end take no column
    assert_int_equal(text_break("/a/path/without/a/blank", 10), 10);
    assert_int_equal(text_break("日本語の道", 5), 6); // two columns and three bytes a character
    assert_int_equal(text_break("日", 1), 3);
}

// "word 0 of a message, word 1 of a message, …"
static void long_text(char *out, size_t size, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(out + len, size - len, "word %zu of a message, ", i);
}

static void a_long_message_is_whole_in_the_log_at_any_width(void **state)
{
    (void)state;
    char text[4000], found[8000];
    long_text(text, sizeof text, 150);
    struct state *s = screen_state(80, 24, 4, 8);
    state_say(s, true, "%s", text);
    for (uint32_t width = 1; width < 200; width += 7) {
        struct log_part part;
        size_t n = 0, at = sizeof found - 1;
        found[at] = '\0';
        while (log_part_at(&s->log, width, n, &part)) {
            at -= part.len;
            memcpy(found + at, part.text, part.len);
            n++;
        }
        if (strcmp(found + at, text) != 0)
            fail_msg("at width %u the log has %zu bytes of %zu", width, strlen(found + at),
                     strlen(text));
    }
    state_free(s);
}

static void the_log_scrolls_from_its_first_line_to_its_last(void **state)
{
    (void)state;
    char text[4000];
    struct state *s = screen_state(80, 24, 4, 8);
    struct log_part part;
    long_text(text, sizeof text, 150);
    state_say(s, true, "%s", text);
    press(s, '4');
    struct rect r = state_log_pane(s);
    press(s, 'g');
    assert_int_equal(s->log.back, log_back_limit(&s->log, state_log_pane(s)));
    assert_true(log_part_at(&s->log, r.w, s->log.back + r.h - 1, &part)); // the top line
    assert_memory_equal(part.text, "word 0", 6);
    press(s, 'j');
    press(s, 'k');
    press(s, 'k');
    assert_int_equal(s->log.back, log_back_limit(&s->log, state_log_pane(s)));
    state_log(s, false, "news"); // what is being read stays
    assert_true(log_part_at(&s->log, r.w, s->log.back + r.h - 1, &part));
    assert_memory_equal(part.text, "word 0", 6);
    press(s, 'G');
    assert_int_equal(s->log.back, 0);
    assert_true(log_part_at(&s->log, r.w, 0, &part));
    assert_memory_equal(part.text, "news", 4);
    state_free(s);
}

static void help_scrolls_to_its_last_line_and_no_further(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    struct help_line line;
    uint32_t columns;
    press(s, '?');
    press(s, 'G');
    assert_int_equal(s->scroll, help_scroll_limit(s));
    assert_true(help_line_at(s, s->scroll + help_shown(s, &columns) - 1, &line));
    assert_string_equal(line.keys, ":quit ");
    assert_false(help_line_at(s, s->scroll + help_shown(s, &columns), &line));
    press(s, 'k');
    assert_int_equal(s->scroll, help_scroll_limit(s) - 1);
    state_free(s);
}

static void a_picker_is_filled_while_another_is_still_looked_for(void **state)
{
    (void)state;
    struct catalog_item models[] = { { "small", "", true }, { "tiny-gpt2", "", true } };
    struct catalog_item devices[] = { { "auto", "", true }, { "cpu", "", true } };
    struct catalog c
        = { .lists = { [CATALOG_MODELS] = { models, 2 }, [CATALOG_DEVICES] = { devices, 2 } } };
    struct state *s = screen_state(80, 24, 4, 8);
    assert_true(press(s, 'M') & EFFECT_CATALOG);
    assert_false(picker_is_ready(s));
    picker_take_catalog(s, &c, 1u << CATALOG_MODELS);
    assert_true(picker_is_ready(s));
    assert_int_equal(s->picked, 1); // the one that is loaded
    press(s, 'k');
    picker_take_catalog(s, &c, 1u << CATALOG_MODELS | 1u << CATALOG_DEVICES);
    assert_int_equal(s->picked, 0); // what arrives for another picker moves nothing here
    press(s, KEYCODE_ESCAPE);
    press(s, 'D');
    assert_int_equal(picker_list(s).n, 2);
    state_free(s);
}

static void conditions_and_models_are_found_before_devices(void **state)
{
    (void)state;
    int wake[2];
    struct catalog_search *c;
    struct abl_err err;
    unsigned before = 0, found = 0;
    // drivers leave memory behind, and are not what is tested
    setenv("VK_ICD_FILENAMES", "none", 1);
    setenv("VK_DRIVER_FILES", "none", 1);
    assert_int_equal(pipe(wake), 0);
    if (!catalog_search_start(&(struct model_places){ .data_dir = "data" }, wake[1], &c, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < N_CATALOGS; i++) {
        char byte;
        assert_int_equal(read(wake[0], &byte, 1), 1); // one a list
        found = catalog_search_found(c);
        assert_int_equal(before & ~found, 0);
        if (found & 1u << CATALOG_DEVICES)
            assert_int_equal(found, (1u << N_CATALOGS) - 1);
        before = found;
    }
    assert_int_equal(found, (1u << N_CATALOGS) - 1);
    const struct catalog *lists = catalog_search_lists(c);
    assert_int_equal(lists->lists[CATALOG_METRICS].n, N_METRICS);
    assert_true(lists->lists[CATALOG_MODELS].n >= 1);
    assert_true(lists->lists[CATALOG_DATA].n >= 4);
    assert_true(lists->lists[CATALOG_DEVICES].n >= 2); // auto and cpu
    catalog_search_free(c);
    close(wake[0]);
    close(wake[1]);
}

static void marks_stay_in_order_and_are_limited(void **state)
{
    (void)state;
    struct marks m = { 0 };
    char text[64];
    assert_false(marks_text(&m, text, sizeof text));
    assert_true(marks_toggle(&m, (struct head){ 3, 1 }));
    assert_false(marks_text(&m, text, sizeof text)); // one head is no set
    assert_true(marks_toggle(&m, (struct head){ 0, 7 }));
    assert_true(marks_toggle(&m, (struct head){ 3, 0 }));
    assert_true(marks_text(&m, text, sizeof text));
    assert_string_equal(text, "0:7+3:0+3:1");
    assert_false(marks_text(&m, text, 8));
    assert_true(marks_cut(&m, 4, 4));
    assert_false(marks_cut(&m, 4, 4));
    assert_int_equal(m.n, 2);
    for (uint32_t i = 0; m.n < MAX_MARKS; i++)
        assert_true(marks_toggle(&m, (struct head){ 4 + i / 8, i % 8 }));
    assert_false(marks_toggle(&m, (struct head){ 0, 0 }));
    assert_int_equal(m.n, MAX_MARKS);
    assert_true(marks_toggle(&m, (struct head){ 3, 0 })); // unmarking needs no room
}

static void heads_are_ranked_with_ties_in_reading_order(void **state)
{
    (void)state;
    struct snapshot *p = snapshot_new(2, 3);
    const double means[] = { 1, -2, NAN, 2, -3, 0 };
    uint32_t order[6];
    size_t n;
    for (size_t i = 0; i < 6; i++) {
        p->states[i] = i == 4 ? CELL_WAITING : CELL_DONE;
        p->cells[i].mean = means[i];
    }
    assert_true(sort_heads(p, SORT_EFFECT, order, &n));
    assert_int_equal(n, 5);
    assert_memory_equal(order, ((uint32_t[]){ 1, 3, 0, 5, 2 }), sizeof order - sizeof *order);
    assert_true(sort_heads(p, SORT_DELTA, order, &n));
    assert_memory_equal(order, ((uint32_t[]){ 1, 5, 0, 3, 2 }), sizeof order - sizeof *order);
    assert_true(sort_heads(p, SORT_HEAD, order, &n));
    assert_memory_equal(order, ((uint32_t[]){ 0, 1, 2, 3, 5 }), sizeof order - sizeof *order);
    snapshot_free(p);
}

static void a_saved_run_is_subtracted_where_both_are_whole(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8), *other = screen_state(80, 24, 12, 12);
    s->snap->states[2] = CELL_SAMPLED; // not kept
    press(s, 'K');
    assert_non_null(s->saved.cells);
    s->snap->states[2] = CELL_DONE;
    s->snap->states[3] = CELL_SAMPLED;
    s->snap->cells[1].mean += 0.5;
    press(s, 'd');
    assert_true(state_shows_difference(s));
    assert_true(s->difference->cells[1].mean > 0.499 && s->difference->cells[1].mean < 0.501);
    assert_int_equal(s->difference->states[1], CELL_DONE);
    assert_int_equal(s->difference->states[2], CELL_OUTSIDE);
    assert_int_equal(s->difference->states[3], CELL_WAITING);
    assert_false(saved_run_fits(&s->saved, other->snap));
    assert_null(saved_run_difference(&s->saved, other->snap));
    state_free(s);
    state_free(other);
}

// A picture of a run that has just ended, in which that head has the largest effect.
static struct snapshot *ended(unsigned run, enum run_phase phase, uint32_t layer, uint32_t head)
{
    struct snapshot *p = snapshot_new(4, 8);
    p->phase = phase;
    p->run = run;
    p->experiment = &experiment_heads;
    size_t at = snapshot_at(p, (struct head){ layer, head });
    p->states[0] = p->states[at] = CELL_DONE;
    p->cells[0].mean = 0.1;
    p->cells[at].mean = -2;
    return p;
}

static void expect_cursor(const struct state *s, uint32_t layer, uint32_t head)
{
    assert_int_equal(s->cursor.layer, layer);
    assert_int_equal(s->cursor.head, head);
}

static void the_cursor_goes_to_the_largest_effect_unless_it_was_moved(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    state_take_snapshot(s, ended(1, RUN_RUNNING, 2, 5));
    expect_cursor(s, 0, 0);
    state_take_snapshot(s, ended(1, RUN_DONE, 2, 5));
    expect_cursor(s, 2, 5);
    state_take_snapshot(s, ended(1, RUN_DONE, 3, 1)); // of the same run: it has ended before
    expect_cursor(s, 2, 5);
    state_take_snapshot(s, ended(2, RUN_DONE, 3, 1));
    expect_cursor(s, 3, 1);
    press(s, 'h');
    state_take_snapshot(s, ended(3, RUN_DONE, 2, 5));
    expect_cursor(s, 3, 0);
    state_free(s);
}

static void rows_are_asked_for_once_a_run_where_no_pane_asks_for_more(void **state)
{
    (void)state;
    struct state *s = screen_state(80, 24, 4, 8);
    struct detail_ask ask;
    assert_int_equal(state_row(s)->number, 2);
    assert_false(state_ask_detail(s, &ask));
    s->snap->run = 1;
    assert_null(state_row(s));
    assert_true(state_ask_detail(s, &ask));
    assert_int_equal(ask.parts, 0);
    press(s, 'j'); // another head has the same rows
    assert_false(state_ask_detail(s, &ask));
    state_free(s);
}

static void a_line_is_typed_in_characters_not_bytes(void **state)
{
    (void)state;
    struct typed t = { .text = "" };
    typed_add(&t, 'a');
    typed_add(&t, 0x65E5);
    typed_left(&t);
    typed_add(&t, 0xE9);
    assert_string_equal(t.text, "a\u00e9\u65e5");
    assert_int_equal(t.caret, 3);
    typed_right(&t);
    typed_erase(&t);
    assert_string_equal(t.text, "a\u00e9");
    typed_start(&t);
    typed_erase(&t);
    typed_left(&t);
    assert_int_equal(t.caret, 0);
    typed_end(&t);
    assert_int_equal(t.caret, 3);
    while (strlen(t.text) < sizeof t.text - 2)
        typed_add(&t, 'x');
    typed_add(&t, 0x65E5); // three bytes where one is left
    assert_int_equal(strlen(t.text), sizeof t.text - 2);
    typed_clear(&t);
    assert_string_equal(t.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_cover_every_screen_once),
        cmocka_unit_test(larger_screens_show_more_panes),
        cmocka_unit_test(no_key_has_two_meanings_in_one_place),
        cmocka_unit_test(every_action_explains_itself_once),
        cmocka_unit_test(the_cursor_stays_in_the_grid),
        cmocka_unit_test(a_mark_asks_for_the_joint_effect),
        cmocka_unit_test(a_new_ablation_starts_a_run_and_can_be_undone),
        cmocka_unit_test(who_looks_through_metrics_is_told),
        cmocka_unit_test(a_new_run_measures_the_marked_set_again),
        cmocka_unit_test(a_cancelled_run_goes_on_where_it_stopped),
        cmocka_unit_test(a_bad_scale_is_a_message_and_no_run),
        cmocka_unit_test(search_goes_to_a_head),
        cmocka_unit_test(commands_do_what_keys_do),
        cmocka_unit_test(places_are_typed_as_a_shell_would_have_them),
        cmocka_unit_test(marks_outside_a_smaller_model_are_dropped),
        cmocka_unit_test(text_is_folded_at_blanks_and_long_words_anywhere),
        cmocka_unit_test(a_long_message_is_whole_in_the_log_at_any_width),
        cmocka_unit_test(the_log_scrolls_from_its_first_line_to_its_last),
        cmocka_unit_test(help_scrolls_to_its_last_line_and_no_further),
        cmocka_unit_test(a_picker_is_filled_while_another_is_still_looked_for),
        cmocka_unit_test(conditions_and_models_are_found_before_devices),
        cmocka_unit_test(marks_are_kept_inverted_ranked_and_named),
        cmocka_unit_test(marks_stay_in_order_and_are_limited),
        cmocka_unit_test(heads_are_ranked_with_ties_in_reading_order),
        cmocka_unit_test(a_saved_run_is_subtracted_where_both_are_whole),
        cmocka_unit_test(the_cursor_goes_to_the_largest_effect_unless_it_was_moved),
        cmocka_unit_test(rows_are_asked_for_once_a_run_where_no_pane_asks_for_more),
        cmocka_unit_test(a_line_is_typed_in_characters_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
