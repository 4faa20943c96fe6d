#include "ui/copied.h"

#include <inttypes.h>

static void copy_head(const struct state *s, struct buf *out)
{
    const struct snapshot *p = state_shows_difference(s) ? s->difference : s->snap;
    size_t at = snapshot_at(p, s->cursor);
    const struct estimate *e = &p->cells[at];
    if (cell_is_measured(p->states[at]))
        buf_printf(out, "%" PRIu32 "\t%" PRIu32 "\t%.9g\t%.9g\t%.9g\t%.9g", s->cursor.layer,
                   s->cursor.head, e->mean, e->ci_lo, e->ci_hi, e->q);
}

void copied_text(const struct state *s, struct buf *out)
{
    const struct detail_row *row = state_row(s);
    if (!state_has_grid(s))
        return;
    if ((s->focus == PANE_ROWS || s->focus == PANE_ATTN) && row)
        buf_str(out, row->prompt);
    else if (s->focus == PANE_LIST && s->item < s->snap->n_items)
        buf_printf(out, "%s\t%.9g", s->snap->items[s->item].label,
                   s->snap->items[s->item].delta.mean);
    else
        copy_head(s, out);
}
