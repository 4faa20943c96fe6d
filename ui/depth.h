// From a colour to the nearest one that a terminal has.
#ifndef ABL_UI_DEPTH_H
#define ABL_UI_DEPTH_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/grid.h"

enum depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_DIRECT };

// The depth of a terminal that counts its colours, as terminfo does.
enum depth depth_of(int n_colors);

// The colour's number in such a terminal; -1 = its own.
int depth_color(enum depth depth, struct color c);

// The terminfo entry of the same family whose colours are red, green and blue themselves:
// "xterm-direct" for "xterm-256color". False where COLORTERM (may be NULL) does not promise that
// the terminal understands them.
bool depth_direct_entry(const char *term, const char *colorterm, char *out, size_t size);

#endif
