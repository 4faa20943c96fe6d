// What the terminfo database says about terminals that are not open yet.
#ifndef ABL_UI_TERMINFO_H
#define ABL_UI_TERMINFO_H

#include <stddef.h>

// Terminals that show any colour mostly run under a name that knows 256. Where there is an entry of
// the same family with direct colours, its name, kept in `name`; NULL = use what TERM says.
//
// To redefine the 256 colours instead would change the user's palette, which only a reset to the
// terminal's defaults brings back, and a terminal that ignores it says nothing: its heatmap would
// show wrong effects.
const char *terminfo_direct_entry(char *name, size_t size);

#endif
