#include "ui/action.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/command.h"
#include "ui/grid.h"
#include "ui/help.h"
#include "ui/log.h"

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

static void move_rank(struct state *s, int by)
{
    if (!s->n_order)
        return;
    size_t at = place_in_order(s);
    go_to_rank(s, at == s->n_order ? 0 : moved((uint32_t)at, by, (uint32_t)s->n_order));
}

static void scroll_log(struct state *s, int by)
{
    s->log_back = moved((uint32_t)s->log_back, -by, (uint32_t)log_back_limit(s) + 1);
}

// by: rows down. far: to the end in that direction.
static void move_rows(struct state *s, int by)
{
    if (s->overlay == OVERLAY_HELP) {
        s->scroll = moved((uint32_t)s->scroll, by, (uint32_t)help_scroll_limit(s) + 1);
    } else if (overlay_is_picker(s->overlay)) {
        size_t n = state_picker_list(s).n;
        s->picked = n ? moved((uint32_t)s->picked, by, (uint32_t)n) : 0;
    } else if (s->focus == PANE_LOG) {
        scroll_log(s, by);
    } else if (state_has_grid(s)) {
        if (s->focus == PANE_RANK)
            move_rank(s, by);
        else if (s->focus == PANE_LIST)
            s->item
                = s->snap->n_items ? moved((uint32_t)s->item, by, (uint32_t)s->snap->n_items) : 0;
        else if (s->focus == PANE_ROWS)
            s->row = moved((uint32_t)s->row, by, (uint32_t)s->snap->facts.n_rows);
        else
            s->cursor.layer = moved(s->cursor.layer, by, s->snap->n_layers);
    }
}

// Bytes of the character before (after) the caret.
static size_t character_before(const struct state *s)
{
    size_t n = 0;
    while (n < s->caret && ((unsigned char)s->prompt[s->caret - n - 1] & 0xC0) == 0x80)
        n++;
    return s->caret ? n + 1 : 0;
}

static size_t character_after(const struct state *s)
{
    size_t n = s->prompt[s->caret] ? 1 : 0;
    while (n && ((unsigned char)s->prompt[s->caret + n] & 0xC0) == 0x80)
        n++;
    return n;
}

static void move_columns(struct state *s, int by)
{
    if (overlay_is_prompt(s->overlay)) {
        if (by < 0)
            s->caret -= by < -1 ? s->caret : character_before(s);
        else
            s->caret += by > 1 ? strlen(s->prompt + s->caret) : character_after(s);
    } else if (state_has_grid(s) && s->focus != PANE_LOG && s->overlay == OVERLAY_NONE) {
        s->cursor.head = moved(s->cursor.head, by, s->snap->n_heads);
    }
}

static void type_character(struct state *s, uint32_t character)
{
    char bytes[5];
    size_t n = utf8_put(character, bytes), len = strlen(s->prompt);
    if (len + n >= sizeof s->prompt)
        return;
    memmove(s->prompt + s->caret + n, s->prompt + s->caret, len - s->caret + 1);
    memcpy(s->prompt + s->caret, bytes, n);
    s->caret += n;
}

static void erase_character(struct state *s)
{
    size_t n = character_before(s);
    memmove(s->prompt + s->caret - n, s->prompt + s->caret, strlen(s->prompt + s->caret) + 1);
    s->caret -= n;
}

static void focus(struct state *s, enum pane pane)
{
    s->focus = pane;
    if (pane != PANE_IMPACT)
        s->side = pane;
}

// Remember marks and ablation as they are, before they change; the oldest entry makes room.
static void remember(struct state *s)
{
    if (s->n_undo == MAX_UNDO)
        memmove(s->undo, s->undo + 1, --s->n_undo * sizeof *s->undo);
    s->undo[s->n_undo++] = (struct undo_entry){ s->marks, s->choice.ablation };
}

static unsigned undo(struct state *s)
{
    if (!s->n_undo)
        return 0;
    const struct undo_entry *was = &s->undo[--s->n_undo];
    bool ablation = !ablation_same(was->ablation, s->choice.ablation);
    s->marks = was->marks;
    s->choice.ablation = was->ablation;
    state_say(s, false, "undone: %zu head%s marked", s->marks.n, s->marks.n == 1 ? "" : "s");
    return EFFECT_JOINT | (ablation ? EFFECT_RUN : 0u);
}

// Insert or remove, keeping the order.
static unsigned toggle_mark(struct state *s)
{
    if (!state_has_grid(s))
        return 0;
    struct head h = s->cursor;
    struct marks *m = &s->marks;
    size_t at = 0;
    while (at < m->n
           && (m->items[at].layer < h.layer
               || (m->items[at].layer == h.layer && m->items[at].head < h.head)))
        at++;
    bool there = at < m->n && m->items[at].layer == h.layer && m->items[at].head == h.head;
    if (!there && m->n == MAX_MARKS) {
        state_say(s, true, "%d heads are marked already: unmark one first", MAX_MARKS);
        return 0;
    }
    remember(s);
    if (there) {
        memmove(m->items + at, m->items + at + 1, (--m->n - at) * sizeof *m->items);
    } else {
        memmove(m->items + at + 1, m->items + at, (m->n++ - at) * sizeof *m->items);
        m->items[at] = h;
    }
    return EFFECT_JOINT;
}

