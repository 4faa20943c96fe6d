// More about the selected head: its tokens, and the rows of the data.
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ui/detail.h"
#include "ui/format.h"
#include "ui/style.h"
#include "ui/text.h"

static bool awaited(struct grid *g, struct rect r, const struct state *s)
{
    if (state_detail(s))
        return false;
    grid_printf(g, r, 0, 0, style_dim(), "looking at head %" PRIu32 ":%" PRIu32 "…",
                s->cursor.layer, s->cursor.head);
    return true;
}

static void put_token(struct grid *g, struct rect r, uint32_t y, const struct ov_token *t,
                      struct style style)
{
    enum { NUMBER = 7 };
    char number[FORMAT_SIZE];
    struct rect name = { r.x, r.y + y, r.w > NUMBER ? r.w - NUMBER : r.w, 1 };
    format_number((double)t->logit, number);
    grid_text(g, name, 0, 0, style_plain(), t->text);
    if (r.w > NUMBER)
        grid_printf(g, r, r.w - NUMBER, y, style, "%*s", NUMBER, number);
}

// Top tokens on the left, bottom ones on the right.
static void draw_tokens(struct grid *g, struct rect r, const struct ov_tokens *t)
{
    uint32_t half = (r.w - 2) / 2;
    struct rect left = { r.x, r.y, half, r.h }, right = { r.x + half + 2, r.y, half, r.h };
    grid_text(g, left, 0, 0, style_dim(), "top");
    grid_text(g, right, 0, 0, style_dim(), "bottom");
    for (size_t i = 0; i < t->n && i + 1 < r.h; i++) {
        put_token(g, left, (uint32_t)i + 1, &t->top[i], style_accent());
        put_token(g, right, (uint32_t)i + 1, &t->bottom[i], style_warn());
    }
}

static void draw_lack(struct grid *g, struct rect r, const struct detail *d, const char *otherwise)
{
    grid_text(g, r, 0, 0, style_warn(), *d->error ? d->error : otherwise);
}

void draw_ov(struct grid *g, struct rect r, const struct state *s)
{
    if (!state_has_grid(s) || r.h < 4 || awaited(g, r, s))
        return;
    const struct detail *d = state_detail(s);
    if (!d->ov) {
        draw_lack(g, r, d, "not in the run's files: 6 asks its model");
        return;
    }
    const struct ov_head *h = &d->ov->heads[0];
    uint32_t x
        = grid_printf(g, r, 0, 0, style_bold(), "head %" PRIu32 ":%" PRIu32, h->layer, h->head);
    grid_printf(g, r, x, 0, style_dim(), "  norm %.3f", h->vector_norm);
    if (d->ov->kind == OV_CIRCUIT && isnan(h->copying))
        grid_text(g, r, 0, 1, style_dim(), "circuit  t: output");
    else if (d->ov->kind == OV_CIRCUIT)
        grid_printf(g, r, 0, 1, style_dim(), "circuit  copying %+.2f  t: output", h->copying);
    else
        grid_printf(g, r, 0, 1, style_dim(), "over %zu rows  t: circuit", d->ov->n_samples);
    draw_tokens(g, (struct rect){ r.x, r.y + 2, r.w, r.h - 2 }, &h->tokens);
}

// Shade of a weight: a digit of tenths where there are no colours.
static void put_weight(struct grid *g, struct rect r, uint32_t x, uint32_t y, float weight,
                       const struct state *s)
{
    char text[4];
    struct style st = s->look & LOOK_MONO ? style_plain() : style_effect((double)weight, s->look);
    snprintf(text, sizeof text, weight < 0.05f ? " ·" : "%2d", (int)lround(10 * (double)weight));
    grid_text(g, r, x, y, st, text);
}

