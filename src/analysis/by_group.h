// Effects by group of rows (--by): each group's own, whether groups differ, and what the whole is
// without each.
#ifndef ABL_ANALYSIS_BY_GROUP_H
#define ABL_ANALYSIS_BY_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "session/measured_rows.h"
#include "session/session.h"
#include "stats/group_means.h"
#include "stats/metrics.h"

// Within a group the run's clusters are the units; where each group is one cluster, as templates
// are by template, its distinct prompts are, and what is said holds for these groups only.
struct row_groups {
    struct grouping *grouping; // of all rows; NULL: rows have no groups
    uint32_t n_groups, n_units;
    uint32_t *group, *unit; // (rows) of each
    double alpha;
    bool of_prompts; // units are prompts
    double *column;  // (rows)
    double *room;    // (units)
};

// Without --by it is empty. Owned: row_groups_release.
bool row_groups_make(const struct prompts *p, double alpha, struct row_groups *out,
                     struct abl_err *err);
void row_groups_release(struct row_groups *g);

// The paired delta of a finished variant, over the rows that it tells something of. means:
// (n_groups). Not from two threads at once.
bool row_groups_means(struct row_groups *g, const struct measured_rows *measured,
                      const struct results *results, size_t variant, enum metric m,
                      struct group_mean *means, struct heterogeneity *out, struct abl_err *err);

struct by_group {
    struct row_groups rows;
    struct group_mean *means; // (n_groups) room for whoever shows a variant
    // (n_variants) by variant, q over those of a role and a kind of ablation; NaN where it is not
    // finished, or was not chosen by anyone: controls and shams
    struct heterogeneity *found[N_METRICS];
};

// Of the finished variants; empty without --by. Owned: by_group_release.
bool by_group_make(const struct measured_rows *measured, const struct results *results,
                   struct by_group *out, struct abl_err *err);
void by_group_release(struct by_group *g);

// Fill q of each of n, whose p may be missing.
bool heterogeneity_correct(struct heterogeneity *const *found, size_t n, struct abl_err *err);

// Whether a variant is shown by group.
bool by_group_has(const struct results *results, size_t variant);

#endif
