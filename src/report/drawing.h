// What figures are drawn with: letters, colours and lines that look the same in all of them, as SVG
// and as PNG.
#ifndef ABL_REPORT_DRAWING_H
#define ABL_REPORT_DRAWING_H

#include <stdbool.h>

#include <cairo.h>

#include "base/buf.h"
#include "base/err.h"
#include "report/number.h"
#include "report/palette.h"

// Points around a figure.
#define DRAWING_MARGIN 18.0
#define DRAWING_PAPER                                                                              \
    {                                                                                              \
        255, 255, 255                                                                              \
    }
#define DRAWING_INK                                                                                \
    {                                                                                              \
        28, 30, 34                                                                                 \
    }
#define DRAWING_GREY                                                                               \
    {                                                                                              \
        104, 108, 116                                                                              \
    }

enum weight_of_text { PLAIN, BOLD };
enum { SIGNED_SIZE = NUMBER_SIZE + 4 };

void drawing_colour(cairo_t *c, struct rgb colour);
void drawing_font(cairo_t *c, double size, enum weight_of_text weight);
double drawing_width(cairo_t *c, const char *text);

// Text at x, y with `anchor` of its width (0 left, 0.5 middle, 1 right) at x and the middle of its
// digits at y.
void drawing_text(cairo_t *c, double x, double y, double anchor, const char *text);

// One line of a figure so wide, which shrinks, and at last is cut by the edge, rather than widening
// it.
void drawing_line(cairo_t *c, double width, double y, double size, enum weight_of_text weight,
                  const char *text);

// "+0.12", "â0.12" with a real minus sign, "0.00".
void drawing_signed(double value, int decimals, char out[SIGNED_SIZE]);

// Something to measure letters with.
cairo_t *drawing_ruler(void);
void drawing_ruler_free(cairo_t *c);

struct drawing {
    double width, height; // in points
    void (*draw)(cairo_t *c, const void *what);
    const void *what;
};

// Append the figure's bytes to out. The same drawing gives the same bytes.
typedef bool drawing_writer(const struct drawing *d, struct buf *out, struct abl_err *err);
drawing_writer drawing_svg, drawing_png;

#endif