static unsigned clear_marks(struct state *s)
{
    remember(s);
    s->marks.n = 0;
    return EFFECT_JOINT;
}

static unsigned state_set_ablation(struct state *s, struct ablation a)
{
    if (ablation_same(a, s->choice.ablation))
        return 0;
    if (!experiment_ablates(s->choice.experiment)) {
        state_say(s, true, "%s ablates nothing: E chooses another experiment",
                  experiment_name(s->choice.experiment));
        return 0;
    }
    remember(s);
    s->choice.ablation = a;
    char name[64];
    ablation_name(a, name, sizeof name);
    state_say(s, false, "ablation: %s", name);
    return EFFECT_RUN;
}

unsigned state_set_scale(struct state *s, const char *text)
{
    char *end;
    float scale = strtof(text, &end);
    if (end == text || *end || !isfinite(scale)) {
        state_say(s, true, "'%s' is not a scale: expected a number such as 0.5", text);
        return 0;
    }
    if (scale == 1.0f) {
        state_say(s, true, "scale 1 changes nothing: choose another");
        return 0;
    }
    return state_set_ablation(
        s, (struct ablation){ .scale = scale, .value_bias = s->choice.ablation.value_bias });
}

static unsigned set_kind(struct state *s, enum ablate_kind kind)
{
    return state_set_ablation(
        s, (struct ablation){ .kind = kind, .value_bias = s->choice.ablation.value_bias });
}

// zero -> half -> mean -> resample -> patch -> zero.
static unsigned next_ablation(struct state *s)
{
    struct ablation a = s->choice.ablation;
    if (a.kind == ABLATE_SCALE && a.scale == 0.0f)
        return state_set_scale(s, "0.5");
    return set_kind(s, a.kind == ABLATE_PATCH ? ABLATE_SCALE : (enum ablate_kind)(a.kind + 1));
}

// The marked heads as --sets has them; false where there are fewer than two.
static bool sets_of_marks(const struct state *s, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < s->marks.n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%u:%u", i ? "+" : "",
                                (unsigned)s->marks.items[i].layer,
                                (unsigned)s->marks.items[i].head);
    return s->marks.n > 1 && len < size;
}

unsigned state_set_experiment(struct state *s, const char *name)
{
    int e = 0;
    while (e < N_EXPERIMENTS && strcmp(name, experiment_name((enum experiment)e)) != 0)
        e++;
    if (e == N_EXPERIMENTS) {
        state_say(s, true, "no experiment '%s': E shows the list", name);
        return 0;
    }
    if (e == EXPERIMENT_SETS || e == EXPERIMENT_PARTIAL) {
        char sets[MAX_PROMPT];
        if (sets_of_marks(s, sets, sizeof sets))
            memcpy(s->choice.sets, sets, sizeof sets);
        if (!*s->choice.sets) {
            state_say(s, true, "%s needs a set: mark two heads or more with space first", name);
            return 0;
        }
    }
    if (!experiment_ablates((enum experiment)e)) // they ablate nothing
        s->choice.ablation = (struct ablation){ .value_bias = s->choice.ablation.value_bias };
    s->choice.experiment = (enum experiment)e;
    focus(s, experiment_pane(s->choice.experiment));
    state_say(s, false, "experiment: %s", name);
    return EFFECT_RUN;
}

