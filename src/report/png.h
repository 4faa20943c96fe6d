// A drawing as PNG.
#ifndef ABL_REPORT_PNG_H
#define ABL_REPORT_PNG_H

#include <stdbool.h>

#include <cairo.h>

#include "base/buf.h"
#include "base/err.h"

// Add an image surface of format RGB24 to out, as a PNG file. cairo writes these too, but tries
// every filter on every line, which takes four times as long for a sixth fewer bytes.
bool png_write(cairo_surface_t *surface, struct buf *out, struct abl_err *err);

#endif
