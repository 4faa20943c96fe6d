// Variants that do the same up to some layer: they share their state until they part.
#ifndef ABL_PLAN_SHARED_START_H
#define ABL_PLAN_SHARED_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/memory_budget.h"
#include "plan/variant.h"

// First layer in which the two change different things; NO_LAYER where they change the same.
uint32_t shared_until(const struct variant *a, const struct variant *b);

// Order variants so that those that agree longest are neighbours; by number where nothing else
// tells them apart. False without memory.
bool shared_sort(const struct variants *v, size_t *numbers, size_t n);

// Variants on their way together. Neighbours that have agreed so far are one copy of the rows,
// which parts where they do.
struct shared_copies {
    const struct variant *variants[MAX_COPIES]; // borrowed
    uint32_t until[MAX_COPIES]; // where each parts from the one before; 0 for the first
    uint32_t n;
    const struct variant *copies[MAX_COPIES]; // the first of each copy's variants
    uint32_t n_copies;
    uint32_t layer; // copies are for this layer
};

// Another variant, which parts from the last no later than `until`.
void shared_copies_add(struct shared_copies *c, const struct variant *v, uint32_t until);

// Make the copies that a layer needs, not before those of an earlier one. from: (n_copies) the copy
// of the layer before that each begins as.
void shared_copies_part(struct shared_copies *c, uint32_t layer, uint32_t *from);

#endif
