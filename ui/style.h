// The few styles that words have: they read on dark and on light backgrounds.
#ifndef ABL_UI_STYLE_H
#define ABL_UI_STYLE_H

#include "ui/grid.h"

// In the terminal's own colours.
struct style style_plain(void);
struct style style_dim(void);
struct style style_bold(void);

// In colours of ours.
struct style style_accent(void);
struct style style_warn(void);

// A cell of an effect, -1 to 1 of its scale; look: enum look.
struct style style_effect(double t, unsigned look);

#endif
