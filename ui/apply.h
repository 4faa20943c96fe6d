// What an action does to the state.
#ifndef ABL_UI_APPLY_H
#define ABL_UI_APPLY_H

#include <stdint.h>

#include "ui/action.h"
#include "ui/state.h"

// Returns enum action_effect flags.
unsigned apply_action(struct state *s, enum action action, uint32_t arg);

#endif
