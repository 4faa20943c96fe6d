// Effects by group of the rows as a figure, a panel a variant: a forest plot.
#ifndef ABL_REPORT_FOREST_FIGURE_H
#define ABL_REPORT_FOREST_FIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "stats/stats.h"

enum { FOREST_PANELS = 3 };

struct forest_figure {
    const char *title, *subtitle;      // one line each, UTF-8
    const char *quantity;              // what the axes mean: "Δ ld (logits)"
    uint32_t n_panels, n_groups;       // at most FOREST_PANELS; both > 0
    const char *panels[FOREST_PANELS]; // what each is of: "0:2   p 0.003"
    const char *const *groups;         // (n_groups)
    // (n_panels, n_groups + 1) mean and interval, the last of all rows; others have none, or no
    // interval
    const struct estimate *cells;
};

// Append the figure's bytes to out. The same figure gives the same bytes.
bool forest_svg(const struct forest_figure *f, struct buf *out, struct abl_err *err);
bool forest_png(const struct forest_figure *f, struct buf *out, struct abl_err *err);

#endif
