#include "ui/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/choose.h"
#include "ui/command.h"
#include "ui/help.h"
#include "ui/picker.h"

enum { PAGE = 8 };

// Place of the cursor's head in rank order; n_order when it is not there.
static size_t place_in_order(const struct state *s)
{
    size_t at = snapshot_at(s->snap, s->cursor), i = 0;
    while (i < s->n_order && s->order[i] != at)
        i++;
    return i;
}

static void go_to_rank(struct state *s, size_t i)
{
    s->cursor.layer = s->order[i] / s->snap->n_heads;
    s->cursor.head = s->order[i] % s->snap->n_heads;
}

static uint32_t moved(uint32_t at, int by, uint32_t n)
{
    int64_t to = (int64_t)at + by;
    return to < 0 ? 0 : to >= (int64_t)n ? n - 1 : (uint32_t)to;
}

// From a map's last line the next site's map is a line down, and back again.
static const struct item_map *map_beside(const struct snapshot *p, const struct item *from,
                                         int rows)
{
    if (rows == 1 && from->row + 1 == from->map->axes.n_rows)
        return from->map + 1 < p->maps + p->n_maps ? from->map + 1 : NULL;
    return rows == -1 && !from->row && from->map > p->maps ? from->map - 1 : NULL;
}

// Places that are not in the run are no way to go.
static void move_on_map(struct state *s, const struct item *from, int rows, int columns)
{
    const struct item_map *other = map_beside(s->snap, from, rows);
    const struct patch_map *axes = other ? &other->axes : &from->map->axes;
    uint32_t row = !other ? moved(from->row, rows, axes->n_rows) : rows > 0 ? 0 : axes->n_rows - 1;
    uint32_t column = moved(from->column, columns, axes->n_columns);
    size_t to = axes->variants[(size_t)row * axes->n_columns + column];
    if (to != SIZE_MAX)
        state_select_item(s, to);
}

static void move_rank(struct state *s, int by)
{
    if (!s->n_order)
        return;
    size_t at = place_in_order(s);
    go_to_rank(s, at == s->n_order ? 0 : moved((uint32_t)at, by, (uint32_t)s->n_order));
}

static void scroll_log(struct state *s, int by)
{
    size_t limit = log_back_limit(&s->log, state_log_pane(s));
    s->log.back = moved((uint32_t)s->log.back, -by, (uint32_t)limit + 1);
}

// by: rows down. far: to the end in that direction.
static void move_rows(struct state *s, int by)
{
    if (s->overlay == OVERLAY_HELP) {
        s->scroll = moved((uint32_t)s->scroll, by, (uint32_t)help_scroll_limit(s) + 1);
    } else if (s->overlay == OVERLAY_FOREST) {
        s->scroll = moved((uint32_t)s->scroll, by, (uint32_t)forest_scroll_limit(s) + 1);
    } else if (picker_is_open(s)) {
        size_t n = picker_list(s).n;
        s->picked = n ? moved((uint32_t)s->picked, by, (uint32_t)n) : 0;
    } else if (s->focus == PANE_LOG) {
        scroll_log(s, by);
    } else if (state_has_grid(s)) {
        if (s->focus == PANE_RANK)
            move_rank(s, by);
        else if (s->focus == PANE_LIST)
            state_select_item(s, moved((uint32_t)s->item, by, (uint32_t)s->snap->n_items));
        else if (s->focus == PANE_ROWS)
            s->row = moved((uint32_t)s->row, by, (uint32_t)s->snap->facts.n_rows);
        else if (s->focus == PANE_IMPACT && state_map_item(s))
            move_on_map(s, state_map_item(s), by, 0);
        else
            s->cursor.layer = moved(s->cursor.layer, by, s->snap->n_layers);
    }
}

static void move_columns(struct state *s, int by)
{
    if (!state_has_grid(s) || s->focus == PANE_LOG || s->overlay != OVERLAY_NONE)
        return;
    if (s->focus == PANE_IMPACT && state_map_item(s))
        move_on_map(s, state_map_item(s), 0, by);
    else
        s->cursor.head = moved(s->cursor.head, by, s->snap->n_heads);
}

