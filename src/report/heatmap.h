// The layer x head heatmap as a figure, or layer x position: one drawing, as SVG and as PNG.
#ifndef ABL_REPORT_HEATMAP_H
#define ABL_REPORT_HEATMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "analysis/verdict.h"

struct heatmap {
    const char *title, *subtitle;  // one line each, UTF-8
    const char *quantity;          // what the colours mean: "Δ ld (logits)"
    uint32_t n_layers, n_heads;    // both > 0
    const struct estimate *cells;  // (n_layers, n_heads); n = 0: not run
    struct verdict_bar bar;        // cells that reach it are framed
    const struct estimate *judged; // (n_layers, n_heads) what the bar is for; NULL: cells
    // Of a map of positions, else NULL: what stands beside and below the cells in place of numbers,
    // and a second line below.
    const char *const *rows, *const *columns, *const *below;
};

// Append the figure's bytes to out. The same heatmap gives the same bytes.
bool heatmap_svg(const struct heatmap *m, struct buf *out, struct abl_err *err);
bool heatmap_png(const struct heatmap *m, struct buf *out, struct abl_err *err);

#endif
