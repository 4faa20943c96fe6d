#include "ui/log.h"

#include <string.h>

#include "ui/grid.h"
#include "ui/layout.h"

enum { INDENT = 2 }; // of what goes on from the line above

static uint32_t indent_of(size_t line, uint32_t width)
{
    return line && width > 2 * INDENT ? INDENT : 0;
}

// Start of line number `line` of a text, NULL if it has fewer; *len is that line's length.
static const char *find_line(const char *text, uint32_t width, size_t line, size_t *len)
{
    for (size_t i = 0;; i++) {
        *len = text_break(text, width - indent_of(i, width));
        if (i == line)
            return text;
        text += *len;
        if (!*text)
            return NULL;
    }
}

static size_t count_lines(const char *text, uint32_t width)
{
    size_t n = 0, len;
    do {
        len = text_break(text, width - indent_of(n++, width));
        text += len;
    } while (*text);
    return n;
}

bool log_part_at(const struct state *s, uint32_t width, size_t i, struct log_part *out)
{
    const struct log_line *l;
    for (size_t k = 0; width && (l = state_log_line(s, k)); k++) {
        size_t n = count_lines(l->text, width);
        if (i >= n) {
            i -= n;
            continue;
        }
        size_t line = n - 1 - i;
        *out = (struct log_part){ .indent = indent_of(line, width), .is_error = l->is_error };
        out->text = find_line(l->text, width, line, &out->len);
        return true;
    }
    return false;
}

static struct rect log_pane(const struct state *s)
{
    struct layout l = layout_compute(s->width, s->height, s->side);
    return l.panes[PANE_LOG].w ? pane_text(l.panes[PANE_LOG]) : (struct rect){ 0 };
}

size_t log_back_limit(const struct state *s)
{
    struct rect r = log_pane(s);
    size_t total = 0;
    const struct log_line *l;
    for (size_t k = 0; r.w && (l = state_log_line(s, k)); k++)
        total += count_lines(l->text, r.w);
    return total > r.h ? total - r.h : 0;
}

size_t log_lines_of(const struct state *s, const char *text)
{
    struct rect r = log_pane(s);
    return r.w ? count_lines(text, r.w) : 0;
}