// Left and right, by one or to the end: of the caret while a line is typed, else of the cursor.
static void move_along(struct state *s, void (*caret)(struct typed *t), int by)
{
    if (state_is_typing(s))
        caret(&s->typed);
    else
        move_columns(s, by);
}

// To "L:H", or to layer "L".
static unsigned state_jump(struct state *s, const char *text)
{
    char *end;
    unsigned long layer = strtoul(text, &end, 10), head = s->cursor.head;
    bool ok = end != text && state_has_grid(s);
    if (ok && *end == ':') {
        const char *second = end + 1;
        head = strtoul(second, &end, 10);
        ok = end != second;
    }
    if (!ok || *end || layer >= s->snap->n_layers || head >= s->snap->n_heads) {
        if (state_has_grid(s))
            state_say(s, true, "no head '%s': expected LAYER:HEAD up to %u:%u", text,
                      (unsigned)s->snap->n_layers - 1, (unsigned)s->snap->n_heads - 1);
        return 0;
    }
    s->cursor = (struct head){ (uint32_t)layer, (uint32_t)head };
    return 0;
}

static unsigned open_overlay(struct state *s, enum overlay o)
{
    state_open(s, o);
    picker_pick_chosen(s);
    return picker_is_open(s) ? EFFECT_CATALOG : 0;
}

static unsigned take_picked(struct state *s)
{
    struct catalog_list list = picker_list(s);
    enum overlay picker = s->overlay;
    if (s->picked >= list.n)
        return 0;
    const struct catalog_item *item = &list.items[s->picked];
    if (!item->usable) {
        state_say(s, true, "%s cannot be used: %s", item->value, item->detail);
        return 0;
    }
    s->overlay = OVERLAY_NONE;
    char line[MAX_TYPED + 16];
    snprintf(line, sizeof line, "%s %s", overlay_info(picker)->command, item->value);
    return command_apply(s, line);
}

static unsigned accept_prompt(struct state *s)
{
    enum overlay prompt = s->overlay;
    char text[MAX_TYPED];
    memcpy(text, s->typed.text, sizeof text);
    s->overlay = OVERLAY_NONE;
    switch (prompt) {
    case OVERLAY_SCALE:
        return *text ? choose_scale(s, text) : 0;
    case OVERLAY_EXPORT:
        memcpy(s->export_path, text, sizeof text);
        return EFFECT_EXPORT;
    case OVERLAY_TOP:
        return choose_top(s, text);
    case OVERLAY_SET_NAME:
        return *text ? choose_set_name(s, text) : 0;
    case OVERLAY_SEARCH:
        return *text ? state_jump(s, text) : 0;
    default:
        return command_apply(s, text);
    }
}

static unsigned open_selection(struct state *s)
{
    if (picker_is_open(s))
        return take_picked(s);
    if (state_is_typing(s))
        return accept_prompt(s);
    static const enum pane deeper[N_PANES] = { [PANE_IMPACT] = PANE_HEAD,
                                               [PANE_HEAD] = PANE_ROWS,
                                               [PANE_RANK] = PANE_HEAD,
                                               [PANE_COMPARE] = PANE_HEAD };
    state_focus(s, deeper[s->focus]); // the others lead back to the heatmap
    return 0;
}

static void back(struct state *s)
{
    if (s->overlay)
        s->overlay = OVERLAY_NONE;
    else if (s->zoomed)
        s->zoomed = false;
    else
        state_focus(s, PANE_IMPACT);
}

static void next_sort(struct state *s)
{
    s->sort = (enum sort)((s->sort + 1) % N_SORTS);
    state_sort(s);
    state_say(s, false, "ranked by %s", sort_name(s->sort));
}

static unsigned select_head(struct state *s, struct head h)
{
    if (state_has_grid(s) && h.layer < s->snap->n_layers && h.head < s->snap->n_heads)
        s->cursor = h;
    return 0;
}

// To the first or last row of whatever is focused.
static void move_to_end(struct state *s, int direction)
{
    move_rows(s, direction * (1 << 20));
}

