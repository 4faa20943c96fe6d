// The terminal through ncursesw, which nothing else knows: a grid goes out, keys come in.
#ifndef ABL_UI_TERM_H
#define ABL_UI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ui/grid.h"
#include "ui/look.h"

struct term;

// Take the terminal over; what others write to standard error is held back from now on (drivers
// print). ABL_USAGE where there is no terminal to take: standard input or output is none, or TERM
// says that it is dumb. mouse: clicks and the wheel come as events.
bool term_open(enum color_when color, bool mouse, struct term **out, struct abl_err *err);
// Give it back as it was. Safe on NULL.
void term_close(struct term *t);

void term_size(const struct term *t, uint32_t *width, uint32_t *height);
unsigned term_look(const struct term *t); // enum look: what it cannot show, and whether it is dark

// A word on what the terminal was taken for; NULL where it is what TERM says.
const char *term_note(const struct term *t);

// Show the grid; only cells that differ from the last one are written. all: everything, as after
// noise on the screen.
void term_draw(struct term *t, const struct grid *g, bool all);

enum term_event { TERM_NONE, TERM_KEY, TERM_RESIZE, TERM_CLICK, TERM_WHEEL_UP, TERM_WHEEL_DOWN };

// Put a text into the clipboard of whoever sits before the terminal, as far as it is allowed to
// (OSC 52). False when memory is out.
bool term_copy(const struct term *t, const char *text, size_t len);

// What has arrived, without waiting. key: a code as keys.h has them; x, y: the cell clicked on.
enum term_event term_read(struct term *t, uint32_t *key, uint32_t *x, uint32_t *y);

// Descriptors to wait for: keys, and text that was written to standard error.
int term_input_fd(const struct term *t);
int term_stderr_fd(const struct term *t);

// Append what was written to standard error since the last call.
void term_take_stderr(struct term *t, struct buf *out);

#endif
