// What the terminfo database says about terminals that are not open yet.
#ifndef ABL_UI_TERMINFO_H
#define ABL_UI_TERMINFO_H

#include <stdbool.h>

// Terminals that show any colour mostly run under a name that knows 256. To redefine these instead
// of asking for an entry with direct ones would change the user's palette, which only a reset to
// the terminal's defaults brings back, and a terminal that ignores it says nothing: its heatmap
// would show wrong effects.
struct terminfo_says {
    bool known;    // there is an entry of that name
    bool promises; // it says that any colour is shown (RGB, Tc)
    bool direct;   // and its colours are red, green and blue themselves
};

struct terminfo_says terminfo_look_up(const char *name);

#endif
