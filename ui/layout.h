// From the size of the screen to the place of every pane.
#ifndef ABL_UI_LAYOUT_H
#define ABL_UI_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct rect {
    uint32_t x, y, w, h;
};

enum pane {
    PANE_IMPACT,
    PANE_HEAD,
    PANE_RANK,
    PANE_LOG,
    PANE_LIST, // results that are no heads: sets, heads given back, patched places, parts
    PANE_OV,
    PANE_ATTN,
    PANE_ROWS,
    PANE_COMPARE,
    N_PANES,
};

enum { MIN_WIDTH = 80, MIN_HEIGHT = 24 };

// Rectangles cover the screen, each cell once. A pane without room is empty: small screens show one
// pane in the right column, the one that was used last; large ones have the heatmap, the head and
// the log, and another one in the corner.
struct layout {
    bool too_small; // nothing else is filled in
    struct rect header, panes[N_PANES], divider, progress, footer;
};

// side: the pane of the right column on a small screen, any but PANE_IMPACT.
struct layout layout_compute(uint32_t width, uint32_t height, enum pane side);

// The part of a pane below its title line.
struct rect layout_body(struct rect pane);
// The same with a blank column on either side: where text stands.
struct rect layout_text(struct rect pane);

#endif
