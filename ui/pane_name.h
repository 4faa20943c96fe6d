// What the panes are called.
#ifndef ABL_UI_PANE_NAME_H
#define ABL_UI_PANE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/layout.h"

// "impact", and what it shows in a line.
const char *pane_name(enum pane pane);
const char *pane_about(enum pane pane);

// The pane of that name; false where there is none.
bool pane_find(const char *name, enum pane *out);

// Whether it has a digit as its key: its place in the enumeration and one.
bool pane_is_numbered(enum pane pane);

// "1 impact", or the name alone where the pane has no number.
void pane_label(enum pane pane, char *out, size_t size);

#endif
