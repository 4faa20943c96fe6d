// The forms in which the heatmap shows its heads, and the room that each takes: numbers alone.
#ifndef ABL_UI_HEAT_FORM_H
#define ABL_UI_HEAT_FORM_H

#include <stdbool.h>
#include <stdint.h>

enum heat_mode { HEAT_NUMBERS, HEAT_DIGITS, HEAT_PACKED };

// The cursor's brackets take a column left of the number and one of the next cell; cells that are
// wide enough have both.
enum { HEAT_BRACKETED = 3, HEAT_FRAMED = 7 };

enum { HEAT_INTERVAL_H = 4 }; // a cell this high has its interval in the line below the number

enum { HEAT_TOP_W = 12 }; // columns of the largest effects as text, beside cells without numbers

struct heat_form {
    enum heat_mode mode;
    uint32_t cell_w, cell_h;
    uint32_t bars_w; // columns for the layers' bars, with a line of the heads' below; 0 = none
};

// The heads of a model.
struct heat_shape {
    uint32_t n_layers, n_heads;
};

struct heat_size {
    uint32_t w, h;
};

// Columns of a layer's or head's number, and of the layers' labels.
uint32_t heat_digits(uint32_t n);
uint32_t heat_label_w(uint32_t n_layers);

// The richest form that shows every head in a room below the pane's title; false where none does:
// then the form is one that shows a part. plain: without two layers in a line, which takes colours
// and Unicode.
bool heat_form_choose(struct heat_shape s, struct heat_size room, bool plain,
                      struct heat_form *out);

// What a form takes for every head, with the heads' numbers above and the legend below, and with
// the effects as text where cells have no numbers.
struct heat_size heat_form_size(const struct heat_form *f, struct heat_shape s);

#endif
