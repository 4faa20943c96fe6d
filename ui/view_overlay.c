// What covers the panes for a while: help, pickers, prompts.
#include "ui/parts.h"

#include <stdio.h>
#include <string.h>

#include "ui/command.h"
#include "ui/keys.h"

// Clear a box in the middle of the screen, frame it, and return its inside.
static struct rect open_box(struct grid *g, struct rect screen, uint32_t w, uint32_t h,
                            const char *title)
{
    struct rect box = { screen.x + (screen.w - w) / 2, screen.y + (screen.h - h) / 2, w, h };
    struct style line = style_dim();
    grid_fill(g, box, ' ', style_plain());
    uint32_t right = box.x + w - 1, bottom = box.y + h - 1;
    for (uint32_t x = box.x + 1; x < right; x++) {
        grid_put(g, x, box.y, 0x2500, line);
        grid_put(g, x, bottom, 0x2500, line);
    }
    for (uint32_t y = box.y + 1; y < bottom; y++) {
        grid_put(g, box.x, y, 0x2502, line);
        grid_put(g, right, y, 0x2502, line);
    }
    grid_put(g, box.x, box.y, 0x256D, line);
    grid_put(g, right, box.y, 0x256E, line);
    grid_put(g, box.x, bottom, 0x2570, line);
    grid_put(g, right, bottom, 0x256F, line);
    grid_printf(g, box, 2, 0, style_accent(), " %s ", title);
    return (struct rect){ box.x + 2, box.y + 1, w - 4, h - 2 };
}

static uint32_t at_most(uint32_t v, uint32_t limit)
{
    return v < limit ? v : limit;
}

// Help is about the panes: what would work if it were closed.
static bool works_in_pane(const struct binding *b, const struct state *s)
{
    return b->where & (1u << s->focus) && (!b->when || b->when(s));
}

// All keys of a binding's action: "↑ k".
static void all_keys(const struct binding *all, size_t n, const struct binding *of,
                     const struct state *s, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char name[16];
        size_t len = strlen(out);
        if (all[i].action != of->action || all[i].arg != of->arg || !works_in_pane(&all[i], s))
            continue;
        key_label(all[i].key, s->look, name, sizeof name);
        snprintf(out + len, size - len, "%s%s", len ? " " : "", name);
    }
}

// One line of help; number counts lines that there would be on an endless screen.
struct help_lines {
    struct grid *g;
    struct rect r;
    size_t first, number;
    uint32_t columns, rows;
};

static void help_line(struct help_lines *l, struct style style, const char *keys, const char *text)
{
    size_t at = l->number++;
    if (at < l->first || at - l->first >= (size_t)l->rows * l->columns)
        return;
    uint32_t place = (uint32_t)(at - l->first), width = l->r.w / l->columns;
    struct rect r = { l->r.x + place / l->rows * width, l->r.y, width - 1, l->r.h };
    grid_text(l->g, r, 0, place % l->rows, style_bold(), keys);
    grid_text(l->g, r, 14, place % l->rows, style, text);
}

static void draw_help(struct grid *g, struct rect screen, const struct state *s)
{
    struct rect r
        = open_box(g, screen, at_most(screen.w - 4, 124), screen.h - 2, "keys that work now");
    size_t n;
    const struct binding *all = key_bindings(&n);
    struct help_lines l = { .g = g, .r = r, .first = s->scroll, .rows = r.h };
    l.columns = r.w >= 100 ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        char keys[64];
        if (!all[i].help || !works_in_pane(&all[i], s))
            continue;
        all_keys(all, n, &all[i], s, keys, sizeof keys);
        help_line(&l, style_plain(), keys, all[i].help);
    }
    const struct command_info *commands = command_table(&n);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        const char *argument = commands[i].argument ? commands[i].argument : "";
        snprintf(name, sizeof name, ":%s %s", commands[i].name, argument);
        help_line(&l, style_plain(), name, commands[i].help);
    }
}

