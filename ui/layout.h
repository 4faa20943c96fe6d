// From the size of the screen and of the model to the place of every pane.
#ifndef ABL_UI_LAYOUT_H
#define ABL_UI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/heat_form.h"

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
    PANE_SAY,
    N_PANES,
};

enum { MIN_WIDTH = 80, MIN_HEIGHT = 24 };

// What the places follow from.
struct layout_ask {
    uint32_t width, height;
    uint32_t n_layers, n_heads; // of the heatmap; 0: not known yet
    bool plain;                 // as of heat_form_choose
    struct heat_size patches;   // what a map in its place takes; 0: there is none
    const enum pane *recent;    // (N_PANES) every pane but the heatmap, the last used first
    enum pane zoomed;           // has the panes' place to itself; N_PANES: none
};

enum { MAX_DIVIDERS = 4 };

// Rectangles cover the screen, each cell once. The heatmap has the room that its heads need, up to
// what leaves a column for others; these stand below it and beside it, as many as there is room
// for, and the corner has the one without a place that was used last. A pane without a place is
// empty.
struct layout {
    bool too_small; // nothing else is filled in
    struct rect header, panes[N_PANES], progress, footer;
    struct rect dividers[MAX_DIVIDERS];
    size_t n_dividers;
    enum pane corner; // its title names those without a place, too
    struct rect tabs; // where: the title's line, and what else of it is free
};

struct layout layout_compute(const struct layout_ask *ask);

static inline bool layout_has(const struct layout *l, enum pane pane)
{
    return l->panes[pane].w;
}

// The part of a pane below its title line.
struct rect layout_body(struct rect pane);
// The same with a blank column before: where text stands.
struct rect layout_text(struct rect pane);

#endif
