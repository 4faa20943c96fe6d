#include "ui/sort.h"

#include <math.h>
#include <stdlib.h>

const char *sort_name(enum sort sort)
{
    static const char *const names[N_SORTS] = { [SORT_EFFECT] = "largest effect",
                                                [SORT_DELTA] = "most negative",
                                                [SORT_HEAD] = "layer, head" };
    return names[sort];
}

struct entry {
    double key;
    uint32_t at;
};

// What is no number comes last.
static double key_of(double mean, enum sort sort)
{
    if (sort == SORT_HEAD)
        return 0;
    if (isnan(mean))
        return INFINITY;
    return sort == SORT_EFFECT ? -fabs(mean) : mean;
}

static int smallest_first(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->key < y->key || x->key > y->key)
        return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

bool sort_heads(const struct snapshot *p, enum sort sort, uint32_t *order, size_t *n)
{
    size_t n_cells = (size_t)p->n_layers * p->n_heads, n_measured = 0;
    struct entry *entries = malloc((n_cells ? n_cells : 1) * sizeof *entries);
    *n = 0;
    if (!entries)
        return false;
    for (size_t i = 0; i < n_cells; i++)
        if (cell_is_measured(p->states[i]))
            entries[n_measured++] = (struct entry){ key_of(p->cells[i].mean, sort), (uint32_t)i };
    qsort(entries, n_measured, sizeof *entries, smallest_first);
    for (; *n < n_measured; ++*n)
        order[*n] = entries[*n].at;
    free(entries);
    return true;
}
