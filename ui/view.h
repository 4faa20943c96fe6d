// Drawing: a pure function of the state to a grid, without curses, clock or allocation.
#ifndef ABL_UI_VIEW_H
#define ABL_UI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/grid.h"
#include "ui/state.h"

// Draw the whole screen; the grid has the state's width and height.
void view_draw(const struct state *s, struct grid *g);

// The head whose cell of the heatmap lies at column x of line y.
bool view_hit(const struct state *s, uint32_t x, uint32_t y, struct head *out);

// The pane that stands at column x of line y; false where there is none.
bool view_pane_at(const struct state *s, uint32_t x, uint32_t y, enum pane *out);

#endif
