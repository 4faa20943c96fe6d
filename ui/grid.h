// A screen of character cells: the views draw it; the terminal, screenshots and tests show it.
#ifndef ABL_UI_GRID_H
#define ABL_UI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "report/palette.h"
#include "ui/layout.h"

// A colour, or the terminal's own when not set.
struct color {
    bool set;
    struct rgb rgb;
};

enum style_flags {
    STYLE_BOLD = 1 << 0,
    STYLE_DIM = 1 << 1,
    STYLE_REVERSE = 1 << 2,
    STYLE_UNDERLINE = 1 << 3,
};

struct style {
    struct color fg, bg;
    unsigned flags; // enum style_flags
};

enum { CELL_MARKS = 2 };

// One column of one line. A character two columns wide is followed by a cell with character 0.
struct cell {
    uint32_t character;
    uint32_t marks[CELL_MARKS]; // without columns of their own, on the character; 0: none
    struct style style;
};

// The longest text of a cell: its character, its marks and a NUL.
enum { CELL_BYTES = 4 * (1 + CELL_MARKS) + 1 };

struct grid {
    uint32_t width, height;
    struct cell *cells;          // (height, width)
    uint32_t cursor_x, cursor_y; // where the terminal's cursor goes: the focused element
    bool has_cursor;
};

// Blank cells of the given size; the struct may hold an older grid. Owned: grid_release.
bool grid_init(struct grid *g, uint32_t width, uint32_t height, struct abl_err *err);
void grid_release(struct grid *g);
void grid_clear(struct grid *g);

struct cell *grid_at(const struct grid *g, uint32_t x, uint32_t y);
bool cell_equal(const struct cell *a, const struct cell *b);

// What a cell shows, as UTF-8; returns its length, 0 for the second column of a wide character.
size_t cell_print(const struct cell *c, char out[CELL_BYTES]);

// Put one character; outside the grid it is dropped. One that is not shown as itself
// (base/printable.h) becomes '?'.
void grid_put(struct grid *g, uint32_t x, uint32_t y, uint32_t character, struct style style);

// Write UTF-8 text at column x of line y of rectangle r (both counted from its corner) and return
// the columns taken. Text that does not fit ends in "…". It shows in the form of base/printable.h;
// marks stand on the character before them.
uint32_t grid_text(struct grid *g, struct rect r, uint32_t x, uint32_t y, struct style style,
                   const char *text);
uint32_t grid_printf(struct grid *g, struct rect r, uint32_t x, uint32_t y, struct style style,
                     const char *format, ...) __attribute__((format(printf, 6, 7)));

// Fill a rectangle.
void grid_fill(struct grid *g, struct rect r, uint32_t character, struct style style);

// A horizontal bar of at most `width` columns in eighths; fraction is cut to 0..1.
void grid_bar(struct grid *g, struct rect r, uint32_t x, uint32_t y, uint32_t width,
              double fraction, struct style style);

// Append the characters, a line each, blanks at line ends kept.
void grid_dump(const struct grid *g, struct buf *out);

#endif
