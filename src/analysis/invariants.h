// What is among the largest effects of several runs at once.
#ifndef ABL_ANALYSIS_INVARIANTS_H
#define ABL_ANALYSIS_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACE_KEYS = 5, INVARIANT_TOP = 10 };

// What an effect is of, as a table of its run names it.
struct place {
    const char *keys[PLACE_KEYS]; // NULL ends, where there are fewer
    const char *text;             // of its delta, as in the file
    double delta;
};

// Of one run: the places with the largest |delta|, in order.
struct places {
    struct place items[INVARIANT_TOP];
    size_t n;
};

// The INVARIANT_TOP largest of n places, ties in the order of their keys. Reorders them.
void places_keep_top(struct place *all, size_t n, struct places *out);

// The place of the same keys; NULL where there is none.
const struct place *places_find(const struct places *list, const struct place *p);

// Whether the place is in all of n lists; *one_sign: with a delta of its sign.
bool place_is_everywhere(const struct place *p, const struct places *lists, size_t n,
                         bool *one_sign);

#endif