static unsigned apply(struct state *s, enum action action, uint32_t arg)
{
    s->message[0] = '\0';
    switch (action) {
    case DO_NONE:
        break;
    case DO_LEFT:
        move_along(s, typed_left, -1);
        break;
    case DO_RIGHT:
        move_along(s, typed_right, 1);
        break;
    case DO_UP:
        move_rows(s, -1);
        break;
    case DO_DOWN:
        move_rows(s, 1);
        break;
    case DO_PAGE_UP:
        move_rows(s, -PAGE);
        break;
    case DO_PAGE_DOWN:
        move_rows(s, PAGE);
        break;
    case DO_FIRST:
        move_to_end(s, -1);
        break;
    case DO_LAST:
        move_to_end(s, 1);
        break;
    case DO_LINE_START:
        move_along(s, typed_start, -(1 << 20));
        break;
    case DO_LINE_END:
        move_along(s, typed_end, 1 << 20);
        break;
    case DO_SELECT:
        return select_head(s, (struct head){ arg >> 16, arg & 0xFFFF });
    case DO_PANE:
        state_focus(s, (enum pane)arg);
        break;
    case DO_ZOOM:
        s->zoomed = !s->zoomed;
        break;
    case DO_NEXT_PANE:
        state_focus(s, (enum pane)((s->focus + 1) % N_PANES));
        break;
    case DO_PREVIOUS_PANE:
        state_focus(s, (enum pane)((s->focus + N_PANES - 1) % N_PANES));
        break;
    case DO_OPEN:
        return open_selection(s);
    case DO_BACK:
        back(s);
        break;
    case DO_MARK:
        return choose_mark(s);
    case DO_KEEP_ONLY:
        return choose_keep_only(s);
    case DO_INVERT_MARKS:
        return choose_inverse(s);
    case DO_CLEAR_MARKS:
        return choose_no_marks(s);
    case DO_NEXT_ABLATION:
        return choose_next_ablation(s);
    case DO_ABLATE:
        return choose_kind(s, (enum ablate_kind)arg);
    case DO_NEXT_RUN:
        return state_step_run(s, 1) ? EFFECT_OPEN : 0;
    case DO_PREVIOUS_RUN:
        return state_step_run(s, -1) ? EFFECT_OPEN : 0;
    case DO_KEEP:
        state_keep(s);
        break;
    case DO_DIFFER:
        state_toggle_difference(s);
        break;
    case DO_NEXT_ROW:
    case DO_PREVIOUS_ROW:
        if (s->snap && s->snap->has_facts && s->snap->facts.n_rows)
            s->row = moved((uint32_t)s->row, action == DO_NEXT_ROW ? 1 : -1,
                           (uint32_t)s->snap->facts.n_rows);
        break;
    case DO_TOGGLE_OV:
        s->ov_kind = s->ov_kind == OV_CIRCUIT ? OV_MEAN_OUTPUT : OV_CIRCUIT;
        break;
    case DO_SORT:
        next_sort(s);
        break;
    case DO_OVERLAY:
        return open_overlay(s, (enum overlay)arg);
    case DO_CANCEL:
        return EFFECT_CANCEL;
    case DO_RERUN:
        return s->snap && s->snap->phase == RUN_CANCELLED ? EFFECT_RUN : EFFECT_RERUN;
    case DO_UNDO:
        return choose_undo(s);
    case DO_COPY:
        return EFFECT_COPY;
    case DO_TYPE:
        typed_add(&s->typed, arg);
        break;
    case DO_ERASE:
        typed_erase(&s->typed);
        break;
    case DO_ERASE_LINE:
        typed_clear(&s->typed);
        break;
    case DO_REDRAW:
        return EFFECT_REDRAW;
    case DO_QUIT:
        return EFFECT_QUIT;
    }
    return 0;
}

// A new run forgets the marked set: its rows, model or ablation are others now.
unsigned apply_action(struct state *s, enum action action, uint32_t arg)
{
    struct head before = s->cursor;
    size_t item = s->item;
    unsigned effects = apply(s, action, arg);
    s->cursor_moved
        |= s->cursor.layer != before.layer || s->cursor.head != before.head || s->item != item;
    if (effects & (EFFECT_RUN | EFFECT_RERUN) && marks_are_set(&s->marks))
        effects |= EFFECT_JOINT;
    if (effects & EFFECT_JOINT)
        s->joint_asked = true;
    if (effects & EFFECT_CANCEL)
        s->joint_asked = false;
    return effects;
}
