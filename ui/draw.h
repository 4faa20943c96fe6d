// The parts of the screen that view.c puts together, each drawn by a view_*.c of its own.
#ifndef ABL_UI_DRAW_H
#define ABL_UI_DRAW_H

#include "ui/grid.h"
#include "ui/state.h"

// Every part is drawn into its rectangle r, and is a function of the state alone.
void draw_header(struct grid *g, struct rect r, const struct state *s);
void draw_progress(struct grid *g, struct rect r, const struct state *s);
void draw_footer(struct grid *g, struct rect r, const struct state *s);
void draw_impact(struct grid *g, struct rect r, const struct state *s);
void draw_map(struct grid *g, struct rect r, const struct state *s); // state_map_item is there
void draw_head(struct grid *g, struct rect r, const struct state *s);
void draw_rank(struct grid *g, struct rect r, const struct state *s);
void draw_list(struct grid *g, struct rect r, const struct state *s);
void draw_ov(struct grid *g, struct rect r, const struct state *s);
void draw_attn(struct grid *g, struct rect r, const struct state *s);
void draw_rows(struct grid *g, struct rect r, const struct state *s);
void draw_compare(struct grid *g, struct rect r, const struct state *s);
void draw_say(struct grid *g, struct rect r, const struct state *s);
void draw_log(struct grid *g, struct rect r, const struct state *s);
// Groups of rows that the selected head's effect is drawn by, from s->scroll on.
void draw_forest(struct grid *g, struct rect r, const struct state *s);
void draw_overlay(struct grid *g, struct rect screen, const struct state *s);

// What stands in the place of the heatmap while there is none: what is awaited,
// or why it will not come.
void draw_no_grid(struct grid *g, struct rect r, const struct state *s);

#endif
