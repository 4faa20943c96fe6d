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

// Whether COLORTERM (may be NULL) says that the terminal shows any colour.
bool depth_colorterm(const char *colorterm);

// The terminfo entry of the same family whose colours are red, green and blue themselves:
// "xterm-direct" for "xterm-256color". False where the name is too long.
bool depth_direct_entry(const char *term, char *out, size_t size);

// Whether a terminal of this name does what xterm does, whatever terminfo knows of it.
bool depth_is_like_xterm(const char *term);

#endif
