#include "ui/keys.h"

#include <stdio.h>
#include <string.h>

#include "ui/picker.h"
#include "ui/text.h"

enum {
    GRID = WHERE_IMPACT | WHERE_HEAD | WHERE_OV | WHERE_ATTN | WHERE_COMPARE | WHERE_SAY,
    HEADS = GRID | WHERE_RANK,
    LISTS = WHERE_PANES | WHERE_HELP | WHERE_PICKER,
    NOT_TYPING = LISTS | WHERE_SMALL,
    CTRL_C = 3,
    CTRL_L = 12,
    CTRL_U = 21,
};

static bool running(const struct state *s)
{
    return s->snap && (s->snap->phase == RUN_RUNNING || s->snap->phase == RUN_LOADING);
}

static bool measured(const struct state *s)
{
    return s->snap && (s->snap->done || s->snap->phase == RUN_DONE);
}

static bool patches(const struct state *s)
{
    return s->choice.experiment->options & READS_PATCH;
}

static bool saved(const struct state *s)
{
    return s->saved.cells;
}

static bool can_undo(const struct state *s)
{
    return s->n_undo;
}

static bool has_groups(const struct state *s)
{
    return state_has_grid(s) && s->snap->forest.n_groups;
}

static bool several_open(const struct state *s)
{
    return s->open.n > 1;
}

static bool marked(const struct state *s)
{
    return s->marks.n;
}

