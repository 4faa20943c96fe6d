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

#endif
