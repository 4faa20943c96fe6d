// Effects of a run that was kept to compare later ones with.
#ifndef ABL_UI_SAVED_RUN_H
#define ABL_UI_SAVED_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/snapshot.h"

struct saved_run {
    char name[512];
    uint32_t n_layers, n_heads;
    double *cells; // (n_layers, n_heads), NaN where there was none; owned, NULL: nothing is kept
    struct cluster_sums by_cluster; // of the cells; none where the run had not ended
};

// Keep the finished effects of a snapshot, which has a grid and facts, in place of what was kept.
// False, and nothing changed, when memory is out.
bool saved_run_keep(struct saved_run *r, const struct snapshot *p);
void saved_run_release(struct saved_run *r);

// Whether a run has the layers and heads of the kept one.
bool saved_run_fits(const struct saved_run *r, const struct snapshot *p);

// A cell's effect minus the kept one; NaN where one of them is missing. The run fits.
double saved_run_change(const struct saved_run *r, const struct snapshot *p, size_t at);

// Whether both are over the same rows in the same clusters, so that they are compared pair by pair.
bool saved_run_is_paired(const struct saved_run *r, const struct snapshot *p);

// The run minus the kept one, as a run of its own, with the interval and q of each difference where
// both have ended. NULL where they do not fit or memory is out. Owned: snapshot_free.
struct snapshot *saved_run_difference(const struct saved_run *r, const struct snapshot *p);

#endif