#define ABLATION_KEY(id, name, key, about, ...)                                                    \
    { key, WHERE_PANES, DO_ABLATE, ABLATE_##id, NULL, NULL, about },

static const struct binding bindings[] = {
    // clang-format off
    { '?', WHERE_PANES, DO_OVERLAY, OVERLAY_HELP, NULL, "help", "this help" },
    { 'q', WHERE_PANES | WHERE_SMALL, DO_QUIT, 0, NULL, "quit", "leave" },
    { 'x', WHERE_PANES, DO_CANCEL, 0, running, "cancel", "stop the run; finished heads are kept" },
    { '\n', WHERE_PICKER | WHERE_PROMPT, DO_OPEN, 0, NULL,
      "accept", "take what is chosen or typed" },
    { KEYCODE_ESCAPE, WHERE_HELP | WHERE_PICKER | WHERE_PROMPT, DO_BACK, 0, NULL,
      "back", "back to the heatmap" },
    { ' ', HEADS, DO_MARK, 0, state_has_grid,
      "mark", "mark the head; marked heads are ablated jointly" },
    { 'E', WHERE_PANES, DO_OVERLAY, OVERLAY_EXPERIMENT, NULL,
      "experiment", "choose the experiment; sets are the marked heads" },
    { 'a', WHERE_PANES, DO_NEXT_ABLATION, 0, NULL,
      "ablation", "next ablation: zero, scale 0.5" ABLATION_LATER_NAMES },
    { 'e', WHERE_PANES, DO_OVERLAY, OVERLAY_EXPORT, measured,
      "export", "write the results into a folder" },
    { 'M', WHERE_PANES, DO_OVERLAY, OVERLAY_MODEL, NULL, "model", "choose the model" },
    { 'C', WHERE_PANES, DO_OVERLAY, OVERLAY_DATA, NULL, "data", "choose the condition" },
    { 'v', WHERE_PANES, DO_OVERLAY, OVERLAY_METRIC, NULL, "metric", "choose the metric shown" },
    { 'u', WHERE_PANES, DO_UNDO, 0, can_undo, "undo", "take back the last mark or ablation" },
    { '\t', WHERE_PANES, DO_NEXT_PANE, 0, NULL, "pane", "next pane" },
    { 's', WHERE_PANES, DO_OVERLAY, OVERLAY_SCALE, NULL,
      "scale", "ablate by scaling: asks for the factor" },
    { 'o', WHERE_PANES, DO_SORT, 0, NULL, "order", "change the order of the rank pane" },
    { 'f', WHERE_PANES, DO_OVERLAY, OVERLAY_FOREST, has_groups,
      "by group", "the selected head's effect in each group of the rows (--by)" },
    { '/', WHERE_PANES, DO_OVERLAY, OVERLAY_SEARCH, state_has_grid, "find", "go to LAYER:HEAD" },
    { 'D', WHERE_PANES, DO_OVERLAY, OVERLAY_DEVICE, NULL, "device", "choose the device" },
    { ':', WHERE_PANES, DO_OVERLAY, OVERLAY_COMMAND, NULL, "command", "type a command" },
    { 'R', WHERE_PANES, DO_RERUN, 0, NULL,
      "rerun", "run again from the start; go on after a cancel" },
    { 'Z', WHERE_PANES, DO_ZOOM, 0, NULL, "zoom", "the focused pane alone; again for all" },
    { 'w', WHERE_PANES, DO_OVERLAY, OVERLAY_PANE, NULL, "panes", "choose a pane from a list" },
    { 'y', WHERE_PANES, DO_COPY, 0, state_has_grid,
      NULL, "copy the selected head, row or prompt to the clipboard" },
    { 'n', WHERE_ATTN | WHERE_SAY, DO_NEXT_ROW, 0, NULL, "next row", "the next row of the data" },
    { 'N', WHERE_ATTN | WHERE_SAY, DO_PREVIOUS_ROW, 0, NULL, NULL, "the row before" },
    { 't', WHERE_OV, DO_TOGGLE_OV, 0, NULL,
      "circuit", "between the head's mean output and its OV circuit" },
    { 'S', WHERE_PANES, DO_OVERLAY, OVERLAY_SITE, patches, "site", "choose what patch puts in" },
    ABLATION_ROWS(ABLATION_KEY)
    { ']', WHERE_PANES, DO_NEXT_RUN, 0, several_open,
      "next run", "the next of the open runs; this one is kept to compare with" },
    { '[', WHERE_PANES, DO_PREVIOUS_RUN, 0, several_open, NULL, "the open run before" },
    { 'K', WHERE_PANES, DO_KEEP, 0, measured, NULL, "keep this run to compare others with" },
    { 'd', WHERE_PANES, DO_DIFFER, 0, saved, NULL, "heatmap of the difference to the kept run" },
    { 'c', WHERE_PANES, DO_KEEP_ONLY, 0, marked,
      "keep only", "ablate all but the marked heads; again: the marked ones" },
    { '*', HEADS, DO_OVERLAY, OVERLAY_TOP, measured, NULL, "mark the largest effects" },
    { 'I', HEADS, DO_INVERT_MARKS, 0, state_has_grid, NULL, "mark what is not marked" },
    { 'W', WHERE_PANES, DO_OVERLAY, OVERLAY_SET_NAME, marked,
      NULL, "save the marked set by a name; :set brings it back" },
    { 'X', WHERE_PANES, DO_CLEAR_MARKS, 0, marked, NULL, "clear all marks" },
    { KEYCODE_UP, WHERE_HELP | WHERE_PICKER, DO_UP, 0, NULL, "up", NULL },
    { KEYCODE_DOWN, WHERE_HELP | WHERE_PICKER, DO_DOWN, 0, NULL, "down", NULL },
    { KEYCODE_UP, WHERE_PANES, DO_UP, 0, NULL, NULL, "up: a layer, a row, a line" },
    { 'k', LISTS, DO_UP, 0, NULL, NULL, NULL },
    { KEYCODE_DOWN, WHERE_PANES, DO_DOWN, 0, NULL, NULL, "down" },
    { 'j', LISTS, DO_DOWN, 0, NULL, NULL, NULL },
    { KEYCODE_LEFT, HEADS, DO_LEFT, 0, NULL, NULL, "left: a head" },
    { 'h', HEADS, DO_LEFT, 0, NULL, NULL, NULL },
    { KEYCODE_RIGHT, HEADS, DO_RIGHT, 0, NULL, NULL, "right" },
    { 'l', HEADS, DO_RIGHT, 0, NULL, NULL, NULL },
    { 'g', LISTS, DO_FIRST, 0, NULL, NULL, "first layer, row or line" },
    { 'G', LISTS, DO_LAST, 0, NULL, NULL, "last layer, row or line" },
    { KEYCODE_HOME, HEADS, DO_LINE_START, 0, NULL, NULL, "first head" },
    { '0', HEADS, DO_LINE_START, 0, NULL, NULL, NULL },
    { KEYCODE_END, HEADS, DO_LINE_END, 0, NULL, NULL, "last head" },
    { '$', HEADS, DO_LINE_END, 0, NULL, NULL, NULL },
    { KEYCODE_PAGE_UP, LISTS, DO_PAGE_UP, 0, NULL, NULL, "eight rows up" },
    { KEYCODE_PAGE_DOWN, LISTS, DO_PAGE_DOWN, 0, NULL, NULL, "eight rows down" },
    { '\n', WHERE_PANES, DO_OPEN, 0, NULL, NULL, "drill: heatmap, head, rows" },
    { KEYCODE_ESCAPE, WHERE_PANES, DO_BACK, 0, NULL, NULL, "back to the heatmap" },
    { KEYCODE_BACK_TAB, WHERE_PANES, DO_PREVIOUS_PANE, 0, NULL, NULL, "previous pane" },
    { '1', WHERE_PANES, DO_PANE, PANE_IMPACT, NULL, NULL, "heatmap" },
    { '2', WHERE_PANES, DO_PANE, PANE_HEAD, NULL, NULL, "selected head and marked set" },
    { '3', WHERE_PANES, DO_PANE, PANE_RANK, NULL, NULL, "ranked heads" },
    { '4', WHERE_PANES, DO_PANE, PANE_LOG, NULL, NULL, "log" },
    { '5', WHERE_PANES, DO_PANE, PANE_LIST, NULL,
      NULL, "sets, recovery, patched places, direct effects" },
    { '6', WHERE_PANES, DO_PANE, PANE_OV, NULL, NULL, "what the selected head writes" },
    { '7', WHERE_PANES, DO_PANE, PANE_ATTN, NULL,
      NULL, "where the selected head looks in the selected row" },
    { '8', WHERE_PANES, DO_PANE, PANE_ROWS, NULL,
      NULL, "rows, and the selected head's effect in each" },
    { '9', WHERE_PANES, DO_PANE, PANE_COMPARE, NULL, NULL, "this run beside a kept one" },
    { CTRL_L, NOT_TYPING, DO_REDRAW, 0, NULL, NULL, "draw the screen anew" },
    { KEYCODE_F1, WHERE_PANES, DO_OVERLAY, OVERLAY_HELP, NULL, NULL, NULL },
    { KEYCODE_F5, WHERE_PANES, DO_RERUN, 0, NULL, NULL, NULL },
    { KEYCODE_F10, NOT_TYPING, DO_QUIT, 0, NULL, NULL, NULL },
    { CTRL_C, NOT_TYPING | WHERE_PROMPT, DO_QUIT, 0, NULL, NULL, NULL },
    { 'q', WHERE_HELP | WHERE_PICKER, DO_BACK, 0, NULL, NULL, NULL },
    { '?', WHERE_HELP, DO_BACK, 0, NULL, NULL, NULL },
    { 'f', WHERE_HELP, DO_BACK, 0, NULL, NULL, NULL },
    { KEYCODE_F1, WHERE_HELP, DO_BACK, 0, NULL, NULL, NULL },
    { KEYCODE_LEFT, WHERE_PROMPT, DO_LEFT, 0, NULL, NULL, NULL },
    { KEYCODE_RIGHT, WHERE_PROMPT, DO_RIGHT, 0, NULL, NULL, NULL },
    { KEYCODE_HOME, WHERE_PROMPT, DO_LINE_START, 0, NULL, NULL, NULL },
    { KEYCODE_END, WHERE_PROMPT, DO_LINE_END, 0, NULL, NULL, NULL },
    { KEYCODE_BACKSPACE, WHERE_PROMPT, DO_ERASE, 0, NULL, NULL, NULL },
    { CTRL_U, WHERE_PROMPT, DO_ERASE_LINE, 0, NULL, NULL, NULL },
    // clang-format on
};

static const struct binding typing = { .where = WHERE_PROMPT, .action = DO_TYPE };

const struct binding *key_bindings(size_t *n)
{
    *n = sizeof bindings / sizeof *bindings;
    return bindings;
}

// The one place that has the keyboard now.
static enum where state_where(const struct state *s)
{
    if (s->width < MIN_WIDTH || s->height < MIN_HEIGHT)
        return WHERE_SMALL;
    if (s->overlay == OVERLAY_HELP || s->overlay == OVERLAY_FOREST)
        return WHERE_HELP;
    if (picker_is_open(s))
        return WHERE_PICKER;
    if (state_is_typing(s))
        return WHERE_PROMPT;
    return (enum where)(1u << s->focus);
}

bool key_is_valid(const struct binding *b, const struct state *s)
{
    return b->where & (unsigned)state_where(s) && (!b->when || b->when(s));
}

const struct binding *key_find(const struct state *s, uint32_t key)
{
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++)
        if (bindings[i].key == key && key_is_valid(&bindings[i], s))
            return &bindings[i];
    bool character = key >= ' ' && key != 127 && key < KEYCODE_UP;
    return character && state_where(s) == WHERE_PROMPT ? &typing : NULL;
}

