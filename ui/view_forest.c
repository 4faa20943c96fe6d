// The selected head's effect in each group of the rows:
//
//   capital-1     ──●━━┿━━━━        +0.259  [-0.221, +0.739]   4
//   capital-2   ━━━━●━━┿━━          -0.137  [-0.803, +0.529]   4
#include "ui/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ui/format.h"
#include "ui/style.h"
#include "ui/text.h"

enum { MEAN = 8, INTERVAL = 20, COUNT = 9, MOST_NAME = 24 };

// The values at the ends of the lines: all intervals, and 0.
struct axis {
    double lo, hi;
};

static struct axis span(const struct group_mean *means, uint32_t n, const struct estimate *all)
{
    struct axis a = { fmin(0, fmin(all->mean, all->ci_lo)), fmax(0, fmax(all->mean, all->ci_hi)) };
    for (uint32_t k = 0; k < n; k++) { // fmin and fmax pass over NaN
        a.lo = fmin(a.lo, fmin(means[k].mean, means[k].ci_lo));
        a.hi = fmax(a.hi, fmax(means[k].mean, means[k].ci_hi));
    }
    return a;
}

static uint32_t column_of(struct axis a, double value, uint32_t width)
{
    double at = a.hi > a.lo ? (value - a.lo) / (a.hi - a.lo) : 0.5;
    return (uint32_t)lround(at * (width - 1));
}

// A mean in its interval, over the line of 0; without an interval the mean alone.
static void draw_line(struct grid *g, struct rect r, struct axis a, double mean, double lo,
                      double hi)
{
    uint32_t zero = column_of(a, 0, r.w), at = column_of(a, mean, r.w);
    bool has = isfinite(lo) && isfinite(hi);
    uint32_t from = has ? column_of(a, lo, r.w) : at, to = has ? column_of(a, hi, r.w) : at;
    for (uint32_t x = 0; x < r.w; x++) {
        bool inside = x >= from && x <= to;
        uint32_t c = x == at ? 0x25CF : inside ? 0x2501 : x == zero ? 0x2502 : ' ';
        grid_put(g, r.x + x, r.y, c, inside ? style_accent() : style_dim());
    }
}

struct forest_line {
    const char *name;
    struct estimate estimate;
    uint32_t n_units;
};

static void draw_group(struct grid *g, struct rect r, struct axis a, uint32_t name_w,
                       const struct forest_line *l, struct style style)
{
    char number[FORMAT_SIZE], interval[2 * FORMAT_SIZE];
    uint32_t text = MEAN + INTERVAL + COUNT, left = name_w + 1;
    uint32_t width = r.w > left + text + 1 ? r.w - left - text - 1 : 1;
    grid_text(g, (struct rect){ r.x, r.y, name_w, 1 }, 0, 0, style, l->name);
    draw_line(g, (struct rect){ r.x + left, r.y, width, 1 }, a, l->estimate.mean, l->estimate.ci_lo,
              l->estimate.ci_hi);
    format_number(l->estimate.mean, number);
    format_interval(&l->estimate, interval);
    uint32_t x = left + width + 1;
    grid_printf(g, r, x, 0, style, "%*s", MEAN - 1, number);
    grid_text(g, r, x + MEAN, 0, style_dim(), interval);
    grid_printf(g, r, x + MEAN + INTERVAL, 0, style_dim(), "%4" PRIu32 "/%" PRIu32, l->estimate.n,
                l->n_units);
}

static void draw_heading(struct grid *g, struct rect r, const struct snapshot *p, size_t at,
                         struct head head)
{
    const struct heterogeneity *h = &p->forest.found[at];
    char text[FORMAT_SIZE], lo[FORMAT_SIZE], hi[FORMAT_SIZE], name[32];
    uint32_t x = grid_printf(g, r, 0, 0, style_bold(), "head %" PRIu32 ":%" PRIu32 "  %s by %s",
                             head.layer, head.head, format_effect(p->metric, name, sizeof name),
                             p->forest.by);
    if (p->forest.of_prompts)
        grid_text(g, r, x + 2, 0, style_warn(), "each over its prompts: for these groups only");
    format_probability(h->p, text);
    x = grid_printf(g, r, 0, 1, style_plain(), "groups differ: p %s", text);
    format_probability(h->q, text);
    x += grid_printf(g, r, x, 1, style_plain(), ", q/grid %s", text);
    format_number(h->without_lo, lo);
    format_number(h->without_hi, hi);
    grid_printf(g, r, x, 1, style_plain(), "; without each %s … %s", lo, hi);
}

// The groups from s->scroll on, and all rows behind the last.
void draw_forest(struct grid *g, struct rect r, const struct state *s)
{
    const struct snapshot *p = s->snap;
    size_t at = snapshot_at(p, s->cursor), shown = forest_shown(s), limit = forest_scroll_limit(s);
    size_t first = s->scroll < limit ? s->scroll : limit;
    const struct group_mean *means = p->forest.means + at * p->forest.n_groups;
    uint32_t name_w = 4, n = p->forest.n_groups;
    if (!n || p->states[at] != CELL_DONE) {
        grid_text(g, r, 0, 0, style_dim(), "this head is not measured yet");
        return;
    }
    for (uint32_t k = 0; k < n; k++)
        if (text_width(p->forest.names[k]) > name_w)
            name_w = text_width(p->forest.names[k]);
    name_w = name_w < MOST_NAME ? name_w : MOST_NAME;
    draw_heading(g, r, p, at, s->cursor);
    struct axis a = span(means, n, &p->cells[at]);
    for (size_t i = 0; i < shown && first + i <= n; i++) {
        size_t k = first + i;
        struct forest_line l = { "all", p->cells[at], p->cells[at].n_clusters };
        if (k < n)
            l = (struct forest_line){ p->forest.names[k],
                                      { .mean = means[k].mean,
                                        .ci_lo = means[k].ci_lo,
                                        .ci_hi = means[k].ci_hi,
                                        .n = means[k].n },
                                      means[k].n_units };
        draw_group(g, (struct rect){ r.x, r.y + FOREST_HEADING + (uint32_t)i, r.w, 1 }, a, name_w,
                   &l, k < n ? style_plain() : style_bold());
    }
}
