// What `y` takes along: the cell, row or prompt that is selected.
#ifndef ABL_UI_COPIED_H
#define ABL_UI_COPIED_H

#include "base/buf.h"
#include "ui/state.h"

// Append it as text, tabs between the values of a head: layer, head, effect, interval, q. Nothing
// where nothing is selected.
void copied_text(const struct state *s, struct buf *out);

#endif
