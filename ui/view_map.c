// The patches of the selected one's site as a map: a line a layer (or head), a column a position,
// in the cells how much of the effect comes back.
//
//        s2:last     diff      END
//   L0 [ +101% ]      0%     -2%
//   L1     +12%      +3%    +98%
//        34/168  168/168    0/168   rows that differ there, of all
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "report/palette.h"
#include "ui/format.h"
#include "ui/map_form.h"
#include "ui/style.h"
#include "ui/text.h"

// Places are counted from the corner of the pane's body.
struct place {
    uint32_t label_w, cell_w;
    uint32_t first_row, n_rows, first_column, n_columns; // shown
};

// First of `shown` out of n so that `at` lies in the middle, where there is room.
static uint32_t scrolled(uint32_t at, uint32_t shown, uint32_t n)
{
    uint32_t first = at > shown / 2 ? at - shown / 2 : 0;
    return first + shown > n ? n - shown : first;
}

static uint32_t at_most(uint32_t v, uint32_t limit)
{
    return v < limit ? v : limit;
}

static struct place place_map(struct rect r, const struct item_map *map, const struct item *here)
{
    const struct patch_map *axes = &map->axes;
    struct map_form form = map_form_of(map);
    struct place l = { .label_w = form.label_w, .cell_w = form.cell_w };
    uint32_t width = r.w > l.label_w ? r.w - l.label_w : 1;
    l.n_columns = at_most(axes->n_columns, width > l.cell_w ? width / l.cell_w : 1);
    l.n_rows = at_most(axes->n_rows, r.h > MAP_LINES_BESIDE ? r.h - MAP_LINES_BESIDE : 1);
    l.first_column = scrolled(here->column, l.n_columns, axes->n_columns);
    l.first_row = scrolled(here->row, l.n_rows, axes->n_rows);
    return l;
}

// NULL: that place is not in the run.
static const struct item *item_at(const struct snapshot *p, const struct item_map *map,
                                  uint32_t row, uint32_t column)
{
    size_t at = map->axes.variants[(size_t)row * map->axes.n_columns + column];
    return at == SIZE_MAX ? NULL : &p->items[at];
}

static struct style cell_style(const struct state *s, const struct item_map *map,
                               const struct item *e)
{
    struct style st = { 0 };
    double recovery = e->recovery.ratio.mean;
    if (!(s->look & LOOK_MONO)) {
        st.bg
            = (struct color){ true, palette_diverging(map->scale > 0 ? recovery / map->scale : 0) };
        st.fg = (struct color){ true, palette_ink(st.bg.rgb) };
    }
    if (verdict_is_effect(&e->delta, s->snap->bar))
        st.flags |= STYLE_BOLD;
    if (e->sampled)
        st.flags |= STYLE_DIM;
    return st;
}

// Where nothing comes back the sign says nothing.
static void percent(double share, char out[FORMAT_SIZE])
{
    double whole = round(100 * share);
    if (whole == 0)
        snprintf(out, FORMAT_SIZE, "0%%");
    else
        snprintf(out, FORMAT_SIZE, "%+.0f%%", whole);
}

static void draw_cell(struct grid *g, struct rect box, const struct state *s,
                      const struct item_map *map, const struct item *e, bool here)
{
    char text[FORMAT_SIZE] = "·";
    struct style st = style_dim();
    if (e && e->done && !e->delta.n) {
        snprintf(text, sizeof text, "none");
    } else if (e && e->done) {
        st = cell_style(s, map, e);
        if (isfinite(e->recovery.ratio.mean))
            percent(e->recovery.ratio.mean, text);
        grid_fill(g, box, ' ', st);
    }
    uint32_t len = at_most(text_width(text), box.w - 2);
    if (here)
        st.flags |= STYLE_BOLD | STYLE_UNDERLINE;
    grid_text(g, box, box.w - 2 - len, 0, st, text);
    if (!here)
        return;
    st.flags &= ~(unsigned)STYLE_UNDERLINE;
    grid_text(g, box, 0, 0, st, "[");
    grid_text(g, box, box.w - 1, 0, st, "]");
    g->cursor_x = box.x, g->cursor_y = box.y;
    g->has_cursor = true;
}