unsigned state_set_sites(struct state *s, const char *name)
{
    for (int site = 0; site < N_SITES; site++)
        if (strcmp(name, site_name((enum site)site)) == 0) {
            s->choice.sites = 1u << site;
            return s->choice.experiment == EXPERIMENT_PATCH ? EFFECT_RUN : 0;
        }
    state_say(s, true, "no site '%s': S shows the list", name);
    return 0;
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

static const char *chosen_now(const struct state *s, enum overlay o)
{
    switch (o) {
    case OVERLAY_MODEL:
        return s->choice.model;
    case OVERLAY_DATA:
        return s->choice.data;
    case OVERLAY_DEVICE:
        return s->choice.device;
    case OVERLAY_EXPERIMENT:
        return experiment_name(s->choice.experiment);
    case OVERLAY_SITE:
        return "";
    default:
        return metric_info(s->choice.metric)->name;
    }
}

static void pick_chosen(struct state *s)
{
    struct catalog_list list = state_picker_list(s);
    for (size_t i = 0; i < list.n; i++)
        if (!strcmp(list.items[i].value, chosen_now(s, s->overlay)))
            s->picked = i;
}

void state_take_catalog(struct state *s, const struct catalog *catalog, unsigned found)
{
    bool was_ready = picker_is_ready(s);
    s->catalog = catalog;
    s->found = found;
    if (!was_ready && picker_is_ready(s))
        pick_chosen(s);
}

static unsigned open_overlay(struct state *s, enum overlay o)
{
    s->overlay = o;
    s->picked = s->scroll = 0;
    s->prompt[0] = '\0';
    s->caret = 0;
    pick_chosen(s);
    return overlay_is_picker(o) ? EFFECT_CATALOG : 0;
}

static unsigned take_picked(struct state *s)
{
    struct catalog_list list = state_picker_list(s);
    enum overlay picker = s->overlay;
    if (s->picked >= list.n)
        return 0;
    const struct catalog_item *item = &list.items[s->picked];
    if (!item->usable) {
        state_say(s, true, "%s cannot be used: %s", item->value, item->detail);
        return 0;
    }
    s->overlay = OVERLAY_NONE;
    static const char *const commands[N_CATALOGS]
        = { [CATALOG_MODELS] = "model",           [CATALOG_DATA] = "data",
            [CATALOG_DEVICES] = "device",         [CATALOG_METRICS] = "metric",
            [CATALOG_EXPERIMENTS] = "experiment", [CATALOG_SITES] = "site" };
    char line[MAX_PROMPT + 16];
    snprintf(line, sizeof line, "%s %s", commands[overlay_catalog(picker)], item->value);
    return command_apply(s, line);
}

static unsigned accept_prompt(struct state *s)
{
    enum overlay prompt = s->overlay;
    char text[MAX_PROMPT];
    memcpy(text, s->prompt, sizeof text);
    s->overlay = OVERLAY_NONE;
    switch (prompt) {
    case OVERLAY_SCALE:
        return *text ? state_set_scale(s, text) : 0;
    case OVERLAY_EXPORT:
        memcpy(s->export_path, text, sizeof text);
        return EFFECT_EXPORT;
    case OVERLAY_SEARCH:
        return *text ? state_jump(s, text) : 0;
    default:
        return command_apply(s, text);
    }
}

static unsigned open_selection(struct state *s)
{
    if (overlay_is_picker(s->overlay))
        return take_picked(s);
    if (overlay_is_prompt(s->overlay))
        return accept_prompt(s);
    static const enum pane deeper[N_PANES] = { [PANE_IMPACT] = PANE_HEAD,
                                               [PANE_HEAD] = PANE_ROWS,
                                               [PANE_RANK] = PANE_HEAD,
                                               [PANE_COMPARE] = PANE_HEAD };
    focus(s, deeper[s->focus]); // the others lead back to the heatmap
    return 0;
}

static void back(struct state *s)
{
    if (s->overlay)
        s->overlay = OVERLAY_NONE;
    else
        focus(s, PANE_IMPACT);
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
        move_columns(s, -1);
        break;
    case DO_RIGHT:
        move_columns(s, 1);
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
        move_columns(s, -(1 << 20));
        break;
    case DO_LINE_END:
        move_columns(s, 1 << 20);
        break;
    case DO_SELECT:
        return select_head(s, (struct head){ arg >> 16, arg & 0xFFFF });
    case DO_PANE:
        focus(s, (enum pane)arg);
        break;
    case DO_NEXT_PANE:
        focus(s, (enum pane)((s->focus + 1) % N_PANES));
        break;
    case DO_PREVIOUS_PANE:
        focus(s, (enum pane)((s->focus + N_PANES - 1) % N_PANES));
        break;
    case DO_OPEN:
        return open_selection(s);
    case DO_BACK:
        back(s);
        break;
    case DO_MARK:
        return toggle_mark(s);
    case DO_CLEAR_MARKS:
        return clear_marks(s);
    case DO_NEXT_ABLATION:
        return next_ablation(s);
    case DO_ABLATE:
        return set_kind(s, (enum ablate_kind)arg);
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
        return undo(s);
    case DO_TYPE:
        type_character(s, arg);
        break;
    case DO_ERASE:
        erase_character(s);
        break;
    case DO_ERASE_LINE:
        s->prompt[s->caret = 0] = '\0';
        break;
    case DO_REDRAW:
        return EFFECT_REDRAW;
    case DO_QUIT:
        return EFFECT_QUIT;
    }
    return 0;
}

// A new run forgets the marked set: its rows, model or ablation are others now.
unsigned state_apply(struct state *s, enum action action, uint32_t arg)
{
    unsigned effects = apply(s, action, arg);
    if (effects & (EFFECT_RUN | EFFECT_RERUN) && s->marks.n > 1)
        effects |= EFFECT_JOINT;
    if (effects & EFFECT_JOINT)
        s->joint_asked = true;
    if (effects & EFFECT_CANCEL)
        s->joint_asked = false;
    return effects;
}
