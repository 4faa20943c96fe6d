// Which figures a run has, and what they show.
#ifndef ABL_REPORT_FIGURES_H
#define ABL_REPORT_FIGURES_H

#include <stddef.h>

#include "analysis/effects.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/jobs.h"
#include "report/report.h"

// A map of positions with more of either is no figure that anyone could read.
enum { MOST_MAP_ROWS = 256, MOST_MAP_COLUMNS = 64 };

// The figures, which are drawn while tables are written and put in when the run is in its place.
struct figures {
    struct job *job;
    const char **names; // (n) of pictures, in the run's folder, in the order in which they come
    size_t n;
    struct abl_err err; // why there are none (any more)
    struct arena arena;
};

// The heatmap of single heads, their effects by group, and of patches a map for each site.
void figures_begin(struct figures *f, const struct report *r, const struct effects *effects);
void figures_end(struct figures *f);

#endif