static const struct {
    uint32_t key;
    const char *name, *ascii;
} names[] = {
    { KEYCODE_UP, "↑", "Up" },
    { KEYCODE_DOWN, "↓", "Down" },
    { KEYCODE_LEFT, "←", "Left" },
    { KEYCODE_RIGHT, "→", "Right" },
    { KEYCODE_PAGE_UP, "PgUp", NULL },
    { KEYCODE_PAGE_DOWN, "PgDn", NULL },
    { KEYCODE_HOME, "Home", NULL },
    { KEYCODE_END, "End", NULL },
    { KEYCODE_BACK_TAB, "Shift-Tab", NULL },
    { KEYCODE_BACKSPACE, "Backspace", NULL },
    { KEYCODE_F1, "F1", NULL },
    { KEYCODE_F5, "F5", NULL },
    { KEYCODE_F10, "F10", NULL },
    { KEYCODE_ESCAPE, "Esc", NULL },
    { '\t', "Tab", NULL },
    { '\n', "Enter", NULL },
    { ' ', "space", NULL },
};

void key_label(uint32_t key, unsigned look, char *out, size_t size)
{
    char bytes[5] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == key) {
            bool ascii = look & LOOK_ASCII && names[i].ascii;
            snprintf(out, size, "%s", ascii ? names[i].ascii : names[i].name);
            return;
        }
    if (key < ' ')
        snprintf(out, size, "Ctrl-%c", (char)(key + 'A' - 1));
    else if (text_put(key, bytes))
        snprintf(out, size, "%s", bytes);
}
