// Where things lie in the heatmap's pane, and in which form heads are shown there.
#ifndef ABL_UI_HEAT_H
#define ABL_UI_HEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/heat_form.h"
#include "ui/state.h"

// Places are counted from the corner of the pane's body.
struct heat {
    enum heat_mode mode;
    uint32_t label_w;
    uint32_t cell_w, cell_h;
    uint32_t first_layer, n_layers; // shown
    uint32_t first_head, n_heads;
    uint32_t rows;   // lines of the grid
    uint32_t bars_w; // columns for the layers' bars; 0 = none
    bool head_bars;  // a line of bars below
    int exponent;    // numbers are in units of ten to this; 0 unless all of them are small
    uint32_t top_x;  // column of the largest effects as text; 0 = none
};

// body: the pane below its title; its first line has the heads' numbers, its last one the legend.
// The richest form that shows every head, and where none does, the part around the cursor. The
// state has a grid.
struct heat heat_place(struct rect body, const struct state *s);

// Columns for a number: beside it are the mark and, in a frame, the frame.
uint32_t heat_number_room(const struct heat *h);

// The line of a cell that has the number, and of its row that has the labels.
uint32_t heat_number_line(uint32_t cell_h);

// The head at a place of the screen, where its cell is drawn.
bool heat_hit(struct rect body, const struct state *s, uint32_t x, uint32_t y, struct head *out);

#endif
