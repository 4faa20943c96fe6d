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
enum { MAX_DONORS = 60 };
enum donor_map {
    DONOR_MAP_SELF,      // the row itself
    DONOR_MAP_OTHER,     // its other prompt
    DONOR_MAP_RESAMPLED, // a random row, and up to MAX_DONORS such maps
    N_DONOR_MAPS = DONOR_MAP_RESAMPLED + MAX_DONORS,
};

// Which rows give to a row that is resampled; never the row itself.
enum donor_from { FROM_OTHER_TARGET, FROM_SAME_TEMPLATE, FROM_ANY };

// "other-target", "same-template", "any"; a name_list.
const char *donor_from_name(size_t from);

// How rows are resampled.
struct donor_draw {
    uint64_t seed;
    enum donor_from from;
    uint32_t n; // donors for each row, 1 to MAX_DONORS
};

struct donors {
    const struct prompt *prompts; // the run's own, then the other prompt of each row that has one
    size_t n;
    // For each of the run's prompts a number of `prompts`. NULL: DONOR_MAP_OTHER where some row has
    // no other prompt, those from DONOR_MAP_RESAMPLED on where nobody may give to some row, and
    // behind the last donor. Resampled ones are numbers of the run's own.
    const uint32_t *maps[N_DONOR_MAPS];
    uint32_t without_other; // line of the first row without
    enum donor_from from;   // who was drawn
    uint32_t alone;         // line of the first row that nobody may give to
};

// Everything lies in the arena. A row's donors are drawn uniformly, each once before one comes
// again.
bool donors_make(const struct prompts *p, struct donor_draw draw, struct arena *a,
                 struct donors *out, struct abl_err *err);

// Make every row's corrupt prompt the one that is run, and its clean one the other. Rows without a
// corrupt prompt are refused (ABL_BAD_DATA).
bool donors_swap(struct prompts *p, struct abl_err *err);

// Refuse what a run without the other prompts (resampled ones) cannot do: false with ABL_BAD_DATA,
// naming the option.
bool donors_need_other(const struct donors *d, const char *option, struct abl_err *err);
bool donors_need_resampled(const struct donors *d, const char *option, struct abl_err *err);

#endif
