// Text that may be longer than its place: the log, and what stands where the heatmap will be.
#include "ui/draw.h"

#include <stdio.h>
#include <string.h>

#include "ui/log.h"
#include "ui/style.h"
#include "ui/text.h"

static void draw_piece(struct grid *g, struct rect r, uint32_t x, uint32_t y, struct style style,
                       const char *text, size_t len)
{
    char line[1024];
    while (len && text[len - 1] == ' ') // may stand beyond the last column
        len--;
    snprintf(line, sizeof line, "%.*s", (int)len, text);
    grid_text(g, r, x, y, style, line);
}

// At the right end of the pane's title: how many lines further down there are.
static void draw_lines_below(struct grid *g, struct rect r, size_t n)
{
    char text[32];
    snprintf(text, sizeof text, " ↓%zu ", n);
    if (n && text_width(text) < r.w)
        grid_text(g, (struct rect){ r.x, r.y - 1, r.w, 1 }, r.w - text_width(text), 0, style_bold(),
                  text);
}

void draw_log(struct grid *g, struct rect r, const struct state *s)
{
    size_t limit = log_back_limit(&s->log, r), back = s->log.back < limit ? s->log.back : limit;
    struct log_part part;
    for (uint32_t i = 0; i < r.h && log_part_at(&s->log, r.w, i + back, &part); i++)
        draw_piece(g, r, part.indent, r.h - 1 - i, part.is_error ? style_warn() : style_plain(),
                   part.text, part.len);
    draw_lines_below(g, r, back);
}

static uint32_t draw_wrapped(struct grid *g, struct rect r, uint32_t y, struct style style,
                             const char *text)
{
    for (size_t len; y < r.h && *text; text += len) {
        len = text_break(text, r.w);
        draw_piece(g, r, 0, y++, style, text, len);
    }
    return y;
}

void draw_no_grid(struct grid *g, struct rect r, const struct state *s)
{
    char text[2 * MAX_NAME + 32];
    struct rect inside = r;
    if (r.w > 4)
        inside.x += 2, inside.w -= 4;
    if (s->snap && s->snap->phase == RUN_FAILED) {
        uint32_t y = draw_wrapped(g, inside, 1, style_warn(), s->snap->err.text);
        draw_wrapped(g, inside, y + 1, style_plain(),
                     "M another model, C another condition, D another device, R once more");
        return;
    }
    snprintf(text, sizeof text, "loading %s, %s…", s->choice.model, s->choice.data);
    draw_wrapped(g, inside, 1, style_dim(), text);
}
