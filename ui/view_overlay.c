// What covers the panes for a while: help, pickers, prompts.
#include "ui/draw.h"

#include <stdio.h>
#include <string.h>

#include "ui/help.h"
#include "ui/picker.h"
#include "ui/style.h"
#include "ui/text.h"

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

// "12 more" at a corner of a box's frame, whose inside is r.
static void draw_more(struct grid *g, struct rect r, uint32_t y, size_t n)
{
    char text[32];
    snprintf(text, sizeof text, " %zu more ", n);
    struct rect line = { r.x, y, r.w, 1 };
    if (n)
        grid_text(g, line, r.w - text_width(text), 0, style_bold(), text);
}

static void draw_help(struct grid *g, struct rect screen, const struct state *s)
{
    enum { KEYS = 18 };
    struct rect r = open_box(g, screen, at_most(screen.w - 4, 136), screen.h - 2,
                             overlay_info(OVERLAY_HELP)->title);
    struct help_line line;
    uint32_t columns;
    size_t shown = help_shown(s, &columns), limit = help_scroll_limit(s);
    size_t first = s->scroll < limit ? s->scroll : limit, rows = shown / columns;
    for (size_t i = 0; i < shown && help_line_at(s, first + i, &line); i++) {
        uint32_t width = r.w / columns, column = (uint32_t)(i / rows);
        struct rect at = { r.x + column * width, r.y + (uint32_t)(i % rows), width - 1, 1 };
        grid_text(g, at, 0, 0, style_bold(), line.keys);
        grid_text(g, at, KEYS, 0, style_plain(), line.text);
    }
    draw_more(g, r, r.y - 1, first);
    draw_more(g, r, r.y + r.h, limit - first);
}

static void draw_groups(struct grid *g, struct rect screen, const struct state *s)
{
    struct rect r = open_box(g, screen, at_most(screen.w - 4, 120), screen.h - 2,
                             overlay_info(OVERLAY_FOREST)->title);
    size_t limit = forest_scroll_limit(s), first = s->scroll < limit ? s->scroll : limit;
    draw_forest(g, r, s);
    draw_more(g, r, r.y - 1, first);
    draw_more(g, r, r.y + r.h, limit - first);
}

static void draw_picker(struct grid *g, struct rect screen, const struct state *s)
{
    const char *title = overlay_info(s->overlay)->title;
    struct catalog_list list = picker_list(s);
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
    char before[MAX_TYPED];
    snprintf(before, sizeof before, "%.*s", (int)s->typed.caret, s->typed.text);
    const char *text = s->typed.text;
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
    const struct overlay_info *info = overlay_info(s->overlay);
    struct rect r = open_box(g, screen, at_most(screen.w - 8, 64), 3, info->title);
    if (!s->typed.text[0])
        grid_text(g, r, 0, 0, style_dim(), info->hint);
    draw_typed(g, r, s);
}

void draw_overlay(struct grid *g, struct rect screen, const struct state *s)
{
    g->has_cursor = false;
    switch (overlay_info(s->overlay)->kind) {
    case OVERLAY_IS_NONE:
        return;
    case OVERLAY_IS_HELP:
        draw_help(g, screen, s);
        return;
    case OVERLAY_IS_FOREST:
        draw_groups(g, screen, s);
        return;
    case OVERLAY_IS_PICKER:
        draw_picker(g, screen, s);
        return;
    case OVERLAY_IS_PROMPT:
        draw_prompt(g, screen, s);
        return;
    }
}
