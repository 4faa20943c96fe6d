// Places in a model by number: layers, heads, sets of heads, positions.
#ifndef ABL_PLAN_PLACE_H
#define ABL_PLAN_PLACE_H

#include <stddef.h>
#include <stdint.h>

// Macros where an enumerator would have to fit an int (C17 6.7.2.2).
#define ALL_HEADS UINT32_MAX
#define NO_LAYER UINT32_MAX
enum { ALL_POSITIONS = INT32_MAX };
#define ALL_TOKENS UINT32_MAX // of a prompt, counted from its end

struct head {
    uint32_t layer, head;
};

// A set of heads in ascending order, without repeats.
struct head_set {
    struct head *heads;
    size_t n;
};

#endif