static void draw_row(struct grid *g, struct rect r, const struct place *l, const struct state *s,
                     const struct item_map *map, uint32_t i)
{
    const struct item *here = state_map_item(s);
    uint32_t row = l->first_row + i;
    bool selected = here->map == map && here->row == row;
    const char *name = map->axes.rows[row];
    uint32_t len = text_width(name) + (map->axes.has_heads ? 0 : 1);
    grid_printf(g, r, l->label_w - 1 - len, 1 + i, selected ? style_accent() : style_dim(), "%s%s",
                map->axes.has_heads ? "" : "L", name);
    for (uint32_t c = 0; c < l->n_columns; c++) {
        uint32_t column = l->first_column + c;
        struct rect box = { r.x + l->label_w + c * l->cell_w, r.y + 1 + i, l->cell_w - 1, 1 };
        draw_cell(g, box, s, map, item_at(s->snap, map, row, column),
                  selected && here->column == column);
    }
}

// The rows of a position, which are the same at every layer: "34/168"; empty before the first.
static void rows_text(const struct snapshot *p, const struct item_map *map, uint32_t column,
                      char out[FORMAT_SIZE])
{
    out[0] = '\0';
    for (uint32_t row = 0; row < map->axes.n_rows; row++) {
        const struct item *e = item_at(p, map, row, column);
        if (!e || !e->done || e->sampled)
            continue;
        snprintf(out, FORMAT_SIZE, "%" PRIu32 "/%" PRIu32, e->changed.delta.n, e->delta.n);
        return;
    }
}

// Right-aligned above or below a cell's text.
static void draw_label(struct grid *g, struct rect r, const struct place *l, uint32_t c, uint32_t y,
                       struct style st, const char *text)
{
    struct rect box = { r.x + l->label_w + c * l->cell_w, r.y + y, l->cell_w - 1, 1 };
    uint32_t len = at_most(text_width(text), box.w - 2);
    grid_text(g, box, box.w - 2 - len, 0, st, text);
}

static void draw_columns(struct grid *g, struct rect r, const struct place *l,
                         const struct state *s, const struct item_map *map)
{
    const struct item *here = state_map_item(s);
    for (uint32_t c = 0; c < l->n_columns; c++) {
        uint32_t column = l->first_column + c;
        char rows[FORMAT_SIZE];
        rows_text(s->snap, map, column, rows);
        draw_label(g, r, l, c, 0, here->column == column ? style_accent() : style_dim(),
                   map->axes.columns[column]);
        draw_label(g, r, l, c, 1 + l->n_rows, style_dim(), rows);
    }
    uint32_t end = l->label_w + l->n_columns * l->cell_w + 1;
    grid_text(g, r, end, 1 + l->n_rows, style_dim(), "differ/rows");
    if (l->first_column)
        grid_text(g, r, l->label_w - 1, 0, style_dim(), "◂");
    if (l->first_column + l->n_columns < map->axes.n_columns)
        grid_text(g, r, end - 2, 0, style_dim(), "▸");
}

// "resid_post: recovery  -101% <colours> +101%  bold q<0.05, ≥0.02"
static void draw_legend(struct grid *g, struct rect r, uint32_t y, const struct state *s,
                        const struct item_map *map)
{
    enum { STEPS = 9 };
    char full[FORMAT_SIZE];
    uint32_t x = grid_printf(g, r, 1, y, style_bold(), "%s", site_name(map->axes.site)) + 1;
    if (s->snap->n_maps > 1)
        x += grid_printf(g, r, x, y, style_dim(), ", %zu of %zu sites",
                         (size_t)(map - s->snap->maps) + 1, s->snap->n_maps);
    x += grid_text(g, r, x, y, style_dim(), ": recovery ");
    percent(map->scale, full);
    for (uint32_t i = 0; i < STEPS && !(s->look & LOOK_MONO); i++) {
        struct color c = { true, palette_diverging((2.0 * i - (STEPS - 1)) / (STEPS - 1)) };
        grid_put(g, r.x + x++, r.y + y, ' ', (struct style){ .bg = c });
    }
    if (!(s->look & LOOK_MONO))
        x += grid_printf(g, r, x, y, style_dim(), " ±%s", full[0] == '+' ? full + 1 : full);
    x += grid_text(g, r, x, y, style_bold(), "  bold") + 1;
    x += grid_printf(g, r, x, y, style_dim(), "q<%g", s->snap->bar.alpha);
    if (s->snap->bar.least > 0)
        grid_printf(g, r, x, y, style_dim(), ", ≥%.2g", s->snap->bar.least);
}

void draw_map(struct grid *g, struct rect r, const struct state *s)
{
    const struct item *here = state_map_item(s);
    const struct item_map *map = here->map;
    struct place l = place_map(r, map, here);
    draw_columns(g, r, &l, s, map);
    for (uint32_t i = 0; i < l.n_rows; i++)
        draw_row(g, r, &l, s, map, i);
    uint32_t below = 2 + l.n_rows;
    draw_legend(g, r, below + 1 < r.h ? below + 1 : r.h - 1, s, map);
}
