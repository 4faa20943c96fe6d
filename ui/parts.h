// The parts that view.c puts together, a file each, and what they share.
#ifndef ABL_UI_PARTS_H
#define ABL_UI_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/grid.h"
#include "ui/state.h"

void draw_header(struct grid *g, struct rect r, const struct state *s);
void draw_progress(struct grid *g, struct rect r, const struct state *s);
void draw_footer(struct grid *g, struct rect r, const struct state *s);
void draw_impact(struct grid *g, struct rect r, const struct state *s);
void draw_head(struct grid *g, struct rect r, const struct state *s);
void draw_rank(struct grid *g, struct rect r, const struct state *s);
void draw_list(struct grid *g, struct rect r, const struct state *s);
void draw_ov(struct grid *g, struct rect r, const struct state *s);
void draw_attn(struct grid *g, struct rect r, const struct state *s);
void draw_rows(struct grid *g, struct rect r, const struct state *s);
void draw_compare(struct grid *g, struct rect r, const struct state *s);
void draw_log(struct grid *g, struct rect r, const struct state *s);
void draw_overlay(struct grid *g, struct rect screen, const struct state *s);

// What stands in the place of the heatmap while there is none: what is awaited, or why it will not
// come.
void draw_no_grid(struct grid *g, struct rect r, const struct state *s);

// Head at a place of the screen, r as given to draw_impact.
bool impact_hit(struct rect r, const struct state *s, uint32_t x, uint32_t y, struct head *out);

// Colours of words that read on dark and on light backgrounds; the rest is the terminal's own.
struct style style_plain(void);
struct style style_dim(void);
struct style style_bold(void);
struct style style_accent(void);
struct style style_warn(void);

enum { NUMBER_SIZE = 32 };

// A signed number of at most `width` columns (4 or more) with as many decimals as numbers up to
// `largest` leave room for, so that a table of them lines up: "+1.23", "-.045". What these decimals
// would round to zero is "-.02" or, where that does not help either, "≈0" beside much larger
// numbers and "+2e-5" beside others; only an exact zero shows as one, without a sign. Not finite:
// "·".
void format_signed(double value, double largest, uint32_t width, char out[NUMBER_SIZE]);

// A number by itself with two to five digits that count, signed: "+1.234", "-12.34", "+2.1e-5";
// "0"; not finite: "·".
void format_number(double value, char out[NUMBER_SIZE]);

// "[-0.123, +0.045]", "[+2e-5, +.0123]"; "[·]" where there is no interval.
void format_interval(const struct estimate *e, char out[2 * NUMBER_SIZE]);

// A probability: "0.0123", "<0.001", "·".
void format_probability(double p, char out[NUMBER_SIZE]);

// "Δ ld" for effects; kl and flip compare with the intact run by themselves and have no Δ.
const char *metric_effect_name(enum metric m, char *out, size_t size);

// A horizontal bar of at most `width` columns in eighths; fraction is cut to 0..1.
void draw_bar(struct grid *g, struct rect r, uint32_t x, uint32_t y, uint32_t width,
              double fraction, struct style style);

#endif
