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

// One column of one line. A character two columns wide is followed by a cell with character 0.
struct cell {
    uint32_t character;
    struct style style;
};

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

// Put one character; outside the grid it is dropped.
void grid_put(struct grid *g, uint32_t x, uint32_t y, uint32_t character, struct style style);

// Write UTF-8 text at column x of line y of rectangle r (both counted from its corner) and return
// the columns taken. Text that does not fit ends in "…". Control characters and bytes that are no
// UTF-8 show as '?'; characters without width are left out.
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
