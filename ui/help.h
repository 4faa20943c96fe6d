// The lines of help: the keys that do something now, then the commands.
// Drawing and scrolling walk the same list.
#ifndef ABL_UI_HELP_H
#define ABL_UI_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/state.h"

struct help_line {
    char keys[64]; // "↑ k", ":export DIR"
    const char *text;
};

// Line i; false past the last.
bool help_line_at(const struct state *s, size_t i, struct help_line *out);

// How many lines the box of help shows, in `columns` columns one after the other.
size_t help_shown(const struct state *s, uint32_t *columns);

// The largest number of lines that help can be scrolled by.
size_t help_scroll_limit(const struct state *s);

#endif
