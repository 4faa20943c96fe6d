// The marked heads, which are ablated jointly, or are all that is not.
#ifndef ABL_UI_MARKS_H
#define ABL_UI_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/variant.h"

enum { MAX_MARKS = 256 };

// In ascending order.
struct marks {
    struct head items[MAX_MARKS];
    size_t n;
    bool keep_only; // they are kept, and all others ablated
};

bool marks_has(const struct marks *m, struct head h);
bool marks_same(const struct marks *a, const struct marks *b);

// Whether there is an effect to measure: of two heads at once, or of all but the kept ones.
bool marks_are_set(const struct marks *m);

// Mark a head, or take its mark away. False, and nothing changed, where there is no room.
bool marks_toggle(struct marks *m, struct head h);

// Drop those that a model of this many layers and heads does not have; true if there were any.
bool marks_cut(struct marks *m, uint32_t n_layers, uint32_t n_heads);

// As --sets has them; false where there are fewer than two or they do not fit.
bool marks_text(const struct marks *m, char *out, size_t size);

#endif
