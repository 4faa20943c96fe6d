// Patches as a map on the screen: what stands in it, and how one moves in it.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/screen.h"
#include "ui/apply.h"
#include "ui/keys.h"

enum { ROWS = 2, COLUMNS = 3, SHAM = 6, WIDE = 7, N_ITEMS = 14 };

static struct item patch(double recovery, double delta, uint32_t n, uint32_t n_changed)
{
    struct item e = { .done = true, .has_recovery = true, .has_changed = true };
    e.delta = (struct estimate){ .mean = delta, .q = 0.5, .n = n, .n_clusters = n };
    e.recovery.ratio.mean = recovery;
    e.changed.delta.n = n_changed;
    return e;
}

static void axes(struct snapshot *p, struct item_map *map, enum site site, const char *const *rows,
                 const char *const *columns, uint32_t n_columns, size_t first)
{
    size_t *items = arena_alloc(&p->arena, ROWS * n_columns, sizeof *items);
    if (!items)
        fail_msg("no memory");
    bool has_heads = strchr(rows[0], ':');
    map->axes = (struct patch_map){ site, has_heads, ROWS, n_columns, rows, columns, items };
    map->scale = 1;
    for (uint32_t i = 0; i < ROWS * n_columns; i++) {
        struct item *e = &p->items[first + i];
        items[i] = first + i;
        e->map = map;
        e->row = i / n_columns;
        e->column = i % n_columns;
        if (has_heads)
            e->head = (struct head){ 0, 3 + e->row };
        snprintf(e->label, sizeof e->label, "%s@%s[%s]", site_name(site), rows[e->row],
                 columns[e->column]);
    }
}

// Patched: z of two heads at three positions, then resid_post of two layers, the end of a run.
static struct state *map_state(void)
{
    static const char *const heads[] = { "0:3", "0:4" }, *const layers[] = { "1", "3" };
    static const char *const columns[] = { "s2:last", "diff", "END" };
    struct state *s = screen_state(100, 24, 4, 8);
    struct snapshot *p = snapshot_new(4, 8);
    if (!p || !snapshot_items(p, N_ITEMS)
        || !(p->maps = arena_alloc(&p->arena, 2, sizeof *p->maps)))
        fail_msg("no memory");
    p->experiment = s->snap->experiment;
    p->facts = s->snap->facts;
    p->has_facts = true;
    p->phase = RUN_DONE;
    p->run = 9;
    p->bar.alpha = 0.05;
    for (int i = 0; i < N_ITEMS; i++)
        p->items[i] = patch(-0.01 * i, 0.001, 168, 34);
    p->items[SHAM] = (struct item){ .done = true };
    p->n_maps = 2;
    axes(p, &p->maps[0], SITE_Z, heads, columns, COLUMNS, 0);
    axes(p, &p->maps[1], SITE_RESID_POST, layers, columns, COLUMNS, WIDE);
    p->items[4].recovery.ratio.mean = 1.013; // 0:4 at diff
    p->items[4].delta.mean = -2.5;
    p->items[4].delta.q = 0.001;
    p->items[WIDE + 5].delta = (struct estimate){ .mean = NAN }; // of no row
    p->items[2].recovery.ratio.mean = -0.002;
    p->items[3].done = false;
    state_take_snapshot(s, p);
    return s;
}

static void press(struct state *s, uint32_t key)
{
    const struct binding *b = key_find(s, key);
    assert_non_null(b);
    apply_action(s, b->action, b->arg);
}

static void expect_line(const struct state *s, const char *wanted)
{
    char *text = screen_text(s);
    if (!strstr(text, wanted))
        fail_msg("no '%s' in\n%s", wanted, text);
    free(text);
}

static void expect_label(const struct state *s, const char *label)
{
    if (strcmp(s->snap->items[s->item].label, label) != 0)
        fail_msg("'%s' is selected, expected '%s'", s->snap->items[s->item].label, label);
}

static void shows_recoveries_and_how_many_rows_differ(void **state)
{
    (void)state;
    struct state *s = map_state();
    expect_label(s, "z@0:4[diff]"); // the largest effect
    assert_int_equal(s->cursor.head, 4);
    expect_line(s, "s2:last      diff       END");
    expect_line(s, "0:3      0%       -1%        0%");
    expect_line(s, "0:4       ·   [ +101% ]     -5%");
    expect_line(s, "34/168    34/168    34/168");
    expect_line(s, "z, 1 of 2 sites");
    state_free(s);
}

static void goes_from_site_to_site_and_no_further(void **state)
{
    (void)state;
    struct state *s = map_state();
    state_focus(s, PANE_IMPACT);
    press(s, KEYCODE_RIGHT);
    expect_label(s, "z@0:4[END]");
    press(s, KEYCODE_RIGHT);
    expect_label(s, "z@0:4[END]");
    press(s, KEYCODE_DOWN);
    expect_label(s, "resid_post@1[END]");
    expect_line(s, "L1     -7%       -8%   [   -9% ]");
    press(s, KEYCODE_DOWN);
    expect_label(s, "resid_post@3[END]");
    expect_line(s, "[  none ]");
    press(s, KEYCODE_DOWN);
    expect_label(s, "resid_post@3[END]");
    press(s, KEYCODE_UP);
    press(s, KEYCODE_UP);
    expect_label(s, "z@0:4[END]");
    state_free(s);
}

static void what_is_no_patch_keeps_the_map_before_it(void **state)
{
    (void)state;
    struct state *s = map_state();
    state_select_item(s, SHAM);
    assert_ptr_equal(state_map_item(s), &s->snap->items[SHAM - 1]);
    state_free(s);
}

// One position of a site that has heads is the heatmap of heads.
static void single_positions_of_heads_need_no_map(void **state)
{
    (void)state;
    struct state *s = map_state();
    s->snap->maps[0].axes.n_columns = 1;
    state_select_item(s, 0);
    assert_null(state_map_item(s));
    s->snap->maps[1].axes.n_columns = 1;
    state_select_item(s, WIDE);
    assert_non_null(state_map_item(s));
    state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_recoveries_and_how_many_rows_differ),
        cmocka_unit_test(goes_from_site_to_site_and_no_further),
        cmocka_unit_test(what_is_no_patch_keeps_the_map_before_it),
        cmocka_unit_test(single_positions_of_heads_need_no_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
