// What the model says behind the selected row's prompt: intact and ablated, token by token.
#include "ui/draw.h"

#include <inttypes.h>
#include <stdio.h>

#include "ui/style.h"
#include "ui/text.h"

enum { NUMBER = 3, PROB = 7, BETWEEN = 2, MOST = 44 }; // columns

// "\" Paris\"  99.5%" in so many columns.
static void draw_word(struct grid *g, struct rect r, uint32_t x, uint32_t y, uint32_t width,
                      const struct said_word *w, bool changed)
{
    if (!w->there)
        return;
    struct rect token = { r.x + x, r.y + y, width - PROB, 1 };
    grid_printf(g, token, 0, 0, changed ? style_accent() : style_plain(), "\"%s\"", w->token);
    grid_printf(g, r, x + width - PROB, y, style_dim(), "%6.1f%%", 100 * w->prob);
}

// Names what is ablated; cut where it is long.
static void heads_text(const struct said_ask *ask, char *out, size_t size)
{
    char how[64];
    size_t len = (size_t)snprintf(out, size, "%s", ask->heads.keep_only ? "all but" : "");
    for (size_t i = 0; i < ask->heads.n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%" PRIu32 ":%" PRIu32,
                                i                      ? "+"
                                : ask->heads.keep_only ? " "
                                                       : "",
                                ask->heads.items[i].layer, ask->heads.items[i].head);
    ablation_name(ask->how, how, sizeof how);
    if (len < size)
        snprintf(out + len, size - len, ", %s", how);
}

static void draw_heading(struct grid *g, struct rect r, const struct state *s,
                         const struct said *said)
{
    char heads[128];
    const struct detail_row *row = state_row(s);
    if (row) {
        uint32_t x = grid_printf(g, r, 0, 0, style_dim(), "row %" PRIu32 " ", row->number);
        bool whole = x + text_width(row->prompt) <= r.w;
        x += whole ? 0 : grid_text(g, r, x, 0, style_dim(), "…");
        if (x < r.w)
            grid_text(g, r, x, 0, style_plain(), text_ending(row->prompt, r.w - x));
    }
    heads_text(&said->ask, heads, sizeof heads);
    grid_printf(g, r, 0, 1, style_dim(), "ablated: %s", heads);
}

static void draw_lines(struct grid *g, struct rect r, const struct said *said, uint32_t lines)
{
    uint32_t width = (r.w - NUMBER - 2 - 2 * BETWEEN) / 2;
    width = width < MOST ? width : MOST;
    uint32_t left = NUMBER + BETWEEN, right = left + width + BETWEEN;
    size_t first = said->n > lines ? said->n - lines : 0;
    grid_text(g, r, left, 2, style_bold(), "intact");
    grid_text(g, r, right, 2, style_bold(), "ablated");
    for (size_t i = first; i < said->n; i++) {
        const struct said_line *line = &said->lines[i];
        uint32_t y = 3 + (uint32_t)(i - first);
        grid_printf(g, r, 0, y, style_dim(), "%*zu", NUMBER, i + 1);
        draw_word(g, r, left, y, width, &line->texts[0], false);
        draw_word(g, r, right, y, width, &line->texts[1], line->changed);
        if (line->changed)
            grid_text(g, r, right + width + 1, y, style_accent(), "*");
    }
}

void draw_say(struct grid *g, struct rect r, const struct state *s)
{
    const struct said *said = state_said(s);
    if (!state_has_grid(s) || r.h < 5 || r.w < 28)
        return;
    if (!said) {
        grid_text(g, r, 0, 0, style_dim(), "waiting for the model…");
        return;
    }
    draw_heading(g, r, s, said);
    if (said->why.code) {
        grid_text(g, r, 0, 2, style_warn(), said->why.text);
        return;
    }
    draw_lines(g, r, said, r.h - 4);
    if (said->whole)
        grid_printf(g, r, 0, r.h - 1, style_dim(), "%zu of %zu tokens changed", said->n_changed,
                    said->n);
    else
        grid_text(g, r, 0, r.h - 1, style_dim(), "…");
}
