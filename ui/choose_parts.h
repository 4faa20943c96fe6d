// What choose.c and choose_marks.c share; nobody else includes it.
#ifndef ABL_UI_CHOOSE_PARTS_H
#define ABL_UI_CHOOSE_PARTS_H

#include "ui/state.h"

// Keep marks and ablation as they are, for undo; the oldest entry makes room.
void choose_remember(struct state *s);

#endif