// A line a query, a column a key; the last of both where not all fit.
void draw_attn(struct grid *g, struct rect r, const struct state *s)
{
    enum { LABEL = 9, CELL = 2 };
    if (!state_has_grid(s) || r.h < 4 || awaited(g, r, s))
        return;
    const struct detail *d = state_detail(s);
    if (!d->attn || !d->attn->n_rows || !d->attn->rows[0].n_patterns) {
        draw_lack(g, r, d,
                  s->snap->saved ? "not in the run's files: 7 asks its model" : "no pattern");
        return;
    }
    const struct attn_row *row = &d->attn->rows[0];
    const float *weights = row->patterns[0].weights;
    uint32_t n = row->n_tokens, columns = (r.w - LABEL) / CELL, lines = r.h - 2;
    uint32_t first_key = n > columns ? n - columns : 0, first = n > lines ? n - lines : 0;
    uint32_t x = grid_printf(g, r, 0, 0, style_bold(), "head %" PRIu32 ":%" PRIu32, s->cursor.layer,
                             s->cursor.head);
    if (s->row < d->n_rows)
        grid_printf(g, r, x, 0, style_dim(), "  row %" PRIu32 ", %zu of %zu",
                    d->rows[s->row].number, s->row + 1, d->n_rows);
    for (uint32_t k = first_key; k < n; k++)
        grid_printf(g, r, LABEL + (k - first_key) * CELL, 1, style_dim(), "%2" PRIu32, k % 100);
    for (uint32_t q = first; q < n; q++) {
        uint32_t y = q - first + 2;
        struct rect label = { r.x, r.y + y, LABEL - 1, 1 };
        grid_printf(g, label, 0, 0, style_dim(), "%2" PRIu32, q);
        grid_text(g, label, 3, 0, q + 1 == n ? style_bold() : style_plain(), row->tokens[q]);
        for (uint32_t k = first_key; k <= q; k++)
            put_weight(g, r, LABEL + (k - first_key) * CELL, y, weights[(size_t)q * n + k], s);
    }
}

static void draw_row(struct grid *g, struct rect r, uint32_t y, const struct state *s,
                     const struct detail_row *row, bool here, double largest)
{
    enum { NUMBER = 7 };
    char number[FORMAT_SIZE];
    struct style st = here ? style_bold() : style_plain();
    if (here) {
        st.flags |= STYLE_REVERSE;
        grid_fill(g, (struct rect){ r.x, r.y + y, r.w, 1 }, ' ', st);
        if (s->focus == PANE_ROWS) {
            g->cursor_x = r.x, g->cursor_y = r.y + y;
            g->has_cursor = true;
        }
    }
    struct rect text = { r.x, r.y + y, r.w > 2 * NUMBER + 1 ? r.w - 2 * NUMBER - 1 : r.w, 1 };
    grid_printf(g, text, 0, 0, st, "%" PRIu32 " %s", row->number, row->prompt);
    if (r.w <= 2 * NUMBER + 1)
        return;
    format_signed(row->intact, largest, NUMBER - 1, number);
    grid_printf(g, r, r.w - 2 * NUMBER, y, here ? st : style_dim(), "%*s", NUMBER, number);
    format_signed(row->delta, largest, NUMBER - 1, number);
    grid_printf(g, r, r.w - NUMBER, y, st, "%*s", NUMBER, number);
}

// The selected row in full, folded.
static void draw_whole_row(struct grid *g, struct rect r, const struct detail_row *row)
{
    const char *text = row->prompt;
    uint32_t y = 0;
    for (size_t used; y + 1 < r.h && (used = text_break(text, r.w)); text += used, y++) {
        char part[512];
        snprintf(part, sizeof part, "%.*s", (int)used, text);
        grid_text(g, (struct rect){ r.x, r.y + y, r.w, 1 }, 0, 0, style_plain(), part);
    }
    grid_printf(g, r, 0, y, style_dim(), "target%s  foil%s", row->target, row->foil);
}

void draw_rows(struct grid *g, struct rect r, const struct state *s)
{
    enum { WHOLE = 4 };
    if (!state_has_grid(s) || r.h < WHOLE + 4 || awaited(g, r, s))
        return;
    const struct detail *d = state_detail(s);
    char name[32];
    double largest = 0;
    for (size_t i = 0; i < d->n_rows; i++)
        largest = fmax(largest, fmax(fabs(d->rows[i].intact),
                                     isfinite(d->rows[i].delta) ? fabs(d->rows[i].delta) : 0));
    grid_printf(g, r, 0, 0, style_bold(), "head %" PRIu32 ":%" PRIu32, s->cursor.layer,
                s->cursor.head);
    format_effect(s->snap->metric, name, sizeof name);
    const char *baseline = s->snap->facts.baseline;
    grid_text(g, r, r.w - 8 - text_width(baseline), 0, style_dim(), baseline);
    grid_text(g, r, r.w - text_width(name), 0, style_dim(), name);
    size_t shown = r.h - WHOLE - 2, at = s->row < d->n_rows ? s->row : 0;
    size_t first = at < shown ? 0 : at - shown + 1;
    for (size_t i = 0; i < shown && first + i < d->n_rows; i++)
        draw_row(g, r, (uint32_t)i + 1, s, &d->rows[first + i], first + i == at, largest);
    if (d->n_rows)
        draw_whole_row(g, (struct rect){ r.x, r.y + r.h - WHOLE, r.w, WHOLE }, &d->rows[at]);
}
