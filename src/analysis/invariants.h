// What is among the largest effects of several runs at once.
#ifndef ABL_ANALYSIS_INVARIANTS_H
#define ABL_ANALYSIS_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACE_KEYS = 6, INVARIANT_TOP = 10 };

// What an effect is of, as a table of its run names it.
struct place {
    const char *keys[PLACE_KEYS]; // NULL ends, where there are fewer
    const char *text;             // of its delta, as in the file
    double delta;
};

// Of one condition under one kind of ablation: the first places, in order.
struct places {
    struct place items[INVARIANT_TOP];
    size_t n;
};

// Which places come first: the largest |delta|, or the highest.
enum place_order { BY_SIZE, BY_VALUE };

// The INVARIANT_TOP first of n places, ties in the order of their keys. Reorders them.
void places_keep_top(struct place *all, size_t n, enum place_order order, struct places *out);

// One place for those of the same keys, with the mean of their deltas; its text is that of one of
// them. Reorders them.
void places_average(struct place *all, size_t *n);

// The place of the same keys; NULL where there is none.
const struct place *places_find(const struct places *list, const struct place *p);

// Whether the place is in all of n lists; *one_sign: with a delta of its sign.
bool place_is_everywhere(const struct place *p, const struct places *lists, size_t n,
                         bool *one_sign);

#endif
