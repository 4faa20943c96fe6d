// The savings of a plan: what a run need not multiply twice. Each can be left out,
// for tests and measurements.
#ifndef ABL_PLAN_SAVINGS_H
#define ABL_PLAN_SAVINGS_H

// Work that is not done twice, exactly. All are on; tests and the bench leave some out.
enum saving {
    SAVING_SHARED_ROWS = 1 << 0, // identical prompts and shared prefixes run once
    SAVING_CLEAN_START = 1 << 1, // a variant starts at the first layer that it changes
    SAVING_ATTENTION = 1 << 2, // and behind that layer's attention where it changes only z or later
    SAVING_LAST_LAYER = 1 << 3, // only read-out rows go through the last layer
    SAVING_POSITIONS = 1 << 4,  // what changes only the last tokens carries only their rows
    // behind what else of the layer it leaves as it is; z of a few heads counts behind W_O
    SAVING_LATE_START = 1 << 5,
    SAVING_AGREEMENT = 1 << 6, // variants that change the same up to a layer are one until there
    ALL_SAVINGS = (1 << 7) - 1,
};

#endif
