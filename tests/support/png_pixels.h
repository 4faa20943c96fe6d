// Pictures as their readers see them.
#ifndef ABL_TESTS_SUPPORT_PNG_PIXELS_H
#define ABL_TESTS_SUPPORT_PNG_PIXELS_H

#include <stddef.h>

#include "base/buf.h"
#include "report/palette.h"

// How many pixels of a PNG have exactly this colour; the test fails where it is no PNG.
size_t png_pixels(const struct buf *png, struct rgb colour);

#endif
