// What the forest figure of a run shows: its heads with the largest effects, by group of the rows.
#ifndef ABL_REPORT_FOREST_PANELS_H
#define ABL_REPORT_FOREST_PANELS_H

#include <stdbool.h>

#include "analysis/effects.h"
#include "base/arena.h"
#include "report/forest_figure.h"
#include "report/heatmap.h"
#include "report/report.h"

// Of a run with heads and groups, under the metric shown first and the heatmap's kind of ablation,
// whose texts it takes; in the arena. False when memory is out.
bool forest_of_effects(const struct report *r, const struct measured_rows *measured,
                       const struct effects *effects, const struct heatmap *m, struct arena *a,
                       struct forest_figure *out);

#endif
