// The log folded to the width of its pane: what scrolls and what is drawn are the same lines.
#ifndef ABL_UI_LOG_H
#define ABL_UI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/state.h"

// A line on the screen: a whole message or a part of one.
struct log_part {
    const char *text; // not terminated; borrowed
    size_t len;
    uint32_t indent; // columns: 0 where the message begins
    bool is_error;
};

// i = 0 is the last line of the newest message, width in columns. False past the oldest.
bool log_part_at(const struct state *s, uint32_t width, size_t i, struct log_part *out);

// How far the log can be scrolled back in the pane that the state shows.
size_t log_back_limit(const struct state *s);

// Lines that a message takes in that pane; 0 where it is not on the screen.
size_t log_lines_of(const struct state *s, const char *text);

#endif
