#include "ui/marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool same_head(struct head a, struct head b)
{
    return a.layer == b.layer && a.head == b.head;
}

// Where a head is or would be.
static size_t place_of(const struct marks *m, struct head h)
{
    size_t at = 0;
    while (at < m->n
           && (m->items[at].layer < h.layer
               || (m->items[at].layer == h.layer && m->items[at].head < h.head)))
        at++;
    return at;
}

bool marks_has(const struct marks *m, struct head h)
{
    size_t at = place_of(m, h);
    return at < m->n && same_head(m->items[at], h);
}

bool marks_same(const struct marks *a, const struct marks *b)
{
    bool same = a->n == b->n && a->keep_only == b->keep_only;
    for (size_t i = 0; same && i < a->n; i++)
        same = same_head(a->items[i], b->items[i]);
    return same;
}

bool marks_are_set(const struct marks *m)
{
    return m->n > (m->keep_only ? 0 : 1);
}

bool marks_toggle(struct marks *m, struct head h)
{
    size_t at = place_of(m, h);
    if (marks_has(m, h)) {
        memmove(m->items + at, m->items + at + 1, (--m->n - at) * sizeof *m->items);
        return true;
    }
    if (m->n == MAX_MARKS)
        return false;
    memmove(m->items + at + 1, m->items + at, (m->n++ - at) * sizeof *m->items);
    m->items[at] = h;
    return true;
}

bool marks_cut(struct marks *m, uint32_t n_layers, uint32_t n_heads)
{
    size_t n = 0, before = m->n;
    for (size_t i = 0; i < before; i++)
        if (m->items[i].layer < n_layers && m->items[i].head < n_heads)
            m->items[n++] = m->items[i];
    m->n = n;
    return n != before;
}

bool marks_text(const struct marks *m, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < m->n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%" PRIu32 ":%" PRIu32, i ? "+" : "",
                                m->items[i].layer, m->items[i].head);
    return m->n > 1 && len < size;
}