static void draw_picker(struct grid *g, struct rect screen, const struct state *s)
{
    static const char *const titles[N_CATALOGS] = { [CATALOG_MODELS] = "model",
                                                    [CATALOG_DATA] = "condition",
                                                    [CATALOG_DEVICES] = "device",
                                                    [CATALOG_METRICS] = "metric" };
    const char *title = titles[overlay_catalog(s->overlay)];
    struct catalog_list list = state_picker_list(s);
    uint32_t n = list.n ? (uint32_t)list.n : 1, rows = at_most(n, screen.h - 8), name_w = 8;
    for (size_t i = 0; i < list.n; i++)
        if (text_width(list.items[i].value) > name_w)
            name_w = at_most(text_width(list.items[i].value), screen.w / 2);
    struct rect r = open_box(g, screen, at_most(screen.w - 8, 72), rows + 2, title);
    if (!list.n)
        grid_printf(g, r, 0, 0, style_dim(),
                    picker_is_ready(s) ? "no %ss found" : "looking for %ss…", title);
    uint32_t picked = (uint32_t)s->picked;
    uint32_t first = picked >= rows ? picked - rows + 1 : 0;
    for (uint32_t i = 0; i < rows && first + i < list.n; i++) {
        const struct catalog_item *item = &list.items[first + i];
        bool here = first + i == picked;
        struct style st = here ? style_bold() : item->usable ? style_plain() : style_dim();
        struct style detail = style_dim();
        if (here) {
            st.flags |= STYLE_REVERSE;
            detail = st;
            grid_fill(g, (struct rect){ r.x, r.y + i, r.w, 1 }, ' ', st);
            g->cursor_x = r.x, g->cursor_y = r.y + i;
            g->has_cursor = true;
        }
        grid_text(g, (struct rect){ r.x, r.y + i, name_w + 1, 1 }, 1, 0, st, item->value);
        grid_text(g, r, name_w + 3, i, detail, item->detail);
    }
}

// The part of a long text that keeps the caret visible.
static void draw_typed(struct grid *g, struct rect r, const struct state *s)
{
    char before[MAX_PROMPT];
    snprintf(before, sizeof before, "%.*s", (int)s->caret, s->prompt);
    const char *text = s->prompt;
    uint32_t caret = text_width(before);
    while (caret >= r.w) {
        uint32_t was = text_width(text);
        do
            text++;
        while (((unsigned char)*text & 0xC0) == 0x80);
        caret -= was - text_width(text);
    }
    grid_text(g, r, 0, 0, style_plain(), text);
    g->cursor_x = r.x + caret, g->cursor_y = r.y;
    g->has_cursor = true;
}

static void draw_prompt(struct grid *g, struct rect screen, const struct state *s)
{
    static const struct {
        const char *title, *hint;
    } prompts[] = {
        [OVERLAY_SCALE - OVERLAY_SCALE]
        = { "scale", "the head's output is multiplied by this: 0.5" },
        [OVERLAY_EXPORT - OVERLAY_SCALE]
        = { "export into folder", "runs/…: named by what was run" },
        [OVERLAY_COMMAND - OVERLAY_SCALE] = { "command", "export, screenshot, model, metric, …" },
        [OVERLAY_SEARCH - OVERLAY_SCALE] = { "go to head", "LAYER:HEAD" },
    };
    size_t which = (size_t)(s->overlay - OVERLAY_SCALE);
    struct rect r = open_box(g, screen, at_most(screen.w - 8, 64), 3, prompts[which].title);
    if (!s->prompt[0])
        grid_text(g, r, 0, 0, style_dim(), prompts[which].hint);
    draw_typed(g, r, s);
}

void draw_overlay(struct grid *g, struct rect screen, const struct state *s)
{
    g->has_cursor = false;
    if (s->overlay == OVERLAY_HELP)
        draw_help(g, screen, s);
    else if (overlay_is_picker(s->overlay))
        draw_picker(g, screen, s);
    else
        draw_prompt(g, screen, s);
}
