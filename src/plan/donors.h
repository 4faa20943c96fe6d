// Whom a run's edits may take activations from, and who takes from whom.
#ifndef ABL_PLAN_DONORS_H
#define ABL_PLAN_DONORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/prompts.h"

// Who gives to a row, as edits name it.
enum donor_map {
    DONOR_MAP_SELF,      // the row itself
    DONOR_MAP_OTHER,     // its other prompt
    DONOR_MAP_RESAMPLED, // a random row with another target
    N_DONOR_MAPS,
};

struct donors {
    const struct prompt *prompts; // the run's own, then the other prompt of each row that has one
    size_t n;
    // For each of the run's prompts a number of `prompts`. NULL: DONOR_MAP_OTHER where some row has
    // no other prompt, DONOR_MAP_RESAMPLED where all targets are one.
    const uint32_t *maps[N_DONOR_MAPS];
    uint32_t without_other; // line of the first row without
};

// Everything lies in the arena. resampled is drawn by the seed.
bool donors_make(const struct prompts *p, uint64_t seed, struct arena *a, struct donors *out,
                 struct abl_err *err);

// Make every row's corrupt prompt the one that is run, and its clean one the other. Rows without a
// corrupt prompt are refused (ABL_BAD_DATA).
bool donors_swap(struct prompts *p, struct abl_err *err);

// Refuse what a run without the other prompts (resampled ones) cannot do: false with ABL_BAD_DATA,
// naming the option.
bool donors_need_other(const struct donors *d, const char *option, struct abl_err *err);
bool donors_need_resampled(const struct donors *d, const char *option, struct abl_err *err);

#endif
