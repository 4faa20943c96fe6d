// A hand-made state of the explorer, for tests that draw it.
#ifndef ABL_TESTS_SCREEN_H
#define ABL_TESTS_SCREEN_H

#include <stdint.h>

#include "ui/grid.h"
#include "ui/state.h"

// A state of width x height cells with a finished sweep over n_layers x n_heads; effects follow a
// formula, so that the same call gives the same screen everywhere. Owned: state_free.
struct state *screen_state(uint32_t width, uint32_t height, uint32_t n_layers, uint32_t n_heads);

// Draw the state and return its characters, a line each; free it.
char *screen_text(const struct state *s);

#endif
