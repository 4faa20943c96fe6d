// Means by group of rows, and whether they differ: heterogeneity of an effect.
#ifndef ABL_STATS_GROUP_MEANS_H
#define ABL_STATS_GROUP_MEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// A group's own mean. NaN where it is not defined (n_units < 2: se, ci; the only group:
// without; no rows: all).
struct group_mean {
    double mean, se, ci_lo, ci_hi;
    double without; // mean over all rows but this group's
    uint32_t n, n_units;
};

struct heterogeneity {
    double p;                      // of all groups having one mean; NaN: too few to test
    double q;                      // over the grid; NaN until it is corrected
    double without_lo, without_hi; // the least and the largest `without`
};

// How rows fall into groups, and groups' rows into units that are taken as independent.
struct grouping;

// group[i] in 0..n_groups-1 and unit[i] in 0..n_units-1 for each of n rows; a unit's rows are all
// of one group. Groups and units may be without rows. alpha: 0.05 gives 95 % intervals.
bool grouping_new(const uint32_t *group, const uint32_t *unit, size_t n, uint32_t n_groups,
                  uint32_t n_units, double alpha, struct grouping **out, struct abl_err *err);
void grouping_free(struct grouping *g);

// From one value a row; room: (n_units) to work in, means: (n_groups).
//
// A group's mean is that of its rows, with a standard error that is robust to clusters,
//     se^2 = G / (G - 1) sum_u (sum of u's rows - mean · u's rows)^2 / rows^2,
// and an interval by Student's t with Kish's number of units less one as degrees of freedom.
// p compares the means as Brown & Forsythe (1974) do, with the degrees of freedom of Mehrotra
// (1997), which does not take groups for equally spread: Welch's test says "different" of sixteen
// groups of five equal ones twice as often as it should. Groups of one unit have no spread and are
// not compared; with fewer than 2 others, or LEAST_TESTED_CLUSTERS units, there is no p.
void group_means(const struct grouping *g, const double *values, double *room,
                 struct group_mean *means, struct heterogeneity *out);

#endif
