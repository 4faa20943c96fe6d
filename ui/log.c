#include "ui/log.h"

#include <stdlib.h>
#include <string.h>

#include "ui/text.h"

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

void log_add(struct log *log, bool is_error, const char *text, struct rect pane)
{
    struct log_message *m = &log->messages[log->n++ % MAX_LOG];
    free(m->text);
    *m = (struct log_message){ strdup(text), is_error };
    if (log->back && pane.w)
        log->back += count_lines(text, pane.w);
}

void log_release(struct log *log)
{
    for (size_t i = 0; i < MAX_LOG; i++)
        free(log->messages[i].text);
    *log = (struct log){ 0 };
}

const struct log_message *log_message_at(const struct log *log, size_t i)
{
    size_t n = log->n < MAX_LOG ? log->n : MAX_LOG;
    const struct log_message *m = i < n ? &log->messages[(log->n - 1 - i) % MAX_LOG] : NULL;
    return m && m->text ? m : NULL;
}

bool log_part_at(const struct log *log, uint32_t width, size_t i, struct log_part *out)
{
    const struct log_message *m;
    for (size_t k = 0; width && (m = log_message_at(log, k)); k++) {
        size_t n = count_lines(m->text, width);
        if (i >= n) {
            i -= n;
            continue;
        }
        size_t line = n - 1 - i;
        *out = (struct log_part){ .indent = indent_of(line, width), .is_error = m->is_error };
        out->text = find_line(m->text, width, line, &out->len);
        return true;
    }
    return false;
}

size_t log_back_limit(const struct log *log, struct rect pane)
{
    size_t total = 0;
    const struct log_message *m;
    for (size_t k = 0; pane.w && (m = log_message_at(log, k)); k++)
        total += count_lines(m->text, pane.w);
    return total > pane.h ? total - pane.h : 0;
}
