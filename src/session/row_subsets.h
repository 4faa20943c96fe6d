// Which rows an effect is a mean over: those that its variant can tell something of.
#ifndef ABL_SESSION_ROW_SUBSETS_H
#define ABL_SESSION_ROW_SUBSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/variant.h"
#include "stats/donor_shares.h"
#include "stats/stats.h"
#include "text/prompts.h"

// Rows that a subset leaves out. Without a flag it holds those in which the variant's edits act
// (edit_touches), under each of its donors; of a restored set those of its parent.
enum {
    ROWS_CHANGED = 1,   // those that take from a prompt that is the same where the edits act
    ROWS_DISCOVERY = 2, // those of clusters that are held out
    ROWS_HELDOUT = 4,   // the others
};

// Rows of a run, clusters numbered anew, with what resamples them. Borrowed.
struct row_subset {
    const size_t *at; // (n) numbers of rows, ascending; NULL: every row of the run
    size_t n;
    uint32_t n_clusters;
    const struct resampler *resampler;
    const struct donor_pairs *pairs; // NULL: nobody knows
};

// What subsets are made from; everything is borrowed and outlives them.
struct row_subsets_of {
    const struct prompts *prompts;
    const struct prompt *donors;       // what maps count, as in struct donors
    const uint32_t *const *donor_maps; // (N_DONOR_MAPS) for each prompt of the run its donor
    const bool *held_out;              // (n_clusters)
    const struct resampler *resampler; // of every row
    const struct donor_pairs *pairs;   // likewise
    uint32_t n_boot;
    uint64_t seed;
    double alpha;
};

// The subsets of a run, each made when it is first asked for. Several threads may ask.
struct row_subsets;

bool row_subsets_new(const struct row_subsets_of *of, struct row_subsets **out,
                     struct abl_err *err);
void row_subsets_free(struct row_subsets *s);

// The subset of a variant of a list. It lives as long as the subsets.
bool row_subsets_find(struct row_subsets *s, const struct variants *all, size_t variant,
                      unsigned flags, struct row_subset *out, struct abl_err *err);

#endif
